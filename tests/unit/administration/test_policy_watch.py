"""Watching the record: what it names decides here soon, or nothing is decided."""

import asyncio
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from gateway.administration.watch import INTERVAL
from gateway.contracts import Registry
from gateway.journal import SqliteJournal
from gateway.model import elapsed as elapsed_module
from gateway.model.elapsed import elapsed
from gateway.model.system import SystemClock
from gateway.policy import load_policies
from gateway.policy.policies import CERTAINTY
from gateway.shipped import shipped_policies, shipped_schema
from tests.loaded import load_contracts
from tests.unit.administration.watched_place import place_in

UNKNOWN = "sha256:" + "ab" * 32


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_contracts([shipped_schema()])


def test_what_another_process_activates_decides_here_within_a_second(
    tmp_path: Path, registry: Registry
) -> None:
    async def run() -> None:
        async with place_in(tmp_path, registry) as place:
            before = place.reading.reads
            wanted = await place.activate("uma")
            await place.until(lambda: place.policies.revision == wanted)
            # The look that came upon it, perhaps one before that, and what adopting reads.
            assert place.reading.reads - before <= 6
            assert INTERVAL <= 0.25
            await place.until_sure()
            assert place.adopted == [wanted]
            await place.until(lambda: place.woken == 1)
            assert place.watch.trouble is None

    asyncio.run(run())


def test_the_last_of_several_is_what_decides(tmp_path: Path, registry: Registry) -> None:
    async def run() -> None:
        async with place_in(tmp_path, registry) as place:
            first = place.policies.revision
            for user in ("u1", "u2", "u3"):
                last = await place.activate(user)
            await place.until(lambda: place.policies.revision == last)
            await place.put(first)
            await place.until(lambda: place.policies.revision == first)
            assert place.adopted[-1] == first

    asyncio.run(run())


def test_a_revision_that_is_over_before_it_was_built_is_never_adopted(
    tmp_path: Path, registry: Registry
) -> None:
    async def run() -> None:
        async with place_in(tmp_path, registry) as place:
            first = place.policies.revision
            await place.watch.stop()
            await place.activate("uma")
            # The head is read, then the content; before the head is read again, it is another.
            place.reading.before_read[place.reading.reads + 3] = partial(place.put, first)
            await place.watch.refresh()
            assert place.policies.revision == first
            assert place.adopted == []
            assert place.watch.trouble is None

    asyncio.run(run())


def test_whoever_comes_late_changes_nothing(tmp_path: Path, registry: Registry) -> None:
    async def run() -> None:
        async with place_in(tmp_path, registry) as place:
            early = place.policies.current
            wanted = await place.activate("uma")
            await place.until(lambda: place.policies.revision == wanted)
            place.in_force.adopt(early, 1, elapsed())
            assert place.policies.revision == wanted

    asyncio.run(run())


