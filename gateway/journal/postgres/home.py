"""Asking a server who it is, and remembering it in the record."""

import logging

from psycopg import errors

from gateway.journal.homes import PRESENT_HOME
from gateway.journal.postgres.schema import connected

_UNTOLD = (
    errors.InsufficientPrivilege,
    errors.UndefinedFunction,
    errors.FeatureNotSupported,
    errors.ObjectNotInPrerequisiteState,
)

_KEEP = "INSERT INTO home (server) VALUES (%s) ON CONFLICT (one) DO NOTHING"

_log = logging.getLogger("gateway.journal")


def present_home(url: str) -> str:
    """The system identifier and timeline of the server; empty where it does not tell them, as
    services may that only speak PostgreSQL.

    Raises:
        ProblemError: SERVICE_UNAVAILABLE.
    """
    with connected(url) as connection:
        try:
            row = connection.execute(PRESENT_HOME.postgres.sql.encode()).fetchone()
        except _UNTOLD as error:
            _log.warning("the server does not tell its timeline (SQLSTATE %s)", error.sqlstate)
            return ""
    return row[0] if row else ""


def keep_home(url: str) -> None:
    """Remember the server in the record, where none is remembered yet.

    Raises:
        ProblemError: SERVICE_UNAVAILABLE.
    """
    home = present_home(url)
    if home:
        with connected(url) as connection:
            connection.execute(_KEEP, (home,))
