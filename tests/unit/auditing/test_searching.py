"""Searching a stored record: by time whatever the clock did, page by page, and old entries too."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from gateway.auditing import Search, Span, search
from gateway.auditing.search import Found
from gateway.journal import SqliteJournal, open_audit
from gateway.model.audit_history import AuditHistory, Stretch
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.ports import Tx
from gateway.model.time import stamp

pytestmark = pytest.mark.anyio

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Clock:
    """A clock that goes on by what the test says, and back as well."""

    def __init__(self) -> None:
        self.moment = BEGIN

    def now(self) -> datetime:
        return self.moment


class Record:
    def __init__(self, path: Path, journal: SqliteJournal, clock: Clock) -> None:
        self.path, self.journal, self.clock = path, journal, clock

    async def add(self, minutes: float, actor: str, **body: Any) -> None:
        """Go on by so many minutes, and record a call."""
        self.clock.moment += timedelta(minutes=minutes)
        kind = EntryType(body.pop("type", "query.answered"))
        entry = NewEntry(kind, body.pop("workspace", "acme"), body, actor=actor)

        def unit(tx: Tx) -> None:
            tx.append(entry)

        await self.journal.write(unit)

    @contextmanager
    def read(self) -> Any:
        with open_audit(self.path) as history:
            yield history

    def found(self, span: Span | None = None, **more: Any) -> list[str]:
        with self.read() as history:
            wanted = Search("acme", span or Span(), **more)
            return [one["actor"] for one in everything(history, wanted)]


def everything(history: AuditHistory, wanted: Search, limit: int = 2) -> list[JsonObject]:
    items: list[JsonObject] = []
    after: int | None = 0
    while after is not None:
        page: Found = search(history, wanted, after, limit, rules=True)
        items += page.items
        after = page.next
    return items


@pytest.fixture
async def record(tmp_path: Path) -> AsyncIterator[Record]:
    clock = Clock()
    path = tmp_path / "gateway.db"
    journal = await SqliteJournal.open(path, clock=clock, writer="w")
    yield Record(path, journal, clock)
    await journal.close()


def at(minutes: float) -> str:
    return stamp(BEGIN + timedelta(minutes=minutes))


async def test_a_span_takes_its_beginning_and_leaves_its_end(record: Record) -> None:
    for number in range(6):
        await record.add(100, f"p{number}")
    assert record.found(Span(at(200), at(400))) == ["p1", "p2"]
    assert record.found(Span(at(1000), at(2000))) == []
    assert record.found(Span(at(-10), at(0))) == []
    assert len(record.found()) == 6


_YEAR = 525_600.0


@pytest.mark.parametrize(
    "minutes",
    [
        [100.0, 60, -50, 60, -55, 65, -59, 60, 200],
        [100.0, 60, _YEAR, 1, 10 - _YEAR, 60, 60, 60],
        [100.0, 60, 60, -_YEAR, 1, 9 + _YEAR, 60, 60],
    ],
    ids=["back by up to an hour", "ahead for a while", "behind for a while"],
)
async def test_a_clock_that_was_wrong_hides_nothing(record: Record, minutes: list[float]) -> None:
    moments, now = [], 0.0
    for number, step in enumerate(minutes):
        await record.add(step, f"p{number}")
        now += step
        moments.append(now)
    for since in range(90, 400, 5):
        for until in (since + 1, since + 20, since + 90):
            inside = [f"p{n}" for n, moment in enumerate(moments) if since <= moment < until]
            assert record.found(Span(at(since), at(until))) == inside, (since, until)


async def test_other_workspaces_are_not_there(record: Record) -> None:
    await record.add(1, "eve", workspace="globex", contract="shop.buy@1.0.0")
    await record.add(1, "ada", contract="shop.buy@1.0.0")
    assert record.found(contract="shop.buy") == ["ada"]


async def test_a_contract_is_found_by_key_or_version_and_never_by_likeness(
    record: Record,
) -> None:
    await record.add(1, "a", contract="shop.buy@1.0.0")
    await record.add(1, "b", contract="shop.buy@2.0.0")
    await record.add(1, "c", contract="shop.buyer@1.0.0")
    await record.add(1, "d", contract="my.shop.buy@1.0.0")
    await record.add(1, "e", contract="shop.list@1.0.0", answer={"contract": "shop.buy@1.0.0"})
    assert record.found(contract="shop.buy") == ["a", "b"]
    assert record.found(contract="shop.buy@2.0.0") == ["b"]
    assert record.found(contract="%") == []


async def test_a_page_looks_at_a_bounded_part(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("gateway.auditing.search"), "MOST_LOOKED", 3)
    for number in range(10):
        await record.add(1, f"p{number}", contract="a.b@1.0.0")
    await record.add(1, "rare", contract="a.b@1.0.0")
    with record.read() as history:
        first = search(history, Search("acme", Span(), actor="rare"), 0, 5, rules=True)
        assert (first.items, first.next) == ((), 3)
    assert record.found(actor="rare") == ["rare"]


async def test_entries_of_earlier_releases_say_that_nothing_was_recorded(record: Record) -> None:
    await record.add(1, "old", contract="a.b@1.0.0", decision={"effect": "allow"})
    await record.add(1, "new", contract="a.b@1.0.0", seen={})
    await record.add(1, "odd", seen=["no", "map"], decision="none", roles="x", reading=3)
    with record.read() as history:
        old, new, odd = everything(history, Search("acme", Span()))
        assert (old["seenRecorded"], old["seen"], old["effect"]) == (False, [], "ALLOW")
        assert (new["seenRecorded"], new["seen"]) == (True, [])
        assert (odd["seen"], odd.get("effect"), odd.get("reading")) == ([], None, None)


async def test_sealed_payloads_and_texts_stay_out(record: Record) -> None:
    sealed = {"$sealed": [1, "a.b@1.0.0", "input.email", "k", "cipher"]}
    await record.add(
        1, "ada", contract="a.b@1.0.0", input={"email": sealed}, reason="my words", note="mine"
    )
    with record.read() as history:
        (item,) = everything(history, Search("acme", Span()))
    assert "cipher" not in str(item)
    assert "words" not in str(item)
    assert "mine" not in str(item)


async def test_a_damaged_entry_is_listed_and_hides_no_other(record: Record) -> None:
    for actor in ("a", "b", "c"):
        await record.add(1, actor, contract="x.y@1.0.0", subject=actor)
    with closing(sqlite3.connect(record.path)) as connection, connection:
        broken = (b'{"contract":"x.y@1.0.0",\xff', 2)
        connection.execute("UPDATE entry SET body = CAST(? AS TEXT) WHERE position = ?", broken)
    with record.read() as history:
        found = everything(history, Search("acme", Span()))
        tokens = history.tokens(Stretch("acme", 0, 3, Span().since, Span().until))
    assert [one.subject for one in tokens] == ["a", "c"]
    assert [(one["actor"], one.get("contract")) for one in found] == [
        ("a", "x.y@1.0.0"),
        ("b", None),
        ("c", "x.y@1.0.0"),
    ]
