"""Removing archived entries from the database, with everything that is folded from them.

The rule: an entry goes only if whatever is folded from it goes with it. So the tables hold at any
time just what the entries beside them say, and a rebuild needs no archive.

- An execution that is over goes as a whole, with its chain. One that compensates, or is
  compensated, goes together with the other. One that used a standing grant stays, because the
  grant counts its uses.
- Of the entries without an execution go those that only tell what happened (calls, denials, shown
  answers); with a call goes what its idempotency key answers. Policy, grants, holds, erasures and
  skills stay.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Table

from gateway.journal.archive_records import KEEP_ARCHIVED
from gateway.journal.tables import PROJECTIONS, claim
from gateway.model.entry import EntryType
from gateway.model.execution import ExecutionStatus, StepStatus
from gateway.model.json import JsonObject, JsonValue, decode, encode
from gateway.model.pii import SEALED, each_envelope

OVER = frozenset(
    {
        *(ExecutionStatus.COMPLETED, ExecutionStatus.BLOCKED, ExecutionStatus.FAILED),
        *(ExecutionStatus.REJECTED, ExecutionStatus.EXPIRED, ExecutionStatus.CANCELLED),
        ExecutionStatus.ABORTED,
    }
)
"""How an execution stands that goes on only if somebody makes it."""

LOOSE = frozenset(
    {
        *(EntryType.CALL_COMPLETED, EntryType.CALL_FAILED, EntryType.CALL_DENIED),
        *(EntryType.CALLS_DENIED, EntryType.QUERY_ANSWERED, EntryType.ANSWER_SHOWN),
        *(EntryType.EVENTS_SHOWN, EntryType.AUDIT_EXPORTED),
    }
)
"""Entries without an execution that only tell what happened."""

_OPEN = (StepStatus.DISPATCHED, StepStatus.UNRESOLVED)


def _texts(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))


_GOING = f"""
INSERT INTO going
SELECT e.id FROM execution e
JOIN chain_head h ON h.chain = 'execution/' || e.id
JOIN entry n ON n.chain = h.chain AND n.seq = h.seq
WHERE e.status IN ({_texts(one.value for one in OVER)}) AND n.position <= :limit
AND NOT EXISTS (SELECT 1 FROM step s WHERE s.plan_id = e.plan_id
    AND s.status IN ({_texts(one.value for one in _OPEN)}))
AND NOT EXISTS (SELECT 1 FROM claim c WHERE c.run_id = e.run_id
    AND (c.owner IS NOT NULL OR c.wake_at IS NOT NULL))
AND NOT EXISTS (SELECT 1 FROM grant_use g WHERE g.execution_id = e.id)
AND NOT EXISTS (SELECT 1 FROM webhook_delivery d WHERE d.execution_id = e.id
    AND d.status = 'pending')
"""  # noqa: S608 # constants of our own
_TOGETHER = """
DELETE FROM going WHERE id IN (
    SELECT e.id FROM execution e JOIN going ON going.id = e.id
    WHERE (e.compensates IS NOT NULL AND e.compensates NOT IN (SELECT id FROM going))
    OR (e.compensation_id IS NOT NULL AND e.compensation_id NOT IN (SELECT id FROM going)))
"""
_GONE_OF_EXECUTIONS = """
INSERT INTO gone SELECT n.position FROM entry n JOIN going ON n.chain = 'execution/' || going.id
"""
_GONE_LOOSE = f"""
INSERT INTO gone SELECT n.position FROM entry n
WHERE n.position <= :limit AND n.execution_id IS NULL
AND n.type IN ({_texts(one.value for one in LOOSE)})
AND (n.type != '{EntryType.CALL_COMPLETED.value}' OR NOT EXISTS (
    SELECT 1 FROM execution e WHERE e.id = json_extract(n.body, '$.executionId')
    AND e.id NOT IN (SELECT id FROM going)))
