"""What a session asks of the server, whatever was set there for the role or for the database."""

import os
from collections.abc import Callable, Mapping
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg import conninfo

from gateway.model.problem import Problem, ProblemError

Session = TypeVar("Session", bound=psycopg.Connection[Any])

ENCODING = "UTF8"
"""That of texts in a session. What libpq is told, by a URL or ``PGCLIENTENCODING``, counts more
than the options of a session, so that it must be told too."""

_ALWAYS = {
    "array_nulls": "on",
    "bytea_output": "hex",
    "client_encoding": ENCODING,
    "datestyle": "ISO",
    "default_transaction_deferrable": "off",
    "default_transaction_isolation": "read committed",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "lock_timeout": "0",
    "standard_conforming_strings": "on",
    "statement_timeout": "0",
}
"""What statements here are written for. With other values they would store or read something else,
or decide by a moment that lies before a lock was had; a session that ended because it was idle
would give back what its process holds by it; and what takes long, as to bring tables up to date or
to rewrite those with keys, could never be done. Who must not take long says so by settings of its
own."""

NO_LIMIT: LiteralString = "SET transaction_timeout = 0"
"""Has no transaction of a session ended for the time that it takes, as those must not be that read
all of the record."""

_LIMITS_TRANSACTIONS = 170_000

_MARK, _HEARD = "gateway.asked", "on"
"""A setting that only a session has which was asked for it."""


def asked_of(url: str, **settings: object) -> str:
    """The ``options`` of a session on the database ``url``: what the URL (or ``PGOPTIONS``) asks
    for, such as a ``search_path``, then what every session needs, then these ``settings``."""
    own = conninfo.conninfo_to_dict(url).get("options") or os.environ.get("PGOPTIONS", "")
    asks = {**_ALWAYS, **settings, _MARK: _HEARD}
    asked = (f"-c {name}={_escaped(value)}" for name, value in asks.items())
    return " ".join((*([str(own)] if own else []), *asked))


def connect(
    make: Callable[..., Session], url: str, settings: Mapping[str, object], **given: Any
) -> Session:
    """A new session in which what it asks for holds, ``settings`` among it; ``make`` is psycopg's
    ``connect``, and ``given`` are further parameters of it. Where somebody stands between who keeps
    that from the server, there is none: PgBouncer refuses it, or is told to leave it out.

    Raises:
        ProblemError: DATABASE_POOLED.
        psycopg.Error: none can be made.
    """
    try:
        asked = {"options": asked_of(url, **settings), "client_encoding": ENCODING}
        session = make(url, **asked, **given)
    except psycopg.Error as error:
        if "unsupported startup parameter" in str(error):
            raise _pooled(url) from error
        raise
    try:
        row = session.execute("SELECT current_setting(%s, true)", (_MARK,)).fetchone()
        if row is None or row[0] != _HEARD:
            raise _pooled(url)
        if limits_transactions(session):
            session.execute(NO_LIMIT)
        if not session.autocommit:
            session.commit()
    except BaseException:
        session.close()
        raise
    return session


def limits_transactions(session: psycopg.Connection[Any]) -> bool:
    """Whether the server knows of the limit that ``NO_LIMIT`` lifts: before 17 it refuses a session
    that asks for none."""
    return session.info.server_version >= _LIMITS_TRANSACTIONS


def database_of(url: str) -> str:
    """Host, port and name of the database of a URL, without user and password."""
    known = conninfo.conninfo_to_dict(url)
    place = f"{known.get('host', 'localhost')}:{known.get('port', 5432)}"
    return f"postgresql://{place}/{known.get('dbname', '')}"


def _pooled(url: str) -> ProblemError:
    detail = (
        f"{database_of(url)} is reached through a pooler, which keeps from the server what "
        "sessions ask for. Name the server itself in GATEWAY_DATABASE_URL: a gateway keeps a dozen "
        "connections for as long as it lives, so that there is nothing to pool."
    )
    title = "The database is behind a pooler"
    return ProblemError(Problem("DATABASE_POOLED", title, 500, detail, "internal"))


def _escaped(value: object) -> str:
    """A value as libpq takes it, where a space would end it."""
    return str(value).replace("\\", "\\\\").replace(" ", "\\ ")
