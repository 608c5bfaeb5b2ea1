"""The record on PostgreSQL, which many processes write at once."""

from gateway.journal.postgres.journal import PostgresJournal
from gateway.journal.postgres.schema import create_schema

__all__ = ["PostgresJournal", "create_schema"]
