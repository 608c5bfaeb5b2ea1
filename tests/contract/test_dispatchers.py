"""What every dispatcher promises: ``advance`` is called at least once after each wake-up, not
before the moment that a run asked for, and by nobody at the same time."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

import psycopg
import pytest

from gateway.dispatch import ElsewhereDispatcher, EmbeddedDispatcher, Limits, Pace
from gateway.dispatch.procrastinate import REMINDER, ProcrastinateFeed
from gateway.dispatch.procrastinate_tables import create_schema as create_jobs
from gateway.dispatch.temporal import TemporalFeed, TemporalSignals
from gateway.dispatch.temporal import feed as temporal_feed
from gateway.dispatch.temporal import signals as temporal_signals
from gateway.journal import DurableJournal, SqliteJournal
from gateway.journal.postgres import PostgresJournal, create_schema
from gateway.model.system import SystemClock
from gateway.model.time import parse
from tests.contract.dispatch_house import House
from tests.temporal import Temporal

pytestmark = pytest.mark.anyio
LEASE = 6.0
BEAT = 30.0
"""Seconds after which Temporal takes a worker for dead: one that is only slow is not."""


@pytest.fixture(scope="module")
def temporal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Temporal]:
    server = Temporal(tmp_path_factory.mktemp("temporal"))
    server.start()
    yield server
    server.stop()


async def _embedded(journal: DurableJournal) -> House:
    here = EmbeddedDispatcher(journal, SystemClock())
    return House(journal, here, here)


def _worker(journal: DurableJournal) -> EmbeddedDispatcher:
    pace = Pace(every=60.0, busy=60.0)
    limits = Limits(16, None, 16)
    return EmbeddedDispatcher(journal, SystemClock(), limits=limits, pace=pace, is_alone=False)


async def _by_temporal(
    journal: SqliteJournal, address: str, monkeypatch: pytest.MonkeyPatch
) -> House:
    # What a house leaves behind is not the next one's to do.
    queue = f"gateway-{token_hex(4)}"
    for module in (temporal_feed, temporal_signals):
        monkeypatch.setattr(module, "TASK_QUEUE", queue)
    clock = SystemClock()
    here = _worker(journal)
    # Here the engine must also see to timers: the sweeper looks once, and then hardly ever again.
    here.pool.on_wake = lambda _, __: None
    signals = TemporalSignals(address, "default", BEAT)
    told = ElsewhereDispatcher(journal, clock, LEASE, signals.submit)
    feed = TemporalFeed(address, "default", here, journal, clock, 32)
    return House(journal, told, here, signals, feed)


async def _by_procrastinate(journal: PostgresJournal) -> House:
    clock = SystemClock()
    here = _worker(journal)
    told = ElsewhereDispatcher(journal, clock, LEASE)
    journal.on_woken = here.pool.wake
    return House(journal, told, here, ProcrastinateFeed(journal.url, here))


async def _on_postgres(url: str, folder: Path, reminders: tuple[str, ...]) -> PostgresJournal:
    create_schema(url)
    with psycopg.connect(url) as connection:
        create_jobs(connection)
    clock = SystemClock()
    return await PostgresJournal.open(url, data_dir=folder, clock=clock, reminders=reminders)


@pytest.fixture(params=["embedded", "embedded on postgres", "temporal", "procrastinate"])
async def house(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    journal: SqliteJournal | PostgresJournal
    if request.param in ("procrastinate", "embedded on postgres"):
        reminders = (REMINDER,) if request.param == "procrastinate" else ()
        url = request.getfixturevalue("database_url")
        journal = await _on_postgres(url, tmp_path, reminders)
        made = await (_by_procrastinate if reminders else _embedded)(journal)
    else:
        path = tmp_path / "gateway.db"
        journal = await SqliteJournal.open(path, clock=SystemClock(), writer="w")
        if request.param == "embedded":
            made = await _embedded(journal)
        else:
            address = request.getfixturevalue("temporal").address
            made = await _by_temporal(journal, address, monkeypatch)
    await made.start()
    yield made
    await made.stop()
    await journal.close()


async def test_a_new_run_is_advanced_and_one_that_is_over_never_again(house: House) -> None:
    run_id = await house.begin()
    await house.until(lambda: house.advances[run_id] == 1)
    await asyncio.sleep(0.5)
    assert house.advances[run_id] == 1


async def test_many_runs_are_all_advanced(house: House) -> None:
    runs = await asyncio.gather(*(house.begin() for _ in range(100)))
    await house.until(lambda: all(house.advances[run] for run in runs))


async def test_a_parked_run_is_advanced_when_it_is_woken(house: House) -> None:
    run_id = await house.begin()
    house.wants[run_id] = 3600
    await house.until(lambda: house.advances[run_id] == 1)
    await asyncio.sleep(0.2)
    assert house.advances[run_id] == 1

    await house.wake(run_id)

    await house.until(lambda: house.advances[run_id] == 2)


async def test_a_run_that_was_over_is_advanced_when_it_is_woken(house: House) -> None:
    run_id = await house.begin()
    await house.until(lambda: house.advances[run_id] == 1)
    await asyncio.sleep(0.2)

    await house.wake(run_id)

    await house.until(lambda: house.advances[run_id] == 2)


async def test_a_run_is_advanced_at_the_moment_that_it_asked_for_and_not_before(
    house: House,
) -> None:
    run_id = await house.begin()
    house.wants[run_id] = 0.7
    await house.until(lambda: house.advances[run_id] == 2)
    _, again = house.claimed[run_id]
    early = parse(house.asked[run_id]) - parse(again)
    assert early < timedelta(seconds=0.1)


async def test_a_wake_up_while_a_run_is_advanced_is_not_lost(house: House) -> None:
    house.hold.clear()
    run_id = await house.begin()
    await house.until(lambda: run_id in house.held)
    await house.wake(run_id)
    house.hold.set()
    await house.until(lambda: house.advances[run_id] == 2)


async def test_wake_ups_that_come_close_together_are_followed_by_an_advance(house: House) -> None:
    run_id = await house.begin()
    for _ in range(30):
        house.wants[run_id] = 3600
        await house.wake(run_id)
    before = house.advances[run_id]
    await house.wake(run_id)
    await house.until(lambda: house.advances[run_id] > before)
    assert house.advances[run_id] <= 33


async def test_whoever_waits_for_a_run_is_told_when_it_stops_moving(house: House) -> None:
    house.hold.clear()
    run_id = await house.begin()
    waiting = asyncio.create_task(house.told.settled(run_id))
    await house.until(lambda: run_id in house.held)
    await asyncio.sleep(0.1)
    assert not waiting.done()
    house.wants[run_id] = 3600
    house.hold.set()
    async with asyncio.timeout(60):
        await waiting
    assert house.advances[run_id] == 1


async def test_a_run_of_which_the_word_was_lost_is_found(house: House) -> None:
    run_id = await house.begin(tell=False)
    house.told.schedule("2000-01-01T00:00:00.000000Z")
    await house.until(lambda: house.advances[run_id] == 1)


async def test_what_is_due_when_a_worker_starts_is_advanced(house: House) -> None:
    await house.stop()
    run_id = await house.begin(tell=False)
    house.work()
    await house.until(lambda: house.advances[run_id] == 1)
