"""Connections to PostgreSQL that outlive its restart, and the locks that processes share."""

from gateway.postgres.asked import (
    ENCODING,
    NO_LIMIT,
    asked_of,
    connect,
    database_of,
    limits_transactions,
)
from gateway.postgres.connection import (
    ALIVE,
    CONNECT_SECONDS,
    Connection,
    as_text,
    is_gone,
)
from gateway.postgres.descriptors import await_any
from gateway.postgres.locks import SharedLock
from gateway.postgres.patient import ANSWER_SECONDS, PatientAsyncSession, PatientSession
from gateway.postgres.unreached import unreached

__all__ = [
    "ALIVE",
    "ANSWER_SECONDS",
    "CONNECT_SECONDS",
    "ENCODING",
    "NO_LIMIT",
    "Connection",
    "PatientAsyncSession",
    "PatientSession",
    "SharedLock",
    "as_text",
    "asked_of",
    "await_any",
    "connect",
    "database_of",
    "is_gone",
    "limits_transactions",
    "unreached",
]
