// Sends requests one after another with Apollo Client and prints a line of JSON for each. What to
// send is the first argument: {url, token, requests: [{query, variables}]}.

import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from "@apollo/client/core";

const asked = JSON.parse(process.argv[2]);
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: new HttpLink({ uri: asked.url, headers: { authorization: `Bearer ${asked.token}` } }),
  defaultOptions: { query: { errorPolicy: "all" }, mutate: { errorPolicy: "all" } },
});

for (const { query, variables } of asked.requests) {
  const document = gql(query);
  const isMutation = document.definitions.some((part) => part.operation === "mutation");
  const { data, error } = isMutation
    ? await client.mutate({ mutation: document, variables })
    : await client.query({ query: document, variables });
  const errors = CombinedGraphQLErrors.is(error) ? error.errors : error && String(error);
  process.stdout.write(`${JSON.stringify({ data: data ?? null, errors: errors ?? [] })}\n`);
}
