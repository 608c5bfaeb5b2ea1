"""Folding the projections anew from the entries: in place, or into another database."""

import sqlite3
from collections.abc import Callable
from typing import Any, TypeAlias

from sqlalchemy import bindparam, case, exists, func, insert, null, or_, select

from gateway.journal.faults import is_around
from gateway.journal.progress import Progress, untold
from gateway.journal.records import entry_of
from gateway.journal.sqlite_session import SqliteSession
from gateway.journal.statement import Statement, creating
from gateway.journal.tables import PROJECTIONS, claim, entry, execution, step
from gateway.journal.unit import fold_in
from gateway.model.execution import UNDER_WAY, StepStatus
from gateway.model.problem import Problem, ProblemError

Row: TypeAlias = tuple[Any, ...]

ENTRIES_IN_ORDER = Statement(select(*entry.columns).order_by(entry.c.position))

_COUNT = Statement(select(func.count()).select_from(entry))


def refold(connection: sqlite3.Connection, now: str, progress: Progress = untold) -> int:
    """Replace all projections within the caller's transaction; returns how many entries there are.

    Claims are freed, with epochs above any that was ever given, so that no late owner can write.

    Raises:
        ProblemError: JOURNAL_DAMAGED when an entry cannot be folded.
    """
    for table in PROJECTIONS:
        connection.execute(f'DROP TABLE IF EXISTS "{table.name}"')
    for command in creating(*PROJECTIONS):
        connection.execute(command)
    (total,) = connection.execute(_COUNT.sqlite.sql).fetchone()
    count = fold(connection, connection, lambda done: progress("entries", done, total))
    _free_claims(connection, now)
    return count


def fold(
    source: sqlite3.Connection,
    target: sqlite3.Connection,
    done: Callable[[int], None] = lambda _: None,
) -> int:
    """Run the projections of every entry of ``source`` on ``target``, in order of position.

    ``done`` is told after each how many there were.

    Raises:
        ProblemError: JOURNAL_DAMAGED, naming the entry that cannot be folded.
    """
    count = 0
    session = SqliteSession(target.cursor())
    for row in source.execute(ENTRIES_IN_ORDER.sqlite.sql):
        try:
            fold_in(session, entry_of(row))
        except (ValueError, LookupError, TypeError, AttributeError, sqlite3.Error) as error:
            if is_around(error):  # a full disk, say: nothing is wrong with the entry
                raise
            raise _damaged(row, error) from error
        count += 1
        done(count)
    return count


def _damaged(row: Row, error: Exception) -> ProblemError:
    position, chain, seq = row[:3]
    return ProblemError(
        Problem(
            code="JOURNAL_DAMAGED",
            title="The journal is damaged",
            status=500,
            detail=f"The entry at position {position} ({chain}, seq {seq}) cannot be folded "
            f"({type(error).__name__}). Verify the record with `gateway audit verify`, and restore "
            "a backup from before the damage.",
            category="internal",
        )
    )


# --- claims

_seen = (
    select(
        entry.c.execution_id,
        func.max(func.json_extract(entry.c.body, "$.epoch")).label("epoch"),
    )
    .where(entry.c.execution_id.is_not(None))
    .group_by(entry.c.execution_id)
    .subquery()
)
_known = func.coalesce(claim.c.epoch, 0)
_told = func.coalesce(_seen.c.epoch, 0)
_sent = exists().where(
    step.c.execution_id == execution.c.id, step.c.status == StepStatus.DISPATCHED.value
)
_alive = or_(_sent, *(execution.c.status == status.value for status in sorted(UNDER_WAY)))
_claims_of_runs = (
    select(
        execution.c.run_id,
        execution.c.id,
        null(),
        case((_known > _told, _known), else_=_told) + 1,
        null(),
        func.coalesce(claim.c.wake_seq, 0) + 1,
        case((_alive, bindparam("now")), else_=null()),
        execution.c.workspace,
        execution.c.direct,
    )
    .select_from(
        execution.outerjoin(claim, claim.c.run_id == execution.c.run_id).outerjoin(
            _seen, _seen.c.execution_id == execution.c.id
        )
    )
    .where(execution.c.run_id.is_not(None))
)
_FREE_CLAIMS = Statement(
    insert(claim)
    .prefix_with("OR REPLACE")
    .from_select([column.name for column in claim.columns], _claims_of_runs)
)


def _free_claims(connection: sqlite3.Connection, now: str) -> None:
    """Give every run a free claim with a new epoch, due at once where the run is live or an attempt
    of it has no outcome yet."""
    SqliteSession(connection.cursor()).change(_FREE_CLAIMS, now=now)