"""  # noqa: S608 # constants of our own
_CALLS = """
DELETE FROM "call" WHERE (workspace, subject, contract, idempotency_key) IN (
    SELECT n.workspace, json_extract(n.body, '$.subject'), json_extract(n.body, '$.key'),
        json_extract(n.body, '$.idempotencyKey')
    FROM entry n JOIN gone ON gone.position = n.position
    WHERE n.type = :completed AND json_extract(n.body, '$.idempotencyKey') IS NOT NULL)
"""
_SEALED = f"""
SELECT n.position, n.at, n.type, n.execution_id, n.body, n.workspace, n.chain, n.seq
FROM entry n JOIN gone ON gone.position = n.position
WHERE instr(n.body, '"{SEALED}":') > 0 OR n.type = '{EntryType.EVIDENCE_EXPORTED.value}'
"""  # noqa: S608 # constants of our own


@dataclass(frozen=True, slots=True)
class Removed:
    """What went: how many executions, and the positions of their entries and of loose ones, in
    order."""

    executions: int
    positions: tuple[int, ...]


def remove_archived(connection: sqlite3.Connection, limit: int) -> Removed:
    """Remove what may go of the entries up to the position ``limit``, which are all archived,
    within the caller's transaction."""
    connection.execute("CREATE TEMP TABLE going (id TEXT PRIMARY KEY) WITHOUT ROWID")
    connection.execute("CREATE TEMP TABLE gone (position INTEGER PRIMARY KEY)")
    connection.execute(_GOING, {"limit": limit})
    while connection.execute(_TOGETHER).rowcount:
        pass
    connection.execute(_GONE_OF_EXECUTIONS)
    connection.execute(_GONE_LOOSE, {"limit": limit})
    (executions,) = connection.execute("SELECT count(*) FROM going").fetchone()
    positions = connection.execute("SELECT position FROM gone ORDER BY position").fetchall()
    _keep_sealed(connection)
    _delete(connection)
    connection.execute("DROP TABLE going")
    connection.execute("DROP TABLE gone")
    return Removed(executions, tuple(position for (position,) in positions))


def _keep_sealed(connection: sqlite3.Connection) -> None:
    """Keep which keys sealed what goes, and which bundles of evidence were exported of it."""
    rows = connection.execute(_SEALED).fetchall()
    for position, at, kind, execution_id, body, *place in rows:
        values = (position, at, kind, execution_id, sealed_headers(body, kind), *place)
        connection.execute(KEEP_ARCHIVED.sql, values)


def sealed_headers(text: str, kind: str) -> str:
    """The envelopes of a body without what they seal, as it is kept of an archived entry; of an
    exported bundle, its name too."""
    body = decode(text)
    sealed = (envelope[SEALED] for envelope in each_envelope(body))
    found: list[JsonValue] = [{SEALED: [*one[:-1], ""]} for one in sealed if isinstance(one, list)]
    told: JsonObject = {"envelopes": found}
    if kind == EntryType.EVIDENCE_EXPORTED and isinstance(body, dict):
        told |= {name: body[name] for name in ("runId", "number") if name in body}
    return encode(told)


def _delete(connection: sqlite3.Connection) -> None:
    connection.execute(_CALLS, {"completed": EntryType.CALL_COMPLETED.value})
    for table in (*PROJECTIONS, claim):
        column = _of_execution(table)
        if column is not None:
            command = f'DELETE FROM "{table.name}" WHERE "{column}" IN (SELECT id FROM going)'  # noqa: S608 # names of our own tables
            connection.execute(command)
    connection.execute(
        "DELETE FROM chain_head WHERE chain IN (SELECT 'execution/' || id FROM going)"
    )
    connection.execute("DELETE FROM entry WHERE position IN (SELECT position FROM gone)")


def _of_execution(table: Table) -> str | None:
    """The column that says of which execution a row is; calls go with their own entries."""
    if table.name == "execution":
        return "id"
    if table.name == "call" or "execution_id" not in table.columns:
        return None
    return "execution_id"
