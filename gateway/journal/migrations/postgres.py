"""Migrating a PostgreSQL database: by one process at a time, by a lock in the database."""

from collections.abc import Sequence
from typing import Any

import psycopg
from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from gateway.journal.companion import Companion
from gateway.journal.migrations.running import Migrated, is_behind, run_revisions
from gateway.journal.postgres.schema import (
    complete_versions,
    connected,
    connecting,
    found_versions,
    hold_schema,
    not_available,
)
from gateway.postgres import database_of

_NO_LONG_WAIT = "SET LOCAL lock_timeout = '10s'"
"""Whoever waits for a table that others read holds up all who come after."""


def postgres_versions(url: str, companions: Sequence[Companion] = ()) -> list[int] | None:
    """The versions that stand in a database; None where it is empty, or where the tables of a
    companion are missing or older.

    Raises:
        ProblemError: SERVICE_UNAVAILABLE.
    """
    with connected(url) as connection:
        return complete_versions(connection, companions)


def migrate_postgres(url: str, companions: Sequence[Companion] = ()) -> Migrated:
    """Bring the tables of a database up to date, as a whole or not at all; no entry changes.

    Several processes may do so at once: one does it, the others wait and find it done.

    Raises:
        ProblemError: SERVICE_UNAVAILABLE, DATABASE_UNKNOWN_VERSION.
    """
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: connecting(url),
        poolclass=NullPool,
    )
    try:
        with engine.begin() as connection:
            driver: Any = connection.connection.driver_connection
            hold_schema(driver)
            driver.execute(_NO_LONG_WAIT)
            found = found_versions(driver)
            if is_behind(found, database_of(url)):
                # No record in PostgreSQL is as old as the revisions that ask for folding anew.
                run_revisions(connection)
            for companion in companions:
                companion.bring(driver)
    except DBAPIError as error:
        raise not_available(error.orig) from error
    except psycopg.Error as error:
        raise not_available(error) from error
    return Migrated(found[0] if found else None)
