// Runs one operation as an event stream with the official client and prints a line of JSON for
// whatever the client hears. What to do is the first argument:
// {url, token, headers, operation: {query, variables}}; it ends with the operation.

import { createClient } from "graphql-sse";

const asked = JSON.parse(process.argv[2]);

function tell(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

const authorization = asked.token ? { authorization: `Bearer ${asked.token}` } : {};
const client = createClient({
  url: asked.url,
  headers: { ...authorization, ...asked.headers },
  retryAttempts: 0,
  on: { connected: () => tell({ connected: true }) },
});

client.subscribe(asked.operation, {
  next: (result) => tell({ next: result }),
  error: (error) => tell({ error: String(error.message), status: error.response?.status }),
  complete: () => tell({ complete: true }),
});
