"""Entries are found by the keys that sealed something in them."""

import asyncio
from pathlib import Path

import pytest

from gateway.journal import SqliteJournal, open_sealed
from gateway.journal.sealed_entries import _FEW
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.ports import Tx
from gateway.model.system import SystemClock


def sealed(key_id: str) -> JsonObject:
    return {"$sealed": [2, "a.b@1.0.0", "input.x", key_id, "AAAA"]}


def entry(body: JsonObject, workspace: str = "acme", execution_id: str | None = None) -> NewEntry:
    return NewEntry(EntryType.CALL_FAILED, workspace, body, execution_id)


ENTRIES = [
    entry({"plain": "k1"}),
    entry({"input": {"deep": [sealed("k1")]}}),
    entry({"input": sealed("k2"), "other": sealed("k1")}),
    entry({"input": sealed("k1")}, workspace="globex"),
    entry({"input": sealed("k3")}),
    entry({"text": '{"$sealed":[2,"a","b","k1","x"]}'}),
]


@pytest.fixture
def record(tmp_path: Path) -> Path:
    async def write() -> None:
        path = tmp_path / "gateway.db"
        journal = await SqliteJournal.open(path, clock=SystemClock(), writer="w")

        def unit(tx: Tx) -> None:
            for one in ENTRIES:
                tx.append(one)

        await journal.write(unit)
        await journal.close()

    asyncio.run(write())
    return tmp_path / "gateway.db"


@pytest.mark.parametrize("more", [0, _FEW + 1])
def test_entries_are_found_by_few_keys_and_by_many(
    record: Path, more: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.journal.sealed_entries._WINDOW", 2)
    others = [f"none-{number}" for number in range(more)]
    with open_sealed(record) as entries:
        last = entries.last_position()
        assert last == len(ENTRIES)

        def found(*keys: str, after: int = 0, through: int = last) -> list[int]:
            wanted = frozenset([*keys, *others])
            return [one.position for one in entries.holding("acme", wanted, after, through)]

        assert found("k1") == [2, 3]
        assert found("k1", "k3") == [2, 3, 5]
        assert found("k1", after=2) == [3]
        assert found("k1", through=2) == [2]
        assert found("nothing") == []
        assert [one.position for one in entries.at([3, 5])] == [3, 5]


def test_no_key_finds_nothing(record: Path) -> None:
    with open_sealed(record) as entries:
        assert list(entries.holding("acme", frozenset(), 0, 100)) == []


@pytest.mark.parametrize("at_once", [1, 2, 500])
def test_entries_at_positions_come_in_order(
    record: Path, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.journal.sealed_entries._AT_ONCE", at_once)
    with open_sealed(record) as entries:
        assert [one.position for one in entries.at([5, 2, 3, 99])] == [2, 3, 5]
        assert list(entries.at([])) == []
