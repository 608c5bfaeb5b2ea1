// Composes two subgraphs with each composer and prints a line of JSON for each: {composer, errors,
// supergraph}. What to compose is the first argument: {gateway, notes}, the paths of their SDL.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parse } from "graphql";

const require = createRequire(import.meta.url);
const { composeServices: apollo } = require("@apollo/composition");
const { composeServices: guild } = require("@theguild/federation-composition");
const { federateSubgraphs, ROUTER_COMPATIBILITY_VERSION_ONE } = require("@wundergraph/composition");

const asked = JSON.parse(process.argv[2]);
const services = Object.entries(asked).map(([name, path]) => ({
  name,
  url: `http://${name}.invalid/graphql`,
  typeDefs: parse(readFileSync(path, "utf8")),
}));

function tell(composer, errors, supergraph) {
  const told = (errors ?? []).map((error) => error.message);
  process.stdout.write(`${JSON.stringify({ composer, errors: told, supergraph })}\n`);
}

const ofApollo = apollo(services);
tell("apollo", ofApollo.errors, ofApollo.supergraphSdl);

const ofGuild = guild(services);
tell("guild", ofGuild.errors, ofGuild.supergraphSdl);

const ofCosmo = federateSubgraphs({
  subgraphs: services.map(({ name, url, typeDefs }) => ({ name, url, definitions: typeDefs })),
  version: ROUTER_COMPATIBILITY_VERSION_ONE,
});
tell("cosmo", ofCosmo.errors, ofCosmo.success ? "composed" : undefined);
