// Uses what graphql-codegen made of the gateway's schema; the compiler holds every line to it.
// The arguments are the URL and the token.

import { ApolloClient, HttpLink, InMemoryCache } from "@apollo/client/core";
import { ExecutionDocument, ExecutionsDocument, SubmitDocument } from "./made.js";

declare const process: { argv: string[]; stdout: { write(text: string): void } };

const [, , uri, token] = process.argv;
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: new HttpLink({ uri, headers: { authorization: `Bearer ${token}` } }),
});

const sent = await client.mutate({ mutation: SubmitDocument, variables: { text: "Hello" } });
const executionId: string = sent.data?.controlPlaneIntentSubmit?.executionId ?? "";
const one = await client.query({ query: ExecutionDocument, variables: { executionId } });
const all = await client.query({ query: ExecutionsDocument, variables: { limit: 1 } });
const total: number | undefined = all.data?.controlPlaneExecutionList?.total;
const status: "RECEIVED" | string | undefined = one.data?.controlPlaneExecutionGet?.execution.status;

// @ts-expect-error - the schema has a string here
export const wrong = () => client.mutate({ mutation: SubmitDocument, variables: { text: 1 } });

process.stdout.write(`${JSON.stringify({ executionId, total, status })}\n`);
