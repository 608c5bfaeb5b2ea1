"""Opening the database file: how it is written, how it is read, and which version it has."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from gateway.journal.refold import refold
from gateway.journal.sqlite_session import SqliteSession
from gateway.journal.statement import creating
from gateway.journal.tables import PROJECTIONS, SCHEMA_VERSION, claim, metadata
from gateway.journal.tiles import grown_tiles, store_tiles
from gateway.model.problem import Problem, ProblemError
from gateway.model.time import stamp

BUSY_TIMEOUT = 5.0
"""Seconds to wait for a lock that another process holds."""

BROKEN = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What a broken file raises: the driver cannot decode messages that quote a broken name."""

_UPGRADABLE = ([1], [2], [3], [4])
"""Versions that ``open_writer`` brings up to date."""


def open_writer(path: Path) -> sqlite3.Connection:
    """A writing connection: WAL, and every commit on the disk before it returns.

    The tables are created where the file is new, and brought up to date where an earlier release
    wrote it.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION.
    """
    connection = _connect(f"{path.absolute().as_uri()}?mode=rwc", path)
    with _closed_on_failure(connection, path):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        _create(connection)
        _upgrade(connection)
        _require_version(connection, path)
    return connection


def open_second_writer(path: Path) -> sqlite3.Connection:
    """A writing connection beside the one of a running server, with the same promise.

    It creates nothing and brings nothing up to date, which is for whoever holds the data folder.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION.
    """
    connection = _connect(f"{path.absolute().as_uri()}?mode=rw", path)
    with _closed_on_failure(connection, path):
        _require_version(connection, path)
        connection.execute("PRAGMA synchronous = FULL")
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection, also beside a running server.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION.
    """
    connection = _connect(f"{path.absolute().as_uri()}?mode=ro", path)
    with _closed_on_failure(connection, path):
        _require_version(connection, path)
    return connection


@contextmanager
def _closed_on_failure(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    try:
        yield
    except BROKEN as error:
        connection.close()
        raise unreadable(path, error) from error
    except ProblemError:
        connection.close()
        raise


def _connect(uri: str, path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(
            uri,
            uri=True,
            timeout=BUSY_TIMEOUT,
            isolation_level=None,
            check_same_thread=False,  # opened here, then used by one thread alone
            cached_statements=256,
        )
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA cache_size = -32768")
    except (*BROKEN, sqlite3.Error) as error:
        raise unreadable(path, error) from error
    return connection


def _create(connection: sqlite3.Connection) -> None:
    """Create the tables in an empty file, as a whole or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            for command in creating():
                connection.execute(command)
            connection.execute("INSERT INTO meta (schema_version) VALUES (?)", (SCHEMA_VERSION,))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _upgrade(connection: sqlite3.Connection) -> None:
    """Bring the tables of an earlier version up to date, as a whole or not at all.

    Entries never change. Projections are folded anew from them, tables that are new are created,
    and the tiles of the tree over all entries are filled in.
    """
    if _versions(connection) not in _UPGRADABLE:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        present = {row[0] for row in found}
        folded = {table.name for table in PROJECTIONS}
        for table in metadata.sorted_tables:
            if table.name not in present | folded:
                for command in creating(table):
                    connection.execute(command)
        _widen_claims(connection)
        refold(connection, stamp(datetime.now(UTC)))
        session = SqliteSession(connection.cursor())
        store_tiles(session, grown_tiles(session).changed)
        connection.execute("UPDATE meta SET schema_version = ?", (SCHEMA_VERSION,))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _widen_claims(connection: sqlite3.Connection) -> None:
    """Give the claims of an earlier version the columns of this one, which refolding fills in."""
    connection.execute("CREATE TEMP TABLE earlier_claim AS SELECT * FROM claim")
    connection.execute("DROP TABLE claim")
    for command in creating(claim):
        connection.execute(command)
    connection.execute("INSERT INTO claim SELECT *, '', 0 FROM earlier_claim")
    connection.execute("DROP TABLE earlier_claim")


def _versions(connection: sqlite3.Connection) -> list[int]:
    try:
        return [row[0] for row in connection.execute("SELECT schema_version FROM meta")]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_ERROR":  # anything but "no such table"
            raise
        return []


def _require_version(connection: sqlite3.Connection, path: Path) -> None:
    found = _versions(connection)
    if found == [SCHEMA_VERSION]:
        return
    version = ", ".join(map(str, found)) or "none"
    raise ProblemError(
        Problem(
            code="DATABASE_UNKNOWN_VERSION",
            title="The database has another version",
            status=500,
            detail=f"{path} has schema version {version}; this gateway reads {SCHEMA_VERSION}. "
            "Serve it once with this release to bring an earlier version up to date, or start the "
            "release that wrote it.",
            category="internal",
        )
    )


def unreadable(path: Path, error: Exception) -> ProblemError:
    """The problem of a database file that cannot be opened or read."""
    why = "its schema is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
    return ProblemError(
        Problem(
            code="DATABASE_UNREADABLE",
            title="The database cannot be read",
            status=500,
            detail=f"{path} cannot be read as a record of the gateway ({why}). Check the path, "
            "the owner and the permissions; restore a backup if the file is damaged.",
            category="internal",
        )
    )
