"""The record proves itself: no bit of it can be changed unseen, and whatever is done with it in the
right way leaves a record that verifies with the first key."""

import asyncio
import hashlib
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table

from gateway.journal import Archiving, Checkpointer, SqliteJournal, Until, Verification
from gateway.journal.archive_records import archived_entry
from gateway.journal.tables import PROJECTIONS, chain_head, checkpoint, entry, tile
from gateway.journal.verify import VerifyReport
from gateway.model.entry import NewEntry
from gateway.model.problem import ProblemError
from gateway.model.system import SystemClock
from gateway.privacy import CheckpointKeys, CheckpointSigner, finish_rotation, rotate_key
from tests.contract.journal_story import SteppingClock, Story, call
from tests.properties.amounts import examples

RECORD: list[Table] = [entry, chain_head, checkpoint, tile, archived_entry, *PROJECTIONS]


class Folder:
    """A data folder with its keys."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "gateway.db"
        self.keys = CheckpointKeys(folder / "keys")

    def write(self, *sessions: list[NewEntry]) -> None:
        """Record these entries, with a checkpoint after each session that has any."""

        async def write() -> None:
            opened = SqliteJournal.open(self.database, clock=SteppingClock(), writer="w")
            journal = await opened
            try:
                for entries in sessions:
                    for new in entries:
                        await journal.write(lambda tx, new=new: tx.append(new))
                    await Checkpointer(journal, self.keys.current()).checkpoint()
            finally:
                await journal.close()

        asyncio.run(write())

    def verify(self, key: CheckpointSigner) -> VerifyReport:
        return Verification(self.database, [key.public_key_pem]).run()

    def archive(self) -> None:
        """Archive the first half of the runs and whatever else may go with them."""
        signer, clock = self.keys.current(), SteppingClock()
        Archiving(self.database, self.segments, signer, clock).run(Until(through=200))

    @property
    def segments(self) -> Path:
        return self.folder / "archive"


@pytest.fixture(scope="module", params=["whole", "archived"])
def sound(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Folder:
    """A sound record: some runs, more entries than a tile holds, and a key that was rotated; once
    as it is, and once with a part of it archived."""
    made = Folder(tmp_path_factory.mktemp("sound"))
    stories = [Story(f"s{number}").whole("x", "y") for number in range(30)]
    half = list(chain.from_iterable(stories[:15]))
    made.write([*half, call("k")], list(chain.from_iterable(stories[15:])))
    if request.param == "archived":
        made.archive()
    rotate_key(made.database, made.keys, SystemClock())
    made.write([call(None), *Story("last").whole("z")])
    return made


@pytest.fixture(scope="module")
def first_key(sound: Folder) -> str:
    (earlier,) = sound.keys.public_files()[1:]
    return earlier.read_text()


def rows_of(database: Path) -> str:
    """A digest of every row of the record as it reads, by table."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        connection.text_factory = bytes
        rows = [
            connection.execute(
                f"SELECT {', '.join(column.name for column in table.columns)} FROM {table.name} "  # noqa: S608 # names from our own tables
                f"ORDER BY {', '.join(column.name for column in table.primary_key)}"
            ).fetchall()
            for table in RECORD
        ]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def flipped(value: Any, place: int, bit: int) -> Any:
    """A value with one bit of one byte turned over (of a number: one bit)."""
    if isinstance(value, int):
        return value ^ (1 << bit)
    stored = bytearray((value.encode() if isinstance(value, str) else value) or b"\0")
    stored[place % len(stored)] ^= 1 << bit
    return bytes(stored)


def copied(sound: Folder, folder: str) -> Path:
    for name in ("gateway.db", "checkpoints.jsonl"):
        shutil.copy(sound.folder / name, folder)
    return Path(folder, "gateway.db")


def verified(sound: Folder, copy: Path, key: str) -> VerifyReport:
    return Verification(copy, [key], archive=sound.segments).run()


def test_the_untouched_record_verifies(sound: Folder, first_key: str) -> None:
    report = verified(sound, sound.database, first_key)

    assert report.findings == ()
    assert report.covered == report.entries
    assert report.entries + report.archived > 256


def cell(connection: sqlite3.Connection, data: st.DataObject) -> tuple[Table, str, int, Any]:
    """Any cell of any row: the table, the column, which row it is, and the value."""
    filled = [one for one in RECORD if connection.execute(f"SELECT 1 FROM {one.name}").fetchone()]  # noqa: S608 # as above
    table = data.draw(st.sampled_from(filled))
    column = data.draw(st.sampled_from([column.name for column in table.columns]))
    (count,) = connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()  # noqa: S608 # as above
    row = data.draw(st.integers(0, count - 1))
    order = ", ".join(column.name for column in table.primary_key)
    [(value,)] = connection.execute(
        f"SELECT {column} FROM {table.name} ORDER BY {order} LIMIT 1 OFFSET {row}"  # noqa: S608 # as above
    )
    return table, column, row, value


