"""Rebuilding: folding the projections anew from the entries, to replace them or to compare."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import Table, bindparam, case, exists, func, insert, null, or_, select

from gateway.journal.database import open_reader, open_writer, unreadable
from gateway.journal.folder import FolderLock
from gateway.journal.projections import project
from gateway.journal.records import entry_of
from gateway.journal.statement import Statement, creating
from gateway.journal.tables import PROJECTIONS, claim, entry, execution, step
from gateway.journal.unit import change_one
from gateway.model.execution import LIVE, StepStatus
from gateway.model.ports import Clock
from gateway.model.problem import Problem, ProblemError
from gateway.model.time import stamp

Row: TypeAlias = tuple[Any, ...]

ENTRIES_IN_ORDER = Statement(select(*entry.columns).order_by(entry.c.position))


def rebuild_record(path: Path, clock: Clock) -> int:
    """Replace all projections by what the entries say; returns how many entries there are.

    Entries, chains and checkpoints stay as they are. Claims are freed, with epochs above any that
    was ever given, so that no late owner can write. The data folder must not be in use.

    Raises:
        ProblemError: DATA_DIR_IN_USE, DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION, or
            JOURNAL_DAMAGED when an entry cannot be folded (nothing is changed then).
    """
    lock = FolderLock(path.parent)
    try:
        with closing(open_writer(path)) as connection:
            return _rebuild(connection, stamp(clock.now()))
    except sqlite3.DatabaseError as error:
        raise unreadable(path, error) from error
    finally:
        lock.release()


def rebuild_matches(path: Path) -> list[str]:
    """What differs between the projections and a fresh fold of the entries, a sentence each.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION, JOURNAL_DAMAGED.
    """
    with closing(open_reader(path)) as connection:
        connection.execute("BEGIN")
        return list(differences(connection))


def differences(connection: sqlite3.Connection) -> Iterator[str]:
    """``rebuild_matches`` over a snapshot that the caller holds."""
    with closing(sqlite3.connect("", isolation_level=None)) as fresh:  # a private temporary file
        fresh.execute("BEGIN")
        for command in creating(*PROJECTIONS):
            fresh.execute(command)
        fold(connection, fresh)
        for table in PROJECTIONS:
            yield from _compared(table, connection, fresh)


def fold(source: sqlite3.Connection, target: sqlite3.Connection) -> int:
    """Run the projections of every entry of ``source`` on ``target``, in order of position.

    Raises:
        ProblemError: JOURNAL_DAMAGED, naming the entry that cannot be folded.
    """
    count = 0
    cursor = target.cursor()
    for row in source.execute(ENTRIES_IN_ORDER.sql):
        try:
            recorded = entry_of(row)
            for statement, parameters in project(recorded):
                change_one(cursor, recorded, statement.sql, parameters)
        except (ValueError, LookupError, TypeError, AttributeError, sqlite3.Error) as error:
            raise _damaged(row, error) from error
        count += 1
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


def _rebuild(connection: sqlite3.Connection, now: str) -> int:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for table in PROJECTIONS:
            connection.execute(f'DROP TABLE IF EXISTS "{table.name}"')
        for command in creating(*PROJECTIONS):
            connection.execute(command)
        count = fold(connection, connection)
        _free_claims(connection, now)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return count


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
_alive = or_(_sent, *(execution.c.status == status.value for status in sorted(LIVE)))
_claims_of_runs = (
    select(
        execution.c.run_id,
        execution.c.id,
        null(),
        case((_known > _told, _known), else_=_told) + 1,
        null(),
        func.coalesce(claim.c.wake_seq, 0) + 1,
        case((_alive, bindparam("now")), else_=null()),
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
    connection.execute(_FREE_CLAIMS.sql, _FREE_CLAIMS.bind(now=now))


# --- comparing


def _compared(table: Table, live: sqlite3.Connection, fresh: sqlite3.Connection) -> Iterator[str]:
    """Walks both sides in the order of their keys and names the rows that are not the same."""
    names = [column.name for column in table.columns]
    places = [place for place, column in enumerate(table.columns) if column.primary_key]
    rows = Statement(select(*table.columns).order_by(*table.primary_key.columns)).sql
    here, there = live.execute(rows), fresh.execute(rows)
    found, folded = here.fetchone(), there.fetchone()
    while found or folded:
        order = _order(found, folded, places)
        key = [str((found if order <= 0 else folded)[place]) for place in places]
        named = f"{table.name} {' '.join(key)}"
        if order < 0:
            yield f"{named} is in no entry of the journal"
        elif order > 0:
            yield f"{named} is missing, though the journal has it"
        elif found != folded:
            pairs = zip(names, found, folded, strict=True)
            other = [name for name, mine, told in pairs if mine != told]
            yield f"{named} does not say what the journal says in: {', '.join(other)}"
        found = here.fetchone() if order <= 0 else found
        folded = there.fetchone() if order >= 0 else folded


def _order(found: Row | None, folded: Row | None, places: list[int]) -> int:
    if found is None or folded is None:
        return 1 if found is None else -1
    mine = [_sortable(found[place]) for place in places]
    told = [_sortable(folded[place]) for place in places]
    return (mine > told) - (mine < told)


def _sortable(value: Any) -> tuple[int, Any]:
    """Orders values as SQLite does: null, numbers, text, blobs."""
    if value is None:
        return 0, 0
    if isinstance(value, str):
        return 2, value.encode("utf-8", "surrogateescape")
    return (3, value) if isinstance(value, bytes) else (1, value)
