"""Procrastinate's own tables and functions, as its release brings them.

They stand beside its package, because importing that takes longer than looking at them, which every
start on PostgreSQL does.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a start on SQLite does without the driver
    import psycopg


def create_schema(connection: "psycopg.Connection[Any]") -> bool:
    """Create Procrastinate's tables in the caller's transaction; False where they are there."""
    if has_schema(connection):
        return False
    from procrastinate.schema import SchemaManager  # which takes long to import

    connection.execute(SchemaManager.get_schema())
    return True


def has_schema(connection: "psycopg.Connection[Any]") -> bool:
    """Whether Procrastinate's tables are there."""
    found = connection.execute("SELECT to_regclass('procrastinate_jobs') IS NOT NULL").fetchone()
    return found == (True,)
