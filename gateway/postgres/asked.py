"""What a session asks of the server, whatever was set there for the role or for the database."""

import os

from psycopg import conninfo

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


def asked_of(url: str, **settings: object) -> str:
    """The ``options`` of a session on the database ``url``: what the URL (or ``PGOPTIONS``) asks
    for, such as a ``search_path``, then what every session needs, then these ``settings``."""
    own = conninfo.conninfo_to_dict(url).get("options") or os.environ.get("PGOPTIONS", "")
    asked = (f"-c {name}={_escaped(value)}" for name, value in {**_ALWAYS, **settings}.items())
    return " ".join((*([str(own)] if own else []), *asked))


def _escaped(value: object) -> str:
    """A value as libpq takes it, where a space would end it."""
    return str(value).replace("\\", "\\\\").replace(" ", "\\ ")
