"""Procrastinate's own tables and functions, as its release brings them."""

from typing import Any

import psycopg
from procrastinate.schema import SchemaManager

from gateway.model.problem import refuse
from gateway.postgres import SharedLock
from gateway.postgres.locks import PROGRAM

_LOCK = (PROGRAM, int(SharedLock.JOBS_SCHEMA))


def create_schema(connection: "psycopg.Connection[Any]") -> bool:
    """Create Procrastinate's tables in the caller's transaction; False where they are there."""
    connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", _LOCK)
    found = connection.execute("SELECT to_regclass('procrastinate_jobs') IS NOT NULL").fetchone()
    if found == (True,):
        return False
    connection.execute(SchemaManager.get_schema())
    return True


def ensure_schema(url: str) -> None:
    """Create Procrastinate's tables where they are missing, however many processes do.

    Raises:
        ProblemError: SERVICE_UNAVAILABLE.
    """
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            create_schema(connection)
    except psycopg.Error as error:
        state = error.sqlstate or "no connection"
        told = f"The tables of Procrastinate could not be looked at or created ({state})."
        raise refuse("SERVICE_UNAVAILABLE", told) from error
