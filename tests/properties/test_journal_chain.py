"""Properties of the journal: rebuilt projections equal the live ones, and no change goes unseen."""

import asyncio
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from gateway.journal import SqliteJournal, rebuild_matches, rebuild_record, verify_record
from gateway.journal.chain import entry_hash
from gateway.journal.tables import PROJECTIONS
from gateway.model.entry import EntryType, NewEntry
from tests.contract.journal_story import DECISION, PROBLEM, SteppingClock, Story, call
from tests.properties.amounts import examples

COLUMNS = (
    *("position", "chain", "seq", "format", "at", "type", "workspace", "execution_id", "actor"),
    *("body", "previous", "hash"),
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@st.composite
def attempts(draw: st.DrawFn, story: Story, key: str) -> list[NewEntry]:
    """What may happen to one step of a run."""
    asked = story.requested(key, f"ap_{story.name}_{key}", draw(st.integers(1, 3)))
    given = story.voted(key, f"ap_{story.name}_{key}", "bob", approved=draw(st.booleans()))
    retry = {"attempt": 1, "epoch": 1, "problem": PROBLEM, "retryAt": "2026-03-01T09:00:00.000000Z"}
    output = {"attempt": 1, "epoch": 1, "output": draw(json_values), "events": []}
    endings = [
        [story.step(EntryType.STEP_COMPLETED, key, **output)],
        [story.step(EntryType.STEP_RETRYING, key, **retry), story.dispatched(key, 2)],
        [story.step(EntryType.STEP_UNRESOLVED, key, attempt=1, epoch=1, problem=PROBLEM)],
        [story.step(EntryType.STEP_FAILED, key, attempt=1, epoch=1, problem=PROBLEM)],
    ]
    decided = {"problem": PROBLEM, "decision": DECISION, "access": {}}
    skipped = {"input": draw(json_values), "decision": DECISION, "reason": "dry run"}
    ways = [
        [asked, given, story.dispatched(key, approvalId=f"ap_{story.name}_{key}")],
        [asked, story.step(EntryType.APPROVAL_EXPIRED, key, approvalId=f"ap_{story.name}_{key}")],
        [story.dispatched(key), *draw(st.sampled_from(endings))],
        [story.step(EntryType.STEP_BLOCKED, key, **decided)],
        [story.step(EntryType.STEP_SKIPPED, key, **skipped)],
    ]
    return draw(st.sampled_from(ways))


@st.composite
def histories(draw: st.DrawFn) -> list[NewEntry]:
    """A valid sequence: some executions, each cut off somewhere, woven into one another."""
    lanes: list[Iterator[NewEntry]] = []
    for number in range(draw(st.integers(1, 3))):
        story = Story(f"e{number}")
        keys = [f"k{n}" for n in range(draw(st.integers(1, 3)))]
        entries = story.until_started(*keys)
        entries[0].body["text"] = draw(st.text(st.characters(codec="utf-8"), max_size=20))
        for key in keys:
            entries += draw(attempts(story, key))
        entries.append(story.ended(draw(st.sampled_from(["failed", "completed"]))))
        lanes.append(iter(entries[: draw(st.integers(1, len(entries)))]))
    policy = NewEntry(EntryType.POLICY_ACTIVATED, "acme", {"revision": draw(st.text(max_size=9))})
    lanes.append(iter([call(None), policy, call("k", output=draw(json_values))]))
    woven: list[NewEntry] = []
    while lanes:
        lane = draw(st.sampled_from(lanes))
        entry = next(lane, None)
        lanes.remove(lane) if entry is None else woven.append(entry)
    return woven


def told(folder: str, entries: list[NewEntry], size: int = 7) -> Path:
    """A closed journal that holds these entries, some to a unit."""
    path = Path(folder, "gateway.db")

    async def scenario() -> None:
        journal = await SqliteJournal.open(path, clock=SteppingClock(), writer="w")
        try:
            for start in range(0, len(entries), size):
                part = entries[start : start + size]
                await journal.write(lambda tx, part=part: [tx.append(entry) for entry in part])
        finally:
            await journal.close()

    asyncio.run(scenario())
    return path


def dump(path: Path) -> list[list[Any]]:
    with closing(sqlite3.connect(path)) as connection:
        return [
            connection.execute(str(select(table).order_by(*table.primary_key))).fetchall()
            for table in PROJECTIONS
        ]


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories())
def test_a_rebuild_equals_the_live_projections_to_the_byte(entries: list[NewEntry]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = told(folder, entries)
        before = dump(path)

        assert rebuild_matches(path) == []
        rebuild_record(path, SteppingClock())

        assert dump(path) == before
        assert verify_record(path, []).ok


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound record of two chains."""
    folder = tmp_path_factory.mktemp("sound")
    return told(str(folder), [*Story("a").whole("x"), call("k"), call(None)])


def altered(value: Any, place: int, bit: int) -> Any:
    """A value with one bit of one byte turned over (of a number: one bit)."""
    if isinstance(value, int):
        return value ^ (1 << bit)
    stored = bytearray((value or "\x00").encode())
    stored[place % len(stored)] ^= 1 << bit
    return bytes(stored)


@settings(
    max_examples=examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_any_byte_changed_in_any_column_of_any_entry_is_found_and_located(
    sound: Path, data: st.DataObject
) -> None:
    column = data.draw(st.sampled_from(COLUMNS))
    position = data.draw(st.integers(1, 9))
    place, bit = data.draw(st.integers(0, 2_000)), data.draw(st.integers(0, 7))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "gateway.db")
        copy.write_bytes(sound.read_bytes())
        with closing(sqlite3.connect(copy)) as connection, connection:
            select = f"SELECT {column}, chain, seq FROM entry WHERE position = ?"  # noqa: S608 # names from this file
            value, chain, seq = connection.execute(select, (position,)).fetchone()
            new = altered(value, place, bit)
            try:
                cast = "?" if isinstance(new, int) else "CAST(? AS TEXT)"
                update = f"UPDATE entry SET {column} = {cast} WHERE position = ?"  # noqa: S608 # names from this file
                connection.execute(update, (new, position))
            except sqlite3.IntegrityError:  # two entries cannot stand in one place
                return

        report = verify_record(copy, [])

        places = {(finding.chain, finding.seq) for finding in report.findings}
        positions = {finding.position for finding in report.findings}
        assert not report.ok
        assert (chain, seq) in places or position in positions, report.findings


fields = st.one_of(st.text(st.characters(codec="utf-8"), max_size=6), st.integers(0, 99), st.none())


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(fields, min_size=10, max_size=10), st.lists(fields, min_size=10, max_size=10))
def test_different_entries_have_different_hashes(one: list[Any], other: list[Any]) -> None:
    assert (entry_hash(*one) == entry_hash(*other)) == (one == other)


@given(st.integers(0, 8), st.text(st.characters(codec="utf-8"), min_size=2, max_size=9), st.data())
def test_moving_text_over_a_border_between_fields_changes_the_hash(
    field: int, text: str, data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=2, unique=True))
    hashes = set()
    for cut in cuts:
        columns = [""] * 10
        columns[field], columns[field + 1] = text[:cut], text[cut:]
        hashes.add(entry_hash(*columns))
    assert len(hashes) == 2