def test_nothing_is_sure_while_the_record_cannot_be_read(
    tmp_path: Path, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        async with place_in(tmp_path, registry) as place:
            await place.until_sure()
            place.reading.fails = True
            await asyncio.sleep(CERTAINTY + 0.1)
            assert not await place.is_sure()
            assert place.watch.trouble is not None
            assert [r.message for r in caplog.records if "cannot be followed" in r.message] == [
                "the policy in force cannot be followed: SERVICE_UNAVAILABLE"
            ]
            place.reading.fails = False
            await place.until_sure()
            assert place.watch.trouble is None

    asyncio.run(run())


def test_what_nobody_foresaw_stops_decisions_and_is_told_once(
    tmp_path: Path, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        async with place_in(tmp_path, registry) as place:
            await place.until_sure()
            place.reading.breaks = True
            await asyncio.sleep(CERTAINTY + 0.1)
            assert not place.policies.is_sure
            assert not await place.is_sure()
            assert sum(record.exc_info is not None for record in caplog.records) == 1
            assert "nobody foresaw this" not in str(place.watch.trouble)
            place.reading.breaks = False
            await place.until_sure()

    asyncio.run(run())


def test_an_unknown_revision_stops_decisions_until_another_is_in_force(
    tmp_path: Path, registry: Registry
) -> None:
    async def run() -> None:
        async with place_in(tmp_path, registry) as place:
            first = place.policies.revision
            await place.put(UNKNOWN)
            await place.until(lambda: place.watch.trouble is not None)
            assert not await place.is_sure()
            assert place.policies.revision == first
            before = place.reading.reads
            for _ in range(5):
                assert not await place.is_sure()
            assert place.reading.reads - before < 20  # it is not built again for each that asks
            await place.put(first)
            await place.until_sure()
            assert place.policies.revision == first

    asyncio.run(run())


def test_what_was_observed_in_a_unit_is_looked_up_at_once(
    tmp_path: Path, registry: Registry
) -> None:
    async def run() -> None:
        async with place_in(tmp_path, registry) as place:
            await place.watch.stop()
            wanted = await place.activate("uma")
            place.policies.observe(wanted)
            await place.until_sure()
            assert place.policies.revision == wanted

    asyncio.run(run())


def test_what_was_read_before_another_was_observed_makes_nothing_sure(
    tmp_path: Path, registry: Registry
) -> None:
    async def run() -> None:
        async with place_in(tmp_path, registry) as place:
            await place.watch.stop()

            async def meanwhile() -> None:
                place.policies.observe(await place.activate("uma"))

            first = place.policies.revision
            place.reading.after_read[place.reading.reads + 1] = meanwhile
            await place.watch.refresh()
            await place.until_sure()
            assert place.policies.revision == place.adopted[-1] != first

    asyncio.run(run())


def test_runs_that_wait_are_woken_even_if_it_takes_several_tries(
    tmp_path: Path, registry: Registry
) -> None:
    async def run() -> None:
        async with place_in(tmp_path, registry) as place:
            place.wake_fails = 2
            await place.activate("uma")
            await place.until(lambda: place.woken == 1)
            await asyncio.sleep(0.6)
            assert place.woken == 1

    asyncio.run(run())


def test_a_record_that_lost_the_activation_that_is_followed_makes_nothing_sure(
    tmp_path: Path, registry: Registry
) -> None:
    """As a database does that was restored, or a copy that lags. Nobody waits for it."""

    async def run() -> None:
        async with place_in(tmp_path, registry) as place:
            earlier = tmp_path / "earlier" / "gateway.db"
            earlier.parent.mkdir()
            with (
                closing(sqlite3.connect(tmp_path / "gateway.db")) as now,
                closing(sqlite3.connect(earlier)) as then,
            ):
                now.backup(then)
            wanted = await place.activate("uma")
            await place.until(lambda: place.policies.revision == wanted)
            await place.watch.stop()
            place.policies.observe(None)
            lost = await SqliteJournal.open(earlier, clock=SystemClock(), writer="other")
            place.reading.journal = lost
            before = place.reading.reads
            assert not await place.is_sure()
            assert place.reading.reads == before + 1
            assert place.watch.trouble == "PRECONDITION_FAILED"
            assert place.policies.revision == wanted
            place.reading.journal = place.journal
            await place.until_sure()
            await lost.close()

    asyncio.run(run())


def test_an_earlier_doubt_does_not_take_the_place_of_a_later_one(registry: Registry) -> None:
    policies = load_policies(shipped_policies(), registry)
    policies.watched_by(lambda: asyncio.sleep(0))
    now = elapsed()
    policies.observe("later", now)
    policies.observe("another", now - 2)
    policies.observe(policies.revision, now - 1)
    assert not policies.is_sure
    policies.observe(policies.revision, now + 1)
    assert policies.is_sure


def test_nothing_stays_sure_while_the_machine_sleeps(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(elapsed_module.time, "monotonic", lambda: 1000.0)
    monkeypatch.setattr(elapsed_module.time, "clock_gettime", lambda _: now[0])
    policies = load_policies(shipped_policies(), registry)
    policies.watched_by(lambda: asyncio.sleep(0))
    policies.observe(policies.revision)
    assert policies.is_sure
    now[0] += CERTAINTY
    assert not policies.is_sure
