"""Copying a record into a SQLite file, as it is at one moment.

Verification then reads the copy: there is one way to verify, whatever database the record is in,
and it burdens the server with one sequential read.
"""

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import Table, select

from gateway.journal.checkpoint_file import CheckpointFile
from gateway.journal.postgres.opening import open_snapshot
from gateway.journal.postgres.session import PostgresSession
from gateway.journal.sqlite_session import SqliteSession
from gateway.journal.statement import Statement, creating
from gateway.journal.tables import metadata


@contextlib.contextmanager
def copied(url: str) -> Iterator[Path]:
    """The path of a SQLite file with the record of the database ``url``; it goes in the end.

    Raises:
        ProblemError: SERVICE_UNAVAILABLE.
        OSError, sqlite3.Error: there is no room for it in the folder for temporary files.
    """
    with tempfile.TemporaryDirectory(prefix="gateway-copy-") as folder:
        path = Path(folder) / "gateway.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as target:
            target.execute("PRAGMA journal_mode = WAL")
            target.execute("PRAGMA synchronous = OFF")  # a copy that is lost is made again
            with open_snapshot(url, "gateway-copy") as session:
                copy_tables(session, target)
            CheckpointFile(path.parent).complete(SqliteSession(target.cursor()))
        yield path


def copy_tables(session: PostgresSession, target: sqlite3.Connection) -> None:
    """Create the tables of a record in an empty SQLite file, with all rows that a session sees."""
    target.execute("BEGIN")
    for command in creating():
        target.execute(command)
    for table in metadata.sorted_tables:
        _copy_table(session, target, table)
    target.execute("COMMIT")


def _copy_table(session: PostgresSession, target: sqlite3.Connection, table: Table) -> None:
    marks = ", ".join("?" * len(table.columns))
    adding = f'INSERT INTO "{table.name}" VALUES ({marks})'  # noqa: S608 - a name of ours
    rows = Statement(select(*table.columns).order_by(*table.primary_key.columns))
    target.executemany(adding, session.each(rows))
