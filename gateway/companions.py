"""Which parts keep tables of their own in the PostgreSQL database of the record.

The key store is none of them: it creates its schema itself, in whichever database it is.
"""

from gateway.blobs import BLOB_TABLES
from gateway.dispatch.procrastinate_tables import create_schema, has_schema
from gateway.journal.companion import Companion, tables_companion
from gateway.journal.homes import HOME_TABLES
from gateway.pipeline.rate_tables import RATE_TABLES

COMPANIONS: tuple[Companion, ...] = (
    tables_companion("blobs", BLOB_TABLES, "blob", "blob_piece"),
    tables_companion("rate limits", RATE_TABLES, "rate_limit"),
    tables_companion("home", HOME_TABLES, "home"),
    Companion("procrastinate", has_schema, create_schema),
)
"""In the order of creation."""
