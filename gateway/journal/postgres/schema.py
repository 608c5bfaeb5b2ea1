"""The tables on PostgreSQL: created where there are none, and required in their version."""

import psycopg

from gateway.journal.dialects import POSTGRES
from gateway.journal.postgres.errors import LostConnectionError, unavailable
from gateway.journal.statement import creating
from gateway.journal.tables import SCHEMA_VERSION

_LOCK = (0x67617465, 2)


def create_schema(url: str) -> bool:
    """Create the tables in an empty database, as a whole or not at all, however many processes
    try; returns whether it was this one.

    Raises:
        ProblemError: SERVICE_UNAVAILABLE.
    """
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", _LOCK)
            found = connection.execute("SELECT to_regclass('meta') IS NOT NULL").fetchone()
            if found == (True,):
                return False
            for command in creating(dialect=POSTGRES):
                connection.execute(command.encode())
            connection.execute("INSERT INTO meta (schema_version) VALUES (%s)", (SCHEMA_VERSION,))
            return True
    except psycopg.OperationalError as error:
        raise unavailable(LostConnectionError(error.sqlstate or "08001")) from error
