"""The two operations as contracts, for the gateway's own door."""

_ROWS = """
key: bench.rows.list
version: 1.0.0
kind: query
title: List rows
description: The first rows of a hundred.
domain: bench
owners: [bench]
risk: low
capability: bench.core@1.0.0
types:
  RowStatus: [OPEN, CLOSED]
  Row:
    id: ID!
    name: String!
    status: RowStatus!
    amount: Int!
    ratio: Float!
    open: Boolean!
    note: String
    tags: "[String!]!"
input: {limit: Int!}
output: {rows: "[Row!]!"}
policy: {auth: user}
handler: {python: {target: "tests.bench.doors.contracts:rows", timeout: 5s}}
"""

_START = """
key: bench.execution.start
version: 1.0.0
kind: command
title: Start nothing
description: Answers as if it had started something.
domain: bench
owners: [bench]
risk: low
capability: bench.core@1.0.0
input: {executionId: ID!, planId: ID!, mode: String}
output: {runId: ID!, status: String!, startedAt: String!}
policy: {auth: user, idempotent: true}
handler: {python: {target: "tests.bench.doors.contracts:start", timeout: 5s, idempotencyKey: true}}
"""

FILES = {"rows.list.yaml": _ROWS, "execution.start.yaml": _START}
"""The contract files by name."""


async def rows(value: dict[str, object], _context: object) -> dict[str, object]:
    """The action of the list."""
    from tests.bench.doors.answers import listed

    return listed(value)


async def start(value: dict[str, object], _context: object) -> dict[str, object]:
    """The action of the command."""
    from tests.bench.doors.answers import started

    return started(value)
