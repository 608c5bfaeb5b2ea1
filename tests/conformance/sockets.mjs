// Runs operations on one WebSocket with the official client and prints a line of JSON for whatever
// the client hears. What to do is the first argument:
// {url, token, keepAlive, operations: [{query, variables}]}; it ends when all operations have.

import { createClient } from "graphql-ws";
import WebSocket from "ws";

const asked = JSON.parse(process.argv[2]);

function tell(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

const client = createClient({
  url: asked.url.replace(/^http/, "ws"),
  webSocketImpl: WebSocket,
  connectionParams: asked.token ? { authorization: `Bearer ${asked.token}` } : undefined,
  keepAlive: asked.keepAlive ?? 0,
  retryAttempts: 0,
  on: {
    connected: () => tell({ connected: true }),
    closed: ({ code, reason }) => tell({ closed: code, reason: String(reason) }),
    pong: (received) => received && tell({ pong: true }),
  },
});

asked.operations.forEach((operation, index) => {
  client.subscribe(operation, {
    next: (result) => tell({ operation: index, next: result }),
    error: (error) => tell({ operation: index, error: Array.isArray(error) ? error : "connection" }),
    complete: () => tell({ operation: index, complete: true }),
  });
});
