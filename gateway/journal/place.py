"""Where a record is: a SQLite file, or a PostgreSQL database; and reading it there."""

import contextlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

from gateway.journal.database import BROKEN, open_reader, unreadable
from gateway.journal.session import Session
from gateway.journal.sqlite_session import SqliteSession, TolerantSession

Place: TypeAlias = Path | str
"""The path of a SQLite file, or the URL of a PostgreSQL database."""


@contextlib.contextmanager
def reading(place: Place) -> Iterator[Session]:
    """A session for reads of which each sees what is durable then, beside whoever writes.

    Text that is damaged is read with a mark for each byte that is none.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION, SERVICE_UNAVAILABLE.
    """
    if isinstance(place, Path):
        with closing(open_reader(place)) as connection:
            yield TolerantSession(connection.cursor())
        return
    from gateway.journal.postgres.opening import open_session  # only where it is used

    with open_session(place, "gateway-reading") as session:
        yield session


@contextlib.contextmanager
def reading_snapshot(place: Place) -> Iterator[Session]:
    """A session for reads that all see one moment.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION, SERVICE_UNAVAILABLE.
    """
    if isinstance(place, Path):
        try:
            with closing(open_reader(place)) as connection:
                connection.execute("BEGIN")
                yield SqliteSession(connection.cursor())
        except BROKEN as error:
            raise unreadable(place, error) from error
        return
    from gateway.journal.postgres.opening import open_snapshot  # only where it is used

    with open_snapshot(place, "gateway-snapshot") as session:
        yield session


@contextlib.contextmanager
def as_file(place: Place) -> Iterator[Path]:
    """The path of a SQLite file with the record: its own, or that of a copy made for the while.

    Raises:
        ProblemError: SERVICE_UNAVAILABLE.
        OSError, sqlite3.Error: there is no room for the copy in the folder for temporary files.
    """
    if isinstance(place, Path):
        yield place
        return
    from gateway.journal.postgres.copying import copied  # only where it is used

    with copied(place) as path:
        yield path
