"""Connections to PostgreSQL that outlive its restart, and the locks that processes share."""

from gateway.postgres.connection import Connection, as_text, is_gone
from gateway.postgres.locks import SharedLock

__all__ = ["Connection", "SharedLock", "as_text", "is_gone"]
