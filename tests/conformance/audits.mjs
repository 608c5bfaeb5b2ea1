// Holds the gateway to the audits of graphql-http, one after another, and prints a line of JSON for
// each. What to do is the first argument: {url, headers}; the headers go with every request.

import { serverAudits } from "graphql-http";

const asked = JSON.parse(process.argv[2]);

function withHeaders(url, options = {}) {
  return fetch(url, { ...options, headers: { ...asked.headers, ...options.headers } });
}

for (const audit of serverAudits({ url: asked.url, fetchFn: withHeaders })) {
  const { status, reason } = await audit.fn();
  process.stdout.write(`${JSON.stringify({ audit: audit.id, name: audit.name, status, reason })}\n`);
}
