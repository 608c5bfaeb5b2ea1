"""Removing archived entries from the database, with everything that is folded from them.

The rule: an entry goes only if whatever is folded from it goes with it. So the tables hold at any
time just what the entries beside them say, and a rebuild needs no archive.

- An execution that is over goes as a whole, with its chain. One that compensates, or is
  compensated, goes together with the other. One stays on whose chain something else is recorded
  that lasts: the use of a standing grant, which the grant counts, or the erasure of its data.
- Of the entries without an execution go those that only tell what happened (calls, denials, shown
  answers); with a call goes what its idempotency key answers. Policy, grants, holds, erasures and
  skills stay.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Table, text

from gateway.journal.archive_records import KEEP_ARCHIVED
from gateway.journal.functions import READABLE_JSON
from gateway.journal.session import Session
from gateway.journal.statement import Statement
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

_OWN = ("intent.", "plan.", "run.", "step.", "compensation.", "approval.", "lane.", "evidence.")
LASTING = frozenset(one for one in EntryType if not one.value.startswith(_OWN)) - LOOSE
"""Entries from which more is folded than the execution that they are about."""

_OPEN = (StepStatus.DISPATCHED, StepStatus.UNRESOLVED)


def _texts(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))


TEMPORARY = (
    Statement(text("CREATE TEMPORARY TABLE going (id TEXT PRIMARY KEY)")),
    Statement(text("CREATE TEMPORARY TABLE gone (position BIGINT PRIMARY KEY)")),
)
"""What makes the tables of what goes, executions and positions."""

DROPPING = tuple(Statement(text(f"DROP TABLE {name}")) for name in ("going", "gone"))
"""What removes them again."""

_GOING = Statement(
    text(f"""
INSERT INTO going
SELECT e.id FROM execution e
JOIN chain_head h ON h.chain = 'execution/' || e.id
JOIN entry n ON n.chain = h.chain AND n.seq = h.seq AND n.execution_id = e.id
WHERE e.status IN ({_texts(one.value for one in OVER)})
AND n.position > :above AND n.position <= :limit
AND NOT EXISTS (SELECT 1 FROM step s WHERE s.plan_id = e.plan_id
    AND s.status IN ({_texts(one.value for one in _OPEN)}))
AND NOT EXISTS (SELECT 1 FROM claim c WHERE c.run_id = e.run_id
    AND (c.owner IS NOT NULL OR c.wake_at IS NOT NULL))
AND NOT EXISTS (SELECT 1 FROM entry o WHERE o.chain = h.chain
    AND o.type IN ({_texts(one.value for one in LASTING)}))
AND NOT EXISTS (SELECT 1 FROM webhook_delivery d WHERE d.execution_id = e.id
    AND d.status = 'pending')
""")  # noqa: S608 # constants of our own
)
_TOGETHER = Statement(
    text("""
DELETE FROM going WHERE id IN (
    SELECT e.id FROM execution e JOIN going ON going.id = e.id
    WHERE EXISTS (SELECT 1 FROM execution o WHERE o.id = e.compensates
        AND o.id NOT IN (SELECT id FROM going))
    OR e.id IN (SELECT o.compensates FROM execution o WHERE o.compensates IS NOT NULL
        AND o.id NOT IN (SELECT id FROM going)))
""")
)
_GONE_OF_EXECUTIONS = Statement(
    text(
        "INSERT INTO gone SELECT n.position FROM entry n JOIN going"
        " ON n.chain = 'execution/' || going.id"
    )
)


def _with_fields(template: str) -> Statement:
    """A statement in which ``{name}`` stands for that member of the body of the entry ``n``."""
    names = ("executionId", "subject", "key", "idempotencyKey")
    on_sqlite = {name: f"json_extract(n.body, '$.{name}')" for name in names}
    body = READABLE_JSON.format("n.body")
    on_postgres = {name: f"({body} ->> '{name}')" for name in names}
    return Statement(text(template.format(**on_sqlite)), text(template.format(**on_postgres)))


_GONE_LOOSE = _with_fields(f"""
INSERT INTO gone SELECT n.position FROM entry n
WHERE n.position > :above AND n.position <= :limit AND n.execution_id IS NULL
AND n.type IN ({_texts(one.value for one in LOOSE)})
AND n.position NOT IN (SELECT d.position FROM webhook_delivery d WHERE d.status = 'pending')
AND (n.type != '{EntryType.CALL_COMPLETED.value}' OR NOT EXISTS (
    SELECT 1 FROM execution e WHERE e.id = {{executionId}}
    AND e.id NOT IN (SELECT id FROM going)))
