"""The record as the checker reads it: straight from the tables, without the gateway's code."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """A journal entry; ``at`` is RFC 3339 by the clock of the process that wrote it."""

    position: int
    chain: str
    seq: int
    at: str
    type: str
    execution: str | None
    actor: str
    body: JsonObject
    previous: str
    hash: str

    @property
    def step(self) -> str | None:
        found: str | None = self.body.get("stepId")
        return found

    @property
    def status(self) -> str | None:
        """The state that the execution has after this entry, where the entry says one."""
        told = _IMPLIED.get(self.type) or self.body.get("executionStatus")
        return str(told).upper() if told else None


_IMPLIED = {"intent.received": "received", "plan.compiled": "compiled"}

_COLUMNS = "position, chain, seq, at, type, execution_id, actor, body, previous, hash"


def read_sqlite(path: Path) -> list[Entry]:
    """Every entry of a record in an SQLite file, by position."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        return entries_of(database.execute(f"SELECT {_COLUMNS} FROM entry ORDER BY position"))  # noqa: S608 - names of this code


def read_postgres(url: str) -> list[Entry]:
    """Every entry of a record in a PostgreSQL database, by position."""
    with psycopg.connect(url) as connection:
        return entries_of(connection.execute(f"SELECT {_COLUMNS} FROM entry ORDER BY position"))  # noqa: S608 - names of this code


def entries_of(rows: Iterable[Any]) -> list[Entry]:
    """The entries of rows that hold the columns in this order."""
    return [Entry(*row[:7], json.loads(row[7]), *row[8:]) for row in rows]


def by_execution(record: Iterable[Entry]) -> dict[str, list[Entry]]:
    """The entries of each execution, in order."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for entry in record:
        if entry.execution is not None:
            found[entry.execution].append(entry)
    return dict(found)


def order_faults(record: list[Entry]) -> list[str]:
    """Entries that are missing, doubled or out of their place, by position and by chain."""
    found = []
    for place, entry in enumerate(record, 1):
        if entry.position != place:
            found.append(f"position {entry.position} stands where {place} should")
            break
    heads: dict[str, Entry] = {}
    for entry in record:
        head = heads.get(entry.chain)
        seq, previous = (head.seq + 1, head.hash) if head else (1, "0" * 64)
        if (entry.seq, entry.previous) != (seq, previous):
            found.append(f"entry {entry.position} does not go on from its chain {entry.chain}")
        heads[entry.chain] = entry
    return found
