"""Rebuilding on PostgreSQL: projections are folded in a copy, then replace the stored ones.

Folding is done where verification does it, on SQLite, so that there is one way to fold.
"""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Table, delete, select, text

from gateway.journal.postgres.batch import NOW
from gateway.journal.postgres.copying import copy_tables
from gateway.journal.postgres.errors import LostConnectionError, PostgresError, unavailable
from gateway.journal.postgres.session import PostgresSession
from gateway.journal.postgres.values import rows_of
from gateway.journal.postgres.wire import Wire
from gateway.journal.progress import Progress, untold
from gateway.journal.refold import refold
from gateway.journal.statement import Statement, inserting
from gateway.journal.tables import PROJECTIONS, claim

_PATIENCE = 10_000
"""Milliseconds to wait for batches that are under way elsewhere; a server that says nothing for
longer would be taken for lost."""

_AT_ONCE = 500
_PAGES = 8_192
"""Pages of a table (64 MB) that one statement empties: millions of rows would take longer than the
server may take for an answer."""
_PAGES_OF = (
    "SELECT pg_relation_size(quote_ident($1)::regclass) / current_setting('block_size')::bigint"
)
_BETWEEN = text("ctid >= CAST(:first AS tid) AND ctid < CAST(:behind AS tid)")

_FOLDED = 1_000
"""After how many entries the server hears of the transaction again."""

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ"
# Gateways wait meanwhile; whatever they do afterwards is done on what was rebuilt.
_ALONE = "LOCK TABLE policy_head, entry, claim IN EXCLUSIVE MODE"


def rebuild_database(url: str, progress: Progress = untold) -> int:
    """Replace all projections by what the entries say; returns how many entries there are.

    Entries, chains and checkpoints stay as they are. Claims are freed, with epochs above any that
    was ever given, so that no late owner can write.

    Raises:
        ProblemError: SERVICE_UNAVAILABLE, or JOURNAL_DAMAGED when an entry cannot be folded
            (nothing is changed then).
        OSError, sqlite3.Error: there is no room for a copy in the folder for temporary files.
    """
    try:
        wire = Wire(url, "gateway-rebuild", lock_timeout=_PATIENCE)
    except LostConnectionError as error:
        raise unavailable(error) from error
    try:
        return _rebuilt(PostgresSession(wire), progress)
    except PostgresError as error:
        raise unavailable(error) from error
    finally:
        wire.close()


def _rebuilt(session: PostgresSession, progress: Progress) -> int:
    session.command(_BEGIN)
    session.command(_ALONE)
    session.command(NOW)
    ((now,),) = rows_of(session.settle()[-1])
    with _scratch() as scratch:
        copy_tables(session, scratch)
        scratch.execute("BEGIN")
        count = refold(scratch, now, _heard(session, progress))
        for table in (*PROJECTIONS, claim):
            _replace(session, scratch, table)
    session.command("COMMIT")
    session.settle()
    return count


def _heard(session: PostgresSession, progress: Progress) -> Progress:
    """``progress`` of folding, of which the server hears: it ends a transaction in which nothing
    happens for a minute, and half a million entries take longer."""

    def told(what: str, done: int, total: int) -> None:
        if done % _FOLDED == 0:
            session.command("SELECT 1")
            session.settle()
        progress(what, done, total)

    return told


@contextmanager
def _scratch() -> Iterator[sqlite3.Connection]:
    with tempfile.TemporaryDirectory(prefix="gateway-rebuild-") as folder:
        path = Path(folder) / "gateway.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as scratch:
            scratch.execute("PRAGMA synchronous = OFF")
            yield scratch


def _replace(session: PostgresSession, scratch: sqlite3.Connection, table: Table) -> None:
    _empty(session, table)
    adding, names = inserting(table), [column.name for column in table.columns]
    rows = scratch.execute(Statement(select(*table.columns)).sqlite.sql)
    for number, row in enumerate(rows, 1):
        session.change_unseen(adding, **dict(zip(names, row, strict=True)))
        if number % _AT_ONCE == 0:
            session.settle()
    session.settle()


def _empty(session: PostgresSession, table: Table) -> None:
    """Remove every row of a table, so many pages at a time; nobody adds any meanwhile."""
    session.command(_PAGES_OF, table.name)
    ((pages,),) = rows_of(session.settle()[-1])
    emptying = Statement(delete(table).where(_BETWEEN))
    for first in range(0, pages, _PAGES):
        session.change(emptying, first=f"({first},0)", behind=f"({first + _PAGES},0)")
