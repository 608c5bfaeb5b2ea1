"""Migrating a SQLite file: by one process, which holds the folder meanwhile."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from gateway.journal.database import BROKEN, connect, connect_writer, found_versions, unreadable
from gateway.journal.folder import FolderLock
from gateway.journal.migrations.running import Migrated, is_behind, run_revisions
from gateway.journal.progress import Progress, untold
from gateway.journal.refold import refold
from gateway.journal.sqlite_session import SqliteSession
from gateway.journal.tiles import grown_tiles, store_tiles
from gateway.model.problem import ProblemError
from gateway.model.time import stamp

PATIENCE = 30.0
"""Seconds to wait for another process that migrates the same file."""

_PAUSE = 0.1


def sqlite_versions(path: Path) -> list[int] | None:
    """The versions that stand in a file; None where there is no file, or nothing in it.

    Raises:
        ProblemError: DATABASE_UNREADABLE.
    """
    if not path.exists():
        return None
    try:
        with closing(connect(path, "ro")) as connection:
            return found_versions(connection)
    except BROKEN as error:
        raise unreadable(path, error) from error


def migrate_sqlite(path: Path, progress: Progress = untold) -> Migrated:
    """Bring the tables of a file up to date, as a whole or not at all; no entry changes.

    File and folder are created where they are missing. While another process does the same, this
    one waits for it. Claims are freed where projections are folded anew.

    Raises:
        ProblemError: DATA_DIR_IN_USE beside a server, DATABASE_UNREADABLE,
            DATABASE_UNKNOWN_VERSION, JOURNAL_DAMAGED when an entry cannot be folded.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        found = sqlite_versions(path)
        if found is not None and not is_behind(found, str(path)):
            return Migrated(found[0])
        try:
            lock = FolderLock(path.parent)
        except ProblemError as error:
            if error.problem.code != "DATA_DIR_IN_USE" or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
            continue
        with lock:
            return _migrate(path, progress)


def _migrate(path: Path, progress: Progress) -> Migrated:
    with _transaction(path) as connection:
        driver: Any = connection.connection.driver_connection
        found = found_versions(driver)
        if is_behind(found, str(path)) and run_revisions(connection):
            _fold_anew(driver, progress)
    return Migrated(found[0] if found else None)


@contextmanager
def _transaction(path: Path) -> Iterator[Connection]:
    """One transaction that nobody else writes beside, on a connection of its own."""
    engine = create_engine("sqlite://", creator=lambda: connect_writer(path), poolclass=NullPool)
    # The driver would begin a transaction at the first change alone, after what was read.
    event.listen(engine, "begin", lambda begun: begun.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise unreadable(path, error.orig or error) from error
    except BROKEN as error:
        raise unreadable(path, error) from error


def _fold_anew(connection: sqlite3.Connection, progress: Progress) -> None:
    """Fold all projections from the entries, and fill in the tiles of the tree over them."""
    refold(connection, stamp(datetime.now(UTC)), progress)
    session = SqliteSession(connection.cursor())
    store_tiles(session, grown_tiles(session).changed)
