// What graphql-codegen is to make, from the schema of a running gateway: the TypeScript types of the
// schema, and typed documents. It is told by CODEGEN_URL, CODEGEN_TOKEN and CODEGEN_OUT, a folder.

import { fileURLToPath } from "node:url";

const { CODEGEN_URL: url, CODEGEN_TOKEN: token, CODEGEN_OUT: out } = process.env;

export default {
  schema: [{ [url]: { headers: { authorization: `Bearer ${token}` } } }],
  documents: [fileURLToPath(new URL("operations.graphql", import.meta.url))],
  config: { strictScalars: true, scalars: { JSON: "unknown", JSONObject: "object", ...texts() } },
  generates: {
    [`${out}/schema.ts`]: { plugins: ["typescript"] },
    [`${out}/made.ts`]: { plugins: ["typescript-operations", "typed-document-node"] },
  },
};

function texts() {
  const names = ["Currency", "Date", "DateTime", "EmailAddress", "NonEmptyString", "URL"];
  return Object.fromEntries(names.map((name) => [name, "string"]));
}
