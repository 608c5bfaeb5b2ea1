"""The table of rate limits that several processes share, in PostgreSQL."""

from typing import LiteralString

RATE_TABLES: LiteralString = """
CREATE UNLOGGED TABLE IF NOT EXISTS rate_limit (
  holder bytea PRIMARY KEY, due double precision NOT NULL, asked_at double precision NOT NULL,
  every double precision NOT NULL, wanted integer NOT NULL, granted integer NOT NULL,
  touched timestamptz NOT NULL
) WITH (fillfactor = 50);
"""
"""What creates it. It is not logged: after a crash of the server every budget is full again, as
after a restart of a process that counts in its memory."""

_NOW: LiteralString = "coalesce(%s::double precision, extract(epoch FROM clock_timestamp()))"
_DUE: LiteralString = "least(greatest(known.due, excluded.asked_at), excluded.asked_at + 60)"
_GRANTED: LiteralString = (
    "least(excluded.wanted, greatest(0,"
    f" floor((60 - ({_DUE} - excluded.asked_at) + 0.000001) / excluded.every)::integer))"
)

TAKE: LiteralString = f"""
INSERT INTO rate_limit AS known (holder, due, asked_at, every, wanted, granted, touched)
SELECT holder, now + least(wanted, rpm) * (60.0 / rpm), now, 60.0 / rpm, wanted,
  least(wanted, rpm), clock_timestamp()
FROM unnest(%s::bytea[], %s::integer[], %s::integer[]) AS asked (holder, rpm, wanted),
  (SELECT {_NOW} AS now) AS moment
ORDER BY holder
ON CONFLICT (holder) DO UPDATE SET due = {_DUE} + {_GRANTED} * excluded.every,
  granted = {_GRANTED}, asked_at = excluded.asked_at, every = excluded.every,
  wanted = excluded.wanted, touched = excluded.touched
RETURNING holder, granted, due - asked_at - (60 - every)
"""  # noqa: S608 - constant text alone
"""Counts calls of several holders; gives for each how many were counted, and the wait for the next.

Its parameters are the holders, each once, their calls a minute, how many calls each makes, and the
moment in seconds since 1970, or NULL for the clock of the database. Rows are locked in the order of
holders, so that two processes never wait for each other in a circle.
"""

FORGET: LiteralString = f"""
DELETE FROM rate_limit WHERE holder IN (
  SELECT holder FROM rate_limit WHERE due <= {_NOW} FOR UPDATE SKIP LOCKED)
"""  # noqa: S608 - constant text alone
"""Removes whoever's budget is full again."""

KEEP_NEWEST: LiteralString = """
DELETE FROM rate_limit WHERE holder IN (
  SELECT holder FROM rate_limit WHERE touched <= (
    SELECT touched FROM rate_limit ORDER BY touched DESC OFFSET %s LIMIT 1)
  FOR UPDATE SKIP LOCKED)
"""
"""Removes those whose last call is the longest ago, but for so many."""