def flip(
    connection: sqlite3.Connection, table: Table, column: str, row: int, changed: Any
) -> list[Any]:
    """Write a changed value into a cell; returns what names its row."""
    keys = [column.name for column in table.primary_key]
    order = ", ".join(keys)
    wanted = keys if table is not entry else ["position", "chain", "seq"]
    [place] = connection.execute(
        f"SELECT {', '.join(wanted)} FROM {table.name} ORDER BY {order} LIMIT 1 OFFSET {row}"  # noqa: S608 # as above
    )
    where = " AND ".join(f"{key} = ?" for key in wanted)
    is_text = isinstance(changed, bytes) and table.c[column].name != "hashes"
    value = "CAST(? AS TEXT)" if is_text else "?"
    connection.execute(
        f"UPDATE {table.name} SET {column} = {value} WHERE {where}",  # noqa: S608 # as above
        (changed, *place),
    )
    return list(place)


@settings(
    max_examples=examples(100),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_any_bit_of_any_cell_is_found_and_located(
    sound: Folder, first_key: str, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = copied(sound, folder)
        with closing(sqlite3.connect(copy)) as connection, connection:
            table, column, row, value = cell(connection, data)
            bits = data.draw(st.integers(0, 15 if isinstance(value, int) else 7))
            changed = flipped(value, data.draw(st.integers(0, 10_000)), bits)
            try:
                place = flip(connection, table, column, row, changed)
            except sqlite3.IntegrityError:  # two rows cannot stand in one place
                return

        report = verified(sound, copy, first_key)

        assert not report.ok
        assert is_located(report, table, place), (table.name, column, place, report.findings)


def is_located(report: VerifyReport, table: Table, place: list[Any]) -> bool:
    if table is entry:
        position, chain, seq = place
        return any(
            finding.position == position or (finding.chain, finding.seq) == (chain, seq)
            for finding in report.findings
        )
    told = [finding.message for finding in report.findings]
    if table is chain_head:
        return any(finding.chain == place[0] for finding in report.findings)
    if table is checkpoint:
        return any(re.search(rf"(checkpoint|line says) {place[0]}\b", message) for message in told)
    if table is tile:
        return any(f"tile {place[1]} of level {place[0]}" in message for message in told)
    return any(table.name in message for message in told)


@pytest.fixture(scope="module")
def read(sound: Folder) -> str:
    return rows_of(sound.database)


@settings(
    max_examples=examples(100),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.floats(0, 1, exclude_max=True), st.integers(0, 7))
def test_any_bit_of_the_database_file_is_found_or_changes_nothing(
    sound: Folder, first_key: str, read: str, where: float, bit: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = copied(sound, folder)
        content = bytearray(copy.read_bytes())
        content[int(where * len(content))] ^= 1 << bit
        copy.write_bytes(content)

        try:
            if not verified(sound, copy, first_key).ok:
                return
        except ProblemError:
            return
        assert rows_of(copy) == read


def sessions() -> Iterator[list[NewEntry]]:
    number = 0
    while True:
        number += 1
        yield [*Story(f"m{number}").whole("x"), call(None)]


@settings(max_examples=examples(20), deadline=None)
@given(st.lists(st.sampled_from(["append", "checkpoint", "rotate", "many"]), max_size=6))
def test_whatever_is_done_in_the_right_way_verifies_with_the_first_key(done: list[str]) -> None:
    told = sessions()
    with tempfile.TemporaryDirectory() as name:
        folder = Folder(Path(name))
        folder.write(next(told))
        first = folder.keys.current()
        for step in done:
            if step == "rotate":
                rotate_key(folder.database, folder.keys, SystemClock())
            elif step == "many":
                folder.write([call(None) for _ in range(100)])
            elif step == "append":
                _append_alone(folder, next(told))
            else:
                folder.write([])
            finish_rotation(folder.database, folder.keys)

        assert folder.verify(first).findings == ()


def _append_alone(folder: Folder, entries: list[NewEntry]) -> None:
    """Record entries without a checkpoint, as before a crash."""

    async def write() -> None:
        journal = await SqliteJournal.open(folder.database, clock=SteppingClock(), writer="w")
        try:
            await journal.write(lambda tx: [tx.append(new) for new in entries] and None)
        finally:
            await journal.close()

    asyncio.run(write())
