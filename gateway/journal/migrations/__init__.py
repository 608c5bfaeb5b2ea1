"""Migrations: bringing the tables of a database to this release's version, by Alembic."""

from gateway.journal.migrations.postgres import migrate_postgres, postgres_versions
from gateway.journal.migrations.running import Migrated
from gateway.journal.migrations.sqlite import migrate_sqlite, sqlite_versions

__all__ = [
    "Migrated",
    "migrate_postgres",
    "migrate_sqlite",
    "postgres_versions",
    "sqlite_versions",
]
