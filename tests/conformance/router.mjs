// A router before the gateway and a second subgraph: Apollo Server on @apollo/gateway, which plans
// queries over what @apollo/composition made of both. Asked is, as the first argument, {url, admin,
// token, notes, requests}: the SDL is asked of the gateway as `admin`, requests are sent as `token`,
// `notes` are the notes of the second subgraph. Prints a line of JSON for each request: its answer,
// and what was sent to the gateway for it.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parse } from "graphql";

const require = createRequire(import.meta.url);
const { ApolloServer } = require("@apollo/server");
const { composeServices } = require("@apollo/composition");
const { ApolloGateway, LocalGraphQLDataSource, RemoteGraphQLDataSource } = require("@apollo/gateway");
const { buildSubgraphSchema } = require("@apollo/subgraph");

const asked = JSON.parse(process.argv[2]);
const notesSdl = parse(readFileSync(new URL("notes.graphql", import.meta.url), "utf8"));
const noted = (executionId) => asked.notes.filter((note) => note.executionId === executionId);
const ofExecution = (note) => ({ ...note, execution: { executionId: note.executionId } });

const notes = buildSubgraphSchema({
  typeDefs: notesSdl,
  resolvers: {
    Query: { notes: () => asked.notes.map(ofExecution) },
    ControlPlaneExecutionRecord: {
      notes: ({ executionId }) => noted(executionId).map(ofExecution),
    },
  },
});

let sent = [];

class Governed extends RemoteGraphQLDataSource {
  willSendRequest({ request }) {
    request.http.headers.set("authorization", `Bearer ${asked.token}`);
    sent.push({ query: request.query, variables: request.variables });
  }
}

async function sdlOfGateway() {
  const answer = await fetch(asked.url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${asked.admin}` },
    body: JSON.stringify({ query: "{ _service { sdl } }" }),
  });
  return parse((await answer.json()).data._service.sdl);
}

const { supergraphSdl, errors } = composeServices([
  { name: "gateway", url: asked.url, typeDefs: await sdlOfGateway() },
  { name: "notes", url: "http://notes.invalid/graphql", typeDefs: notesSdl },
]);
if (errors) throw new Error(errors.join("\n"));

// This router refuses what it cannot enforce itself, such as @authenticated. The gateway does that.
const gateway = new ApolloGateway({
  supergraphSdl: supergraphSdl.replaceAll(", for: SECURITY", ""),
  buildService: ({ name, url }) =>
    name === "notes" ? new LocalGraphQLDataSource(notes) : new Governed({ url }),
});
const server = new ApolloServer({ gateway });
await server.start();

for (const request of asked.requests) {
  sent = [];
  const { body } = await server.executeOperation(request);
  const { data, errors: told } = body.singleResult;
  process.stdout.write(`${JSON.stringify({ data: data ?? null, errors: told ?? [], sent })}\n`);
}
await server.stop();
