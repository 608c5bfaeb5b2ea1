"""Procrastinate's own tables and functions, as its release brings them."""

from typing import Any

import psycopg
from procrastinate.schema import SchemaManager


def create_schema(connection: "psycopg.Connection[Any]") -> bool:
    """Create Procrastinate's tables in the caller's transaction; False where they are there."""
    if has_schema(connection):
        return False
    connection.execute(SchemaManager.get_schema())
    return True


def has_schema(connection: "psycopg.Connection[Any]") -> bool:
    """Whether Procrastinate's tables are there."""
    found = connection.execute("SELECT to_regclass('procrastinate_jobs') IS NOT NULL").fetchone()
    return found == (True,)
