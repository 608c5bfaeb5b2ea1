"""The hour of a workspace, counted from a record as it grows."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.contracts import Registry, load_contracts
from gateway.health import hour as counting
from gateway.health.hour import Activity, Figure, Hour
from gateway.journal import SqliteJournal
from gateway.model.entry import EntryType, NewEntry
from gateway.model.ports import Tx
from gateway.model.time import stamp
from tests.contract.journal_story import Story

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]
GET = "controlPlane.execution.get@1.0.0"
OLD = """
key: shop.order.find
version: 1.0.0
kind: query
title: Find order
description: Find an order.
domain: shop
owners: [shop]
stability: deprecated
capability: shop.core@1.0.0
risk: low
input: {orderId: ID!}
output: {orderId: ID!}
errors:
  SHOP_IS_DOWN: {http: 503, description: The shop is down.}
  NO_ORDER: {http: 404, description: There is no such order.}
policy: {auth: user, pii: []}
handler: {python: {target: "json:loads"}}
"""


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def go_on(self, **by: float) -> None:
        self.moment += timedelta(**by)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def journal(tmp_path: Path, clock: Clock) -> AsyncIterator[SqliteJournal]:
    opened = await SqliteJournal.open(tmp_path / "gateway.db", clock=clock, writer="writer-1")
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    own = tmp_path_factory.mktemp("shop")
    (own / "find.yaml").write_text(OLD)
    return load_contracts([ROOT / "schema" / "control-plane", own])


@pytest.fixture
def activity(journal: SqliteJournal, registry: Registry) -> Activity:
    return Activity(journal, registry)


async def tell(journal: SqliteJournal, *entries: NewEntry) -> None:
    def unit(tx: Tx) -> None:
        for entry in entries:
            tx.append(entry)

    await journal.write(unit)


def call(kind: EntryType, ref: str = GET, code: str | None = None) -> NewEntry:
    body = {"contract": ref, **({"code": code} if code else {})}
    return NewEntry(kind, "acme", body, None, "alice")


async def look(activity: Activity, clock: Clock, workspace: str = "acme") -> Hour:
    return await activity.hour(workspace, stamp(clock.now()))


def totals(hour: Hour) -> dict[Figure, int]:
    return {figure: hour.total(figure) for figure in Figure if hour.total(figure)}


async def test_an_empty_record_gives_sixty_empty_minutes(activity: Activity, clock: Clock) -> None:
    hour = await look(activity, clock)

    assert [minute.at for minute in (hour.minutes[0], hour.minutes[-1])] == [
        "2026-03-01T11:01:00.000000Z",
        "2026-03-01T12:00:00.000000Z",
    ]
    assert len(hour.minutes) == 60
    assert totals(hour) == {}
    assert (hour.is_whole, hour.since) == (True, hour.minutes[0].at)


async def test_what_came_is_counted_in_its_minute(
    journal: SqliteJournal, activity: Activity, clock: Clock
) -> None:
    await tell(journal, *Story("a").whole("x", "y"))
    clock.go_on(minutes=3)
    denied = call(EntryType.CALL_DENIED)
    await tell(journal, call(EntryType.QUERY_ANSWERED), denied, denied)
    await tell(journal, *Story("b").until_started(), Story("b").ended("failed"))
    await tell(journal, *Story("c").until_started(), Story("c").ended("rejected"))

    hour = await look(activity, clock)

    assert totals(hour) == {
        Figure.RUNS_STARTED: 3,
        Figure.RUNS_COMPLETED: 1,
        Figure.RUNS_FAILED: 1,
        Figure.RUNS_STOPPED: 1,
        Figure.STEPS_COMPLETED: 2,
        Figure.CALLS_ALLOWED: 1,
        Figure.CALLS_DENIED: 2,
    }
    first, last = hour.minutes[-4], hour.minutes[-1]
    assert (first.counts[Figure.RUNS_STARTED], last.counts[Figure.RUNS_STARTED]) == (1, 2)
    assert totals(await look(activity, clock, "other")) == {}


async def test_only_failures_that_are_not_the_callers_count(
    journal: SqliteJournal, activity: Activity, clock: Clock
) -> None:
    for code in ("CONFLICT", "BAD_GATEWAY", "TIMEOUT"):
        await tell(journal, call(EntryType.CALL_FAILED, code=code))
    for code in ("SHOP_IS_DOWN", "NO_ORDER"):
        await tell(journal, call(EntryType.CALL_FAILED, "shop.order.find@1.0.0", code))

    hour = await look(activity, clock)

    assert totals(hour) == {Figure.CALLS_ALLOWED: 5, Figure.CALLS_FAILED: 3}


async def test_uses_of_deprecated_contracts_are_told(
    journal: SqliteJournal, activity: Activity, clock: Clock
) -> None:
    old = "shop.order.find@1.0.0"
    await tell(journal, call(EntryType.QUERY_ANSWERED, old), call(EntryType.QUERY_ANSWERED))
    await tell(journal, call(EntryType.CALL_DENIED, old))
    step = Story("a").dispatched("x")
    await tell(journal, *Story("a").until_started("x"), step)
    await tell(journal, step._replace(body={**step.body, "contract": old, "attempt": 2}))
    assert dict((await look(activity, clock)).deprecated) == {old: 2}

    clock.go_on(minutes=61)
    assert dict((await look(activity, clock)).deprecated) == {}


async def test_later_looks_count_only_what_is_new_and_forget_what_is_old(
    journal: SqliteJournal, activity: Activity, clock: Clock
) -> None:
    await tell(journal, call(EntryType.QUERY_ANSWERED))
    assert totals(await look(activity, clock)) == {Figure.CALLS_ALLOWED: 1}
    assert totals(await look(activity, clock)) == {Figure.CALLS_ALLOWED: 1}

    clock.go_on(minutes=30)
    await tell(journal, call(EntryType.QUERY_ANSWERED), call(EntryType.QUERY_ANSWERED))
    assert totals(await look(activity, clock)) == {Figure.CALLS_ALLOWED: 3}

    clock.go_on(minutes=30)
    assert totals(await look(activity, clock)) == {Figure.CALLS_ALLOWED: 2}
    clock.go_on(hours=5)
    await tell(journal, call(EntryType.CALL_DENIED))
    assert totals(await look(activity, clock)) == {Figure.CALLS_DENIED: 1}


async def test_an_hour_is_counted_anew_where_the_clock_went_back(
    journal: SqliteJournal, activity: Activity, clock: Clock
) -> None:
    await tell(journal, call(EntryType.QUERY_ANSWERED))
    before = await look(activity, clock)
    clock.go_on(days=365)
    assert totals(await look(activity, clock)) == {}
    clock.go_on(days=-365)
    assert await look(activity, clock) == before
    assert totals(before) == {Figure.CALLS_ALLOWED: 1}


async def test_where_too_much_happened_less_than_the_hour_is_counted(
    journal: SqliteJournal, activity: Activity, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MOST", 5)
    monkeypatch.setattr(counting, "STRETCH", 2)
    for _ in range(4):
        await tell(journal, call(EntryType.QUERY_ANSWERED), call(EntryType.QUERY_ANSWERED))
        clock.go_on(minutes=1)

    hour = await look(activity, clock)

    assert totals(hour) == {Figure.CALLS_ALLOWED: 5}
    assert (hour.is_whole, hour.since) == (False, "2026-03-01T12:01:30.000000Z")
    clock.go_on(minutes=62)
    assert (await look(activity, clock)).is_whole


async def test_of_few_workspaces_is_remembered_what_was_counted(
    journal: SqliteJournal, activity: Activity, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "WORKSPACES", 2)
    await tell(journal, call(EntryType.QUERY_ANSWERED))
    for workspace in ("acme", "b", "c", "d"):
        await look(activity, clock, workspace)

    assert len(activity._known) == 2  # the bound is what is tried here
    assert totals(await look(activity, clock)) == {Figure.CALLS_ALLOWED: 1}
