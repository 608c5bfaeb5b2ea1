"""What a session asks of the server, whatever was set there for the role or for the database."""

import os
from typing import Any

import psycopg
from psycopg import conninfo

from gateway.model.problem import Problem, ProblemError

_ALWAYS = {
    "array_nulls": "on",
    "bytea_output": "hex",
    "datestyle": "ISO",
    "default_transaction_deferrable": "off",
    "default_transaction_isolation": "read committed",
    "idle_session_timeout": "0",
    "standard_conforming_strings": "on",
}
"""What statements here are written for. With other values they would store or read something else,
or decide by a moment that lies before a lock was had; and a session that ended because it was idle
would give back what its process holds by it."""


_MARK, _HEARD = "gateway.asked", "on"
"""A setting that only a session has which was asked for it."""


def asked_of(url: str, **settings: object) -> str:
    """The ``options`` of a session on the database ``url``: what the URL (or ``PGOPTIONS``) asks
    for, such as a ``search_path``, then what every session needs, then these ``settings``."""
    own = conninfo.conninfo_to_dict(url).get("options") or os.environ.get("PGOPTIONS", "")
    asks = {**_ALWAYS, **settings, _MARK: _HEARD}
    asked = (f"-c {name}={_escaped(value)}" for name, value in asks.items())
    return " ".join((*([str(own)] if own else []), *asked))


def require_heard(connection: psycopg.Connection[Any], database: str) -> None:
    """Refuse a new session in which what was asked for does not hold: whoever stands between
    keeps it from the server. ``database`` names that without secrets.

    Raises:
        ProblemError: DATABASE_POOLED.
        psycopg.Error: it cannot be asked.
    """
    row = connection.execute("SELECT current_setting(%s, true)", (_MARK,)).fetchone()
    if row is None or row[0] != _HEARD:
        raise _pooled(database)
    if not connection.autocommit:
        connection.rollback()


def require_passed_on(error: psycopg.Error, database: str) -> None:
    """Refuse a connection that failed because whoever stands between passes nothing on that
    sessions ask for, which is how PgBouncer answers unless it is told to leave that out.

    Raises:
        ProblemError: DATABASE_POOLED.
    """
    if "unsupported startup parameter" in str(error):
        raise _pooled(database) from error


def _pooled(database: str) -> ProblemError:
    detail = (
        f"{database} is reached through a pooler, which keeps from the server what sessions ask "
        "for. Name the server itself in GATEWAY_DATABASE_URL: a gateway keeps a dozen "
        "connections for as long as it lives, so that there is nothing to pool."
    )
    title = "The database is behind a pooler"
    return ProblemError(Problem("DATABASE_POOLED", title, 500, detail, "internal"))


def _escaped(value: object) -> str:
    """A value as libpq takes it, where a space would end it."""
    return str(value).replace("\\", "\\\\").replace(" ", "\\ ")