""")  # noqa: S608 # constants of our own
_CALLS = _with_fields(f"""
DELETE FROM "call" WHERE (workspace, subject, contract, idempotency_key) IN (
    SELECT n.workspace, {{subject}}, {{key}}, {{idempotencyKey}}
    FROM entry n JOIN gone ON gone.position = n.position
    WHERE n.type = '{EntryType.CALL_COMPLETED.value}' AND {{idempotencyKey}} IS NOT NULL)
""")  # noqa: S608 # constants of our own
_REMEMBERED = Statement(
    text(f"""
SELECT n.position, n.at, n.type, n.execution_id, n.body, n.workspace, n.chain, n.seq
FROM entry n JOIN gone ON gone.position = n.position
WHERE n.body LIKE '%"{SEALED}"\\:%' OR n.type = '{EntryType.EVIDENCE_EXPORTED.value}'
OR (n.execution_id IS NOT NULL
    AND EXISTS (SELECT 1 FROM chain_head h WHERE h.chain = n.chain AND h.seq = n.seq))
""")  # noqa: S608 # constants of our own
)
_COUNT = Statement(text("SELECT count(*) FROM going"))
_POSITIONS = Statement(text("SELECT position FROM gone ORDER BY position"))


def _of_execution(table: Table) -> str | None:
    """The column that says of which execution a row is; calls go with their own entries."""
    if table.name == "execution":
        return "id"
    if table.name == "call" or "execution_id" not in table.columns:
        return None
    return "execution_id"


def _deleting() -> list[Statement]:
    """What removes all that is folded from the entries of the executions, and the entries."""
    folded = [(table.name, _of_execution(table)) for table in (*PROJECTIONS, claim)]
    return [
        _CALLS,
        *(
            Statement(text(f'DELETE FROM "{name}" WHERE "{column}" IN (SELECT id FROM going)'))  # noqa: S608 # names of our own tables
            for name, column in folded
            if column is not None
        ),
        Statement(
            text("DELETE FROM chain_head WHERE chain IN (SELECT 'execution/' || id FROM going)")
        ),
        Statement(text("DELETE FROM entry WHERE position IN (SELECT position FROM gone)")),
    ]


@dataclass(frozen=True, slots=True)
class Removed:
    """What went: how many executions, and the positions of their entries and of loose ones, in
    order."""

    executions: int
    positions: tuple[int, ...]


def remove_archived(session: Session, limit: int, above: int = 0) -> Removed:
    """Remove what may go of the entries up to the position ``limit``, which are all archived,
    within the caller's transaction; with ``above``, only what ends behind that position.

    Of each removed execution its last entry is remembered too: it tells whether all of it is there
    when it is put back.
    """
    for statement in TEMPORARY:
        session.change(statement)
    session.change(_GOING, above=above, limit=limit)
    while session.change(_TOGETHER):
        pass
    session.change(_GONE_OF_EXECUTIONS)
    session.change(_GONE_LOOSE, above=above, limit=limit)
    [(executions,)] = session.all(_COUNT)
    positions = session.all(_POSITIONS)
    for position, at, kind, execution_id, body, workspace, chain, seq in session.all(_REMEMBERED):
        session.change(
            KEEP_ARCHIVED,
            position=position,
            at=at,
            type=kind,
            execution_id=execution_id,
            body=sealed_headers(body, kind),
            workspace=workspace,
            chain=chain,
            seq=seq,
        )
    for statement in (*_deleting(), *DROPPING):
        session.change(statement)
    return Removed(executions, tuple(position for (position,) in positions))


def sealed_headers(stored: str, kind: str) -> str:
    """The envelopes of a body without what they seal, as it is kept of an archived entry; of an
    exported bundle, its name too."""
    body = decode(stored)
    sealed = (envelope[SEALED] for envelope in each_envelope(body))
    found: list[JsonValue] = [{SEALED: [*one[:-1], ""]} for one in sealed if isinstance(one, list)]
    told: JsonObject = {"envelopes": found}
    if kind == EntryType.EVIDENCE_EXPORTED and isinstance(body, dict):
        told |= {name: body[name] for name in ("runId", "number") if name in body}
    return encode(told)
