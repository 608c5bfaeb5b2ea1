"""Why there is no session on PostgreSQL, as far as can be seen, and what to do about it.

A server that gives no session says why in a text, which names hosts, databases and users: what is
told here is known by it, and is none of it.
"""

import re

_NAMES = re.compile(r"\"[^\"]*\"|'[^']*'")

_ELSE = (
    "check that it runs and takes more sessions, the network between, and the host, database, user "
    "and password that it is asked for with"
)

_REASONS = (
    ("connection refused", "nobody listens there; start it, or mend the host and port"),
    ("no such file or directory", "nobody listens there; start it, or mend the host and port"),
    ("resolve host", "its host has no address; mend the host, or the name service"),
    ("translate host name", "its host has no address; mend the host, or the name service"),
    ("timeout", "it did not answer in time; look at it, and at the network between"),
    ("did not answer in time", "it did not answer in time; look at it, and at the network between"),
    ("timed out", "it did not answer in time; look at it, and at the network between"),
    ("authentication failed", "it refuses the user or the password; mend them"),
    ("no password supplied", "it asks for a password; give one, such as by PGPASSWORD"),
    ("no pg_hba.conf entry", "its pg_hba.conf lets this user in from nowhere here; add a line"),
    ("too many clients", "it has no session left; raise max_connections, or have fewer processes"),
    ("connection slots", "it has no session left; raise max_connections, or have fewer processes"),
    ("too many connections", "its limit of sessions is reached; raise it, or have fewer processes"),
    ("database does not exist", "it has no such database; create it, or mend the name"),
    ("role does not exist", "it has no such user; create it, or mend the name"),
    ("is not permitted to log in", "its user may not log in; grant it LOGIN"),
    ("permission denied for database", "its user may not connect; grant it CONNECT"),
    ("session is read-only", "it takes no writes; name the primary, or wait until there is one"),
    ("is in hot standby mode", "it takes no writes; name the primary, or wait until there is one"),
    ("starting up", "it is starting; wait"),
    ("shutting down", "it is stopping; start it anew"),
    ("recovery mode", "it is recovering; wait"),
    ("certificate", "TLS fails; look at its certificate and at PGSSLMODE and PGSSLROOTCERT"),
    ("server does not support ssl", "it has no TLS; give it a certificate, or mend PGSSLMODE"),
)
"""Parts of what libpq and servers say, in English and without names, with what they mean."""


def unreached(error: BaseException | None) -> str:
    """What is wrong and what to do, where ``error`` came of asking for a session.

    Where several addresses were tried, of each: one that is down says nothing of the next.
    """
    tried = [_reason(said) for said in _attempts(str(error))]
    if len(set(tried)) == 1:
        return tried[0]
    places: dict[str, list[str]] = {}
    for number, reason in enumerate(tried, 1):
        places.setdefault(reason, []).append(str(number))
    return "; ".join(
        f"of the {len(tried)} addresses tried, number {' and '.join(numbers)}: {reason}"
        for reason, numbers in places.items()
    )


def _attempts(said: str) -> list[str]:
    """What was said of each attempt; psycopg puts the last of several once more before them."""
    _, several, told = said.partition("\nMultiple connection attempts failed.")
    return told.split("\n- host: ")[1:] if several else [said]


def _reason(said: str) -> str:
    plain = " ".join(_NAMES.sub("", said).casefold().split())
    return next((told for part, told in _REASONS if part in plain), _ELSE)
