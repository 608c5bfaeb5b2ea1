"""Opening the database file: how it is written, how it is read, and which version it has."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from gateway.journal.faults import is_around, unavailable
from gateway.journal.schema_version import require_version
from gateway.journal.statement import creating
from gateway.journal.tables import SCHEMA_VERSION
from gateway.model.problem import Problem, ProblemError

BUSY_TIMEOUT = 5.0
"""Seconds to wait for a lock that another process holds."""

BROKEN = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What a broken file raises: the driver cannot decode messages that quote a broken name."""


def open_writer(path: Path) -> sqlite3.Connection:
    """A writing connection: WAL, and every commit on the disk before it returns.

    The tables are created where the file is new.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_OUTDATED, DATABASE_UNKNOWN_VERSION.
    """
    connection = connect(path, "rwc")
    with _closed_on_failure(connection, path):
        if found_versions(connection) is not None:
            _require_version(connection, path)  # before anything is written into the file
        _make_durable(connection)
        _create(connection)
        _require_version(connection, path)
    return connection


def connect_writer(path: Path) -> sqlite3.Connection:
    """The connection of ``open_writer`` to a file of any version, also a new one.

    Raises:
        ProblemError: DATABASE_UNREADABLE.
    """
    connection = connect(path, "rwc")
    with _closed_on_failure(connection, path):
        _make_durable(connection)
    return connection


def open_second_writer(path: Path) -> sqlite3.Connection:
    """A writing connection beside the one of a running server, with the same promise.

    It creates nothing, which is for whoever holds the data folder.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_OUTDATED, DATABASE_UNKNOWN_VERSION.
    """
    connection = connect(path, "rw")
    with _closed_on_failure(connection, path):
        _require_version(connection, path)
        connection.execute("PRAGMA synchronous = FULL")
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection, also beside a running server.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_OUTDATED, DATABASE_UNKNOWN_VERSION.
    """
    connection = connect(path, "ro")
    with _closed_on_failure(connection, path):
        _require_version(connection, path)
    return connection


@contextmanager
def _closed_on_failure(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    try:
        yield
    except (*BROKEN, sqlite3.Error) as error:
        connection.close()
        raise unreadable(path, error) from error
    except ProblemError:
        connection.close()
        raise


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection to a file of any version; ``mode`` is SQLite's: ``ro``, ``rw`` or ``rwc``.

    Raises:
        ProblemError: DATABASE_UNREADABLE.
    """
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_TIMEOUT,
            isolation_level=None,
            check_same_thread=False,  # opened here, then used by one thread alone
            cached_statements=256,
        )
    except sqlite3.Error as error:
        raise unreadable(path, error) from error
    with _closed_on_failure(connection, path):
        connection.execute("PRAGMA foreign_keys = OFF")
        if mode == "ro":
            _undo_what_was_killed(connection, path)
        connection.execute("PRAGMA cache_size = -32768")
    return connection


def _undo_what_was_killed(reader: sqlite3.Connection, path: Path) -> None:
    """Undo a first write that was killed: a backup has no write-ahead log until then, and who only
    reads can read nothing until somebody who may write has undone it."""
    try:
        reader.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_READONLY_ROLLBACK":
            raise
        with closing(connect(path, "rw")) as undoing:
            undoing.execute("PRAGMA schema_version").fetchone()


def _make_durable(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    connection.execute("PRAGMA journal_size_limit = 67108864")


def _create(connection: sqlite3.Connection) -> None:
    """Create the tables in an empty file, as a whole or not at all."""
    with writing(connection):
        if found_versions(connection) is None:
            for command in creating():
                connection.execute(command)
            connection.execute("INSERT INTO meta (schema_version) VALUES (?)", (SCHEMA_VERSION,))


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction beside which nobody else writes: kept as a whole, or undone as the block
    raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite undoes it by itself where the disk is full
            connection.execute("ROLLBACK")
        raise


def found_versions(connection: sqlite3.Connection) -> list[int] | None:
    """The versions that stand in a file: none in one of another program, None in an empty one."""
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
        return None
    try:
        return [row[0] for row in connection.execute("SELECT schema_version FROM meta")]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_ERROR":  # anything but "no such table"
            raise
        return []


def _require_version(connection: sqlite3.Connection, path: Path) -> None:
    require_version(found_versions(connection), str(path))


def unreadable(path: Path, error: BaseException) -> ProblemError:
    """The problem of a database file that cannot be opened or read: SERVICE_UNAVAILABLE where it
    may well be whole, as under the lock of another program or on a full disk."""
    if isinstance(error, sqlite3.Error) and is_around(error):
        around = unavailable(error, path)
        if around is not None:
            return around
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
