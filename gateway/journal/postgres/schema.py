"""The tables on PostgreSQL: created where there are none, and required in their version."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from gateway.journal.companion import Companion
from gateway.journal.dialects import POSTGRES
from gateway.journal.postgres.errors import LostConnectionError, PostgresError, unavailable
from gateway.journal.schema_version import require_version
from gateway.journal.statement import creating
from gateway.journal.tables import SCHEMA_VERSION, metadata
from gateway.model.problem import ProblemError
from gateway.postgres import (
    ALIVE,
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    PatientSession,
    connect,
    database_of,
)

_LOCK = (0x67617465, 2)
"""The advisory lock of whoever creates or migrates the tables."""


def create_schema(url: str, companions: Sequence[Companion] = ()) -> bool:
    """Create the tables in an empty database, as a whole or not at all, however many processes
    try, and require their version; returns whether they were created by this one.

    The tables of ``companions`` are created along with them, and required too.

    Raises:
        ProblemError: SERVICE_UNAVAILABLE, DATABASE_POOLED, DATABASE_OUTDATED,
            DATABASE_UNKNOWN_VERSION.
    """
    with connected(url) as connection:
        found = found_versions(connection)
        if found is None:
            hold_schema(connection)
            found = found_versions(connection)
        if found is not None:
            require_version(complete_versions(connection, companions), database_of(url))
            return False
        for command in creating(dialect=POSTGRES):
            connection.execute(command.encode())
        connection.execute("INSERT INTO meta (schema_version) VALUES (%s)", (SCHEMA_VERSION,))
        for companion in companions:
            companion.bring(connection)
        return True


@contextmanager
def connected(url: str) -> Iterator[PatientSession]:
    """A connection amid a transaction, which is committed at the end.

    Raises:
        ProblemError: SERVICE_UNAVAILABLE, DATABASE_POOLED.
    """
    try:
        with connecting(url) as connection:
            yield connection
    except psycopg.Error as error:
        raise not_available(error) from error


def connecting(url: str) -> PatientSession:
    """A new connection, which counts as lost where an answer takes over ``ANSWER_SECONDS``.

    Raises:
        psycopg.Error: none can be made.
        ProblemError: DATABASE_POOLED.
    """
    return connect(_patient, url, {}, connect_timeout=CONNECT_SECONDS, **ALIVE)


def _patient(url: str, **given: Any) -> PatientSession:
    session = PatientSession.connect(url, **given)
    session.silence = ANSWER_SECONDS
    return session


def hold_schema(connection: PatientSession) -> None:
    """Wait until nobody else creates or migrates, and keep others from it until the end of the
    transaction.

    From then on the connection waits for as long as it takes, as both may.
    """
    connection.silence = None
    connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", _LOCK)


def found_versions(connection: psycopg.Connection[Any]) -> list[int] | None:
    """The versions that stand in a database: none in one whose tables are not ours, and None where
    no table has the name of one of ours."""
    names = [table.name for table in metadata.sorted_tables]
    present = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND pg_table_is_visible(oid)"
        " AND relname = ANY(%s)",
        (names,),
    ).fetchall()
    if not present:
        return None
    column = connection.execute(
        "SELECT FROM pg_attribute WHERE attrelid = to_regclass('meta')"
        " AND attname = 'schema_version' AND NOT attisdropped"
    ).fetchone()
    if column is None:
        return []
    return [row[0] for row in connection.execute("SELECT schema_version FROM meta")]


def complete_versions(
    connection: psycopg.Connection[Any], companions: Sequence[Companion]
) -> list[int] | None:
    """``found_versions``, but None too where all is there but the tables of a companion."""
    found = found_versions(connection)
    if found != [SCHEMA_VERSION]:
        return found
    return found if all(one.is_current(connection) for one in companions) else None


def not_available(error: BaseException | None) -> ProblemError:
    """SERVICE_UNAVAILABLE with what PostgreSQL reported, by its code alone."""
    state = getattr(error, "sqlstate", None)
    if state:
        return unavailable(PostgresError(state))
    lost = LostConnectionError()
    lost.__cause__ = error
    return unavailable(lost)
