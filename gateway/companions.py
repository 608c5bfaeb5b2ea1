"""Which parts keep tables of their own in the PostgreSQL database of the record.

The key store is none of them: it creates its schema itself, in whichever database it is.
"""

from typing import TYPE_CHECKING, Any

from gateway.blobs import BLOB_TABLES
from gateway.journal.companion import Companion, tables_companion
from gateway.journal.homes import HOME_TABLES
from gateway.pipeline.rate_tables import RATE_TABLES

if TYPE_CHECKING:  # a start on SQLite does without the driver
    import psycopg


def _has_jobs(connection: "psycopg.Connection[Any]") -> bool:
    from gateway.dispatch.procrastinate import has_schema  # which takes long to import

    return has_schema(connection)


def _create_jobs(connection: "psycopg.Connection[Any]") -> None:
    from gateway.dispatch.procrastinate import create_schema

    create_schema(connection)


COMPANIONS: tuple[Companion, ...] = (
    tables_companion("blobs", BLOB_TABLES, "blob", "blob_piece"),
    tables_companion("rate limits", RATE_TABLES, "rate_limit"),
    tables_companion("home", HOME_TABLES, "home"),
    Companion("procrastinate", _has_jobs, _create_jobs),
)
"""In the order of creation."""
