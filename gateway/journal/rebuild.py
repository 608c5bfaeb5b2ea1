"""Rebuilding: folding the projections anew from the entries, to replace them or to compare."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import Table, select

from gateway.journal.database import BROKEN, open_reader, open_writer, unreadable, writing
from gateway.journal.folder import FolderLock
from gateway.journal.place import Place
from gateway.journal.progress import Progress, untold
from gateway.journal.refold import fold, refold
from gateway.journal.statement import Statement, creating
from gateway.journal.tables import PROJECTIONS
from gateway.model.ports import Clock
from gateway.model.time import stamp

Row: TypeAlias = tuple[Any, ...]


def rebuild_record(place: Place, clock: Clock, progress: Progress = untold) -> int:
    """Replace all projections by what the entries say; returns how many entries there are.

    Entries, chains and checkpoints stay as they are. Claims are freed, with epochs above any that
    was ever given, so that no late owner can write. The folder of a SQLite file must not be in use.

    Raises:
        ProblemError: DATA_DIR_IN_USE, DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION,
            SERVICE_UNAVAILABLE, or JOURNAL_DAMAGED when an entry cannot be folded (nothing is
            changed then).
    """
    if isinstance(place, Path):
        return _rebuild_file(place, clock, progress)
    from gateway.journal.postgres.rebuilding import rebuild_database  # only where it is used

    return rebuild_database(place, progress)


def _rebuild_file(path: Path, clock: Clock, progress: Progress) -> int:
    lock = FolderLock(path.parent)
    try:
        with closing(open_writer(path)) as connection:
            return _rebuild(connection, stamp(clock.now()), progress)
    except BROKEN as error:
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


def differences(
    connection: sqlite3.Connection, done: Callable[[int], None] = lambda _: None
) -> Iterator[str]:
    """``rebuild_matches`` over a snapshot that the caller holds; ``done`` is told how many entries
    were folded."""
    with closing(sqlite3.connect("", isolation_level=None)) as fresh:  # a private temporary file
        fresh.execute("BEGIN")
        for command in creating(*PROJECTIONS):
            fresh.execute(command)
        fold(connection, fresh, done)
        for table in PROJECTIONS:
            yield from _compared(table, connection, fresh)


def _rebuild(connection: sqlite3.Connection, now: str, progress: Progress) -> int:
    with writing(connection):
        return refold(connection, now, progress)


# --- comparing


def _compared(table: Table, live: sqlite3.Connection, fresh: sqlite3.Connection) -> Iterator[str]:
    """Walks both sides in the order of their keys and names the rows that are not the same."""
    names = [column.name for column in table.columns]
    places = [place for place, column in enumerate(table.columns) if column.primary_key]
    rows = Statement(select(*table.columns).order_by(*table.primary_key.columns)).sqlite.sql
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
