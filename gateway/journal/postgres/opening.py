"""Sessions on connections of their own, for whoever reads beside the journal."""

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.journal.postgres.errors import LostConnectionError, PostgresError, unavailable
from gateway.journal.postgres.session import PostgresSession
from gateway.journal.postgres.wire import Wire

BEGIN_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
"""What begins a transaction that only reads, all at one moment."""


@contextmanager
def open_session(url: str, name: str) -> Iterator[PostgresSession]:
    """A session on a connection of its own, called ``name`` at the server; it only reads.

    Raises:
        ProblemError: SERVICE_UNAVAILABLE.
    """
    try:
        wire = Wire(url, name)
    except LostConnectionError as error:
        raise unavailable(error) from error
    try:
        session = PostgresSession(wire)
        session.command("SET default_transaction_read_only = on")
        yield session
    except PostgresError as error:
        raise unavailable(error) from error
    finally:
        wire.close()


@contextmanager
def open_snapshot(url: str, name: str) -> Iterator[PostgresSession]:
    """``open_session`` whose reads all see one moment.

    Raises:
        ProblemError: SERVICE_UNAVAILABLE.
    """
    with open_session(url, name) as session:
        session.command(BEGIN_SNAPSHOT)
        yield session
