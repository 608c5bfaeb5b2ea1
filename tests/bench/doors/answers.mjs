// What every server of this benchmark answers with: the same as tests/bench/doors/answers.py.
import { readFileSync } from "node:fs";

export const typeDefs = readFileSync(new URL("schema.graphql", import.meta.url), "utf8");

const rows = Array.from({ length: 100 }, (_, number) => ({
  id: `row_${number}`,
  name: `Row ${number}`,
  status: number % 2 ? "OPEN" : "CLOSED",
  amount: number * 7,
  ratio: number + 0.5,
  open: number % 2 === 1,
  note: number % 3 ? "a note" : null,
  tags: ["a", "b"],
}));

export async function list(_source, { input }) {
  return { rows: rows.slice(0, input.limit) };
}

export async function start(_source, { input }) {
  return { runId: `run_${input.executionId}`, status: "RUNNING", startedAt: "2026-01-01T00:00:00Z" };
}

export const resolvers = {
  Query: { benchRowsList: list },
  Mutation: { benchExecutionStart: start },
};
