// Sends requests one after another with urql and prints a line of JSON for each. What to send is
// the first argument: {url, token, requests: [{query, variables}]}.

import { Client, fetchExchange } from "@urql/core";

const asked = JSON.parse(process.argv[2]);
const client = new Client({
  url: asked.url,
  exchanges: [fetchExchange],
  fetchOptions: { headers: { authorization: `Bearer ${asked.token}` } },
  preferGetMethod: asked.byGet ?? false,
});

for (const { query, variables } of asked.requests) {
  const isMutation = query.trimStart().startsWith("mutation");
  const { data, error } = isMutation
    ? await client.mutation(query, variables ?? {})
    : await client.query(query, variables ?? {});
  const errors = error?.networkError ? String(error) : (error?.graphQLErrors ?? []);
  process.stdout.write(`${JSON.stringify({ data: data ?? null, errors })}\n`);
}
