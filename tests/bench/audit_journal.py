"""A generated record that looks like real runs: the entries of two recorded ones, told again and
again under other ids, with chains, projections, checkpoints and tiles as a gateway writes them."""

import itertools
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.journal.chain import chain_of, entry_hash
from gateway.journal.database import open_writer
from gateway.journal.signing import Signer, keep_checkpoint, next_checkpoint
from gateway.journal.sqlite_session import SqliteSession
from gateway.journal.statements import INSERT_ENTRY, STORE_HEAD
from gateway.journal.unit import fold_in
from gateway.model.entry import ENTRY_FORMAT, GENESIS, Entry, EntryType, NewEntry
from gateway.model.json import decode
from gateway.model.time import stamp

GOLDEN = Path(__file__).parents[1] / "golden" / "journal-v2.sql"
_ID = re.compile(r"(?<=_)[0-9a-f]{32}")
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_SPAN = 2_000
"""Entries between two checkpoints."""


def write_record(path: Path, entries: int, signer: Signer) -> None:
    """Write a record of at least this many entries."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rounds = _rounds(_template())
    with closing(open_writer(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        session = SqliteSession(connection.cursor())
        position, heads = 0, dict[str, tuple[int, str]]()
        while position < entries:
            connection.execute("BEGIN")
            end = position + _SPAN
            moved = set()
            while position < end:
                for new in next(rounds):
                    position += 1
                    moved.add(_append(connection, new, position, heads))
            connection.executemany(
                STORE_HEAD.sqlite.sql, [(one, *heads[one]) for one in sorted(moved)]
            )
            signed = next_checkpoint(session, signer, _at(position))
            assert signed is not None
            keep_checkpoint(session, signed)
            connection.execute("COMMIT")
    with (
        (path.parent / "checkpoints.jsonl").open("w") as file,
        closing(sqlite3.connect(path)) as at,
    ):
        file.writelines(f"{line}\n" for (line,) in at.execute("SELECT line FROM checkpoint"))


def _template() -> list[tuple[NewEntry, str]]:
    """Recorded entries, each with the text of its body."""
    with closing(sqlite3.connect(":memory:")) as recorded:
        recorded.executescript(GOLDEN.read_text())
        rows = recorded.execute(
            "SELECT type, workspace, body, execution_id, actor FROM entry "
            "WHERE position > 1 ORDER BY position"
        ).fetchall()
    return [
        (NewEntry(EntryType(kind), workspace, {}, execution_id, actor), body)
        for kind, workspace, body, execution_id, actor in rows
    ]


def _rounds(template: list[tuple[NewEntry, str]]) -> Iterator[list[tuple[NewEntry, str]]]:
    for number in itertools.count():
        yield [_retold(new, body, f"01a2{number:012x}") for new, body in template]


def _retold(new: NewEntry, body: str, mark: str) -> tuple[NewEntry, str]:
    """An entry under other ids: the first half of each gives way to ``mark``."""

    def other(found: re.Match[str]) -> str:
        return mark + found[0][16:]

    execution_id = new.execution_id and _ID.sub(other, new.execution_id)
    return new._replace(execution_id=execution_id), _ID.sub(other, body)


def _append(
    connection: sqlite3.Connection,
    given: tuple[NewEntry, str],
    position: int,
    heads: dict[str, tuple[int, str]],
) -> str:
    new, body = given
    chain = chain_of(new, "embedded")
    last, previous = heads.get(chain, (0, GENESIS))
    told: tuple[Any, ...] = (_at(position), new.type, new.workspace, new.execution_id, new.actor)
    own = entry_hash(ENTRY_FORMAT, chain, last + 1, previous, *told, body)
    row = (position, chain, last + 1, ENTRY_FORMAT, *told, body, previous, own)
    connection.execute(INSERT_ENTRY.sqlite.sql, row)
    heads[chain] = (last + 1, own)
    recorded = Entry(position, chain, last + 1, *told, decode(body), previous, own)
    fold_in(SqliteSession(connection.cursor()), recorded)
    return chain


def _at(position: int) -> str:
    return stamp(_BEGIN + timedelta(milliseconds=7 * position))
