"""The embedded dispatcher with a fake advance, over a record that says what is due."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.dispatch import ALONE, EmbeddedDispatcher, Limits, Pace
from gateway.dispatch.timers import Timers
from gateway.model.claims import DueRun
from gateway.model.problem import refuse
from gateway.model.time import stamp

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Clock:
    """The time of the event loop, so that waits are real and short."""

    def __init__(self) -> None:
        self.start = datetime(2026, 3, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.start + timedelta(seconds=asyncio.get_running_loop().time())


class Due:
    """A record of which only the due runs are asked."""

    def __init__(self, clock: Clock) -> None:
        self.wakes: dict[str, str] = {}
        self.ahead: list[str] = []
        self.writes = 0
        self.faults: list[Exception] = []
        self.reads = 0
        self._clock = clock

    async def read(self, query: Callable[[Any], Any]) -> Any:
        self.reads += 1
        if self.faults:
            raise self.faults.pop()
        return query(self)

    async def write(self, _unit: Callable[[Any], Any]) -> None:
        self.writes += 1

    def runs_ahead(self, _now: str, limit: int, after: str) -> list[DueRun]:
        return [DueRun(run, "acme") for run in self.ahead if run > after][:limit]

    def due_runs(self, now: str, limit: int, cap: int | None) -> list[DueRun]:
        due = [run for run, wake_at in self.wakes.items() if wake_at <= now]
        return [DueRun(run, "acme") for run in due[:limit]]

    def claim_of(self, run_id: str) -> None:
        """Nobody holds anything here."""

    def last_position(self) -> int:
        return 0

    def next_wake(self) -> str | None:
        return min(self.wakes.values(), default=None)

    def wake_in(self, run_id: str, seconds: float) -> str:
        wake_at = stamp(self._clock.now() + timedelta(seconds=seconds))
        self.wakes[run_id] = wake_at
        return wake_at


class Runs:
    """Advances by waiting until it is let go; watches that nothing runs twice at once."""

    def __init__(self, due: Due) -> None:
        self.due = due
        self.advances: Counter[str] = Counter()
        self.moments: list[tuple[str, float]] = []  # of each beginning, by the clock of the loop
        self.reads: list[int] = []  # of the record, up to each beginning
        self.now: set[str] = set()
        self.most = 0
        self.hold = asyncio.Event()
        self.hold.set()
        self.error: Exception | None = None
        self.rests: dict[str, float] = {}
        self.cut: list[str] = []

    async def advance(self, run_id: str, woken: asyncio.Event) -> str | None:
        assert run_id not in self.now, "two advances of one run at a time"
        self.due.wakes.pop(run_id, None)
        self.now.add(run_id)
        self.moments.append((run_id, asyncio.get_running_loop().time()))
        self.reads.append(self.due.reads)
        self.most = max(self.most, len(self.now))
        try:
            await asyncio.sleep(0)
            await self.hold.wait()
            if self.error is not None:
                raise self.error
        except asyncio.CancelledError:
            self.cut.append(run_id)
            raise
        finally:
            self.advances[run_id] += 1
            self.now.discard(run_id)
        rest = self.rests.pop(run_id, None)
        return None if rest is None else self.due.wake_in(run_id, rest)


class Rig:
    def __init__(self, max_runs: int = 512, ahead: int = 4096, pace: Pace = ALONE) -> None:
        self.clock = Clock()
        self.due = Due(self.clock)
        self.runs = Runs(self.due)
        given: dict[str, Any] = {"limits": Limits(max_runs, ahead=ahead), "pace": pace}
        self.dispatcher = EmbeddedDispatcher(self.due, self.clock, **given)  # type: ignore[arg-type] # only read is used

    def start(self) -> None:
        self.dispatcher.start(self.runs.advance)

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not reached():  # noqa: ASYNC110 - whatever a test looks at has no event
                await asyncio.sleep(0.005)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    yield made
    made.runs.hold.set()
    await made.dispatcher.stop(1)


async def test_a_wake_up_during_an_advance_causes_another_and_never_two_at_once(rig: Rig) -> None:
    rig.start()
    rig.runs.hold.clear()
    rig.dispatcher.submit(DueRun("r1", "acme"))
    await rig.until(lambda: "r1" in rig.runs.now)
    for _ in range(5):
        rig.dispatcher.submit(DueRun("r1", "acme"))
    assert rig.runs.advances["r1"] == 0
    rig.runs.hold.set()
    await rig.dispatcher.settled("r1")
    assert rig.runs.advances["r1"] == 2


async def test_settled_waits_for_what_was_queued_and_answers_at_once_otherwise(rig: Rig) -> None:
    async with asyncio.timeout(60):
        await rig.dispatcher.settled("nobody")
    rig.runs.hold.clear()
    rig.dispatcher.submit(DueRun("r1", "acme"))  # not started yet, so it is only queued
    waits = [asyncio.create_task(rig.dispatcher.settled("r1")) for _ in range(3)]
    rig.start()
    rig.dispatcher.submit(DueRun("r2", "acme"))
    await rig.until(lambda: bool(rig.runs.now))
    assert not any(task.done() for task in waits)
    waits[0].cancel()
    rig.runs.hold.set()
    await asyncio.gather(*waits[1:])
    assert rig.runs.advances["r1"] == 1


async def test_no_more_than_max_runs_are_advanced_at_a_time_and_in_their_order() -> None:
    rig = Rig(max_runs=3)
    rig.start()
    for number in range(20):
        rig.dispatcher.submit(DueRun(f"r{number:02}", "acme"))
    await asyncio.gather(*(rig.dispatcher.settled(f"r{number:02}") for number in range(20)))
    assert rig.runs.most == 3
    assert list(rig.runs.advances) == sorted(rig.runs.advances)
    await rig.dispatcher.stop(1)


async def test_runs_that_are_due_already_are_advanced_at_the_start(rig: Rig) -> None:
    rig.due.wake_in("r1", -1)
    rig.start()
    await rig.until(lambda: rig.runs.advances["r1"] == 1)


async def test_a_run_is_advanced_at_the_moment_for_which_it_was_scheduled(rig: Rig) -> None:
    rig.start()
    await rig.until(lambda: rig.due.reads == 1)
    began = asyncio.get_running_loop().time()
    rig.dispatcher.schedule(rig.due.wake_in("r1", 0.2))
    await rig.until(lambda: rig.runs.advances["r1"] == 1)
    ((_, moment),) = rig.runs.moments
    assert moment - began > 0.195


@pytest.mark.parametrize("runs", [1, 2, 5])
async def test_runs_of_before_the_clock_went_back_are_advanced_at_the_start(runs: int) -> None:
    rig = Rig(ahead=2)
    rig.due.ahead = [f"run{number}" for number in range(runs)]
    rig.start()
    await rig.until(lambda: len(rig.runs.advances) == runs)
    assert set(rig.runs.advances.values()) == {1}
    assert rig.due.writes == 1
    await rig.dispatcher.stop(1)


async def test_a_run_that_is_parked_while_the_first_look_begins_is_not_advanced_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parked_just_now(now: str, _limit: int, _after: str) -> list[DueRun]:
        return [DueRun("run1", "acme")] if stamp(rig.clock.now()) > now else []

    async def write(_unit: Callable[[Any], Any]) -> None:
        await asyncio.sleep(0.01)

    monkeypatch.setattr(rig.due, "write", write)
    monkeypatch.setattr(rig.due, "runs_ahead", parked_just_now)
    rig.start()
    await rig.until(lambda: rig.due.reads == 1)
    rig.dispatcher.schedule(stamp(rig.clock.now()))
    await rig.until(lambda: rig.due.reads == 2)
    assert not rig.runs.advances
    await rig.dispatcher.stop(1)


async def test_runs_are_looked_for_that_were_parked_before_the_clock_went_back(rig: Rig) -> None:
    rig.start()
    await rig.until(lambda: rig.due.reads == 1)
    rig.clock.start += timedelta(days=365)
    rig.dispatcher.submit(DueRun("other", "acme"))
    rig.clock.start -= timedelta(days=365)
    rig.due.ahead = ["run1"]
    rig.dispatcher.schedule(stamp(rig.clock.now()))
    await rig.until(lambda: rig.runs.advances["run1"] == 1)
    rig.dispatcher.schedule(stamp(rig.clock.now()))
    reads = rig.due.reads
    await rig.until(lambda: rig.due.reads > reads)
    assert rig.runs.advances["run1"] == 1
    await rig.dispatcher.stop(1)


async def test_waiting_for_a_far_moment_costs_no_looks(rig: Rig) -> None:
    rig.due.wake_in("r1", 3600)
    rig.start()
    await asyncio.sleep(0.3)
    assert rig.due.reads == 1


async def test_an_advance_that_fails_stops_neither_the_others_nor_the_run(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    rig.start()
    rig.runs.error = RuntimeError("boom")
    rig.dispatcher.submit(DueRun("r1", "acme"))
    await rig.dispatcher.settled("r1")
    rig.runs.error = None
    rig.dispatcher.submit(DueRun("r1", "acme"))
    await rig.dispatcher.settled("r1")
    assert rig.runs.advances["r1"] == 2
    assert "advancing run r1 failed" in caplog.text


@pytest.mark.parametrize("fault", [refuse("SERVICE_UNAVAILABLE", "Full."), ValueError("odd")])
async def test_looking_for_due_runs_goes_on_after_a_fault(
    rig: Rig, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.dispatch.sweeper._TROUBLE", 0.01)
    rig.due.faults.append(fault)
    rig.due.wake_in("r1", -1)
    rig.start()
    await rig.until(lambda: rig.runs.advances["r1"] == 1)


async def test_stopping_waits_for_runs_under_way_and_takes_no_more(rig: Rig) -> None:
    rig.start()
    rig.runs.hold.clear()
    rig.dispatcher.submit(DueRun("r1", "acme"))
    await rig.until(lambda: "r1" in rig.runs.now)
    stopping = asyncio.create_task(rig.dispatcher.stop(5))
    await asyncio.sleep(0.05)
    assert not stopping.done()
    rig.dispatcher.submit(DueRun("r2", "acme"))
    rig.runs.hold.set()
    await stopping
    assert (rig.runs.advances, rig.runs.cut) == (Counter({"r1": 1}), [])


async def test_stopping_cuts_what_takes_too_long(rig: Rig) -> None:
    rig.start()
    rig.runs.hold.clear()
    rig.dispatcher.submit(DueRun("r1", "acme"))
    await rig.until(lambda: "r1" in rig.runs.now)
    await rig.dispatcher.stop(0.05)
    assert rig.runs.cut == ["r1"]


# --- beside other processes

LATE = 0.5
SHARED = Pace(every=60.0, busy=0.2, late=LATE, jitter=0.0)
UNSWEPT = Pace(every=3600.0, busy=0.2, late=3600.0, jitter=0.0)
"""Nothing is found but by whoever keeps it in mind."""


@pytest.fixture
async def shared(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    made = Rig(pace=getattr(request, "param", SHARED))
    yield made
    made.runs.hold.set()
    await made.dispatcher.stop(1)


@pytest.mark.parametrize("shared", [UNSWEPT], indirect=True)
async def test_a_run_that_was_parked_here_goes_on_when_it_wants_to(shared: Rig) -> None:
    shared.start()
    loop = asyncio.get_running_loop()
    for name, rest in (("late", 0.2), ("soon", 0.05)):
        shared.runs.rests[name] = rest
        shared.dispatcher.submit(DueRun(name, "acme"))
    began = loop.time()
    await shared.until(lambda: shared.runs.advances["late"] == 2)
    (_, _, (first, early), (then, late)) = shared.runs.moments
    assert (first, then) == ("soon", "late")
    assert early - began >= 0.045
    assert late - began >= 0.195


async def test_what_others_parked_is_found_when_they_do_not_come(shared: Rig) -> None:
    began = asyncio.get_running_loop().time()
    shared.due.wake_in("elsewhere", 0.05)
    shared.start()
    await shared.until(lambda: shared.runs.advances["elsewhere"] == 1)
    ((_, moment),) = shared.runs.moments
    assert moment - began > LATE


async def test_no_more_runs_are_kept_in_mind_than_a_few_thousand(
    shared: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.dispatch.timers._MOST", 1)
    shared.start()
    for name in ("first", "second"):
        shared.runs.rests[name] = 0.05
        shared.dispatcher.submit(DueRun(name, "acme"))
    await shared.until(lambda: shared.runs.advances["second"] >= 1)
    await shared.until(lambda: shared.runs.advances["first"] == 2)
    if wanted := shared.due.wakes.get("second"):  # else it has been found by now
        shared.dispatcher.schedule(wanted)
    await shared.until(lambda: shared.runs.advances["second"] == 2)
    first, again = (moment for run_id, moment in shared.runs.moments if run_id == "second")
    assert again - first > LATE


async def test_a_run_has_one_timer_the_last_that_it_wanted(shared: Rig) -> None:
    loop = asyncio.get_running_loop()
    given: list[tuple[str, float]] = []
    timers = Timers(shared.clock, lambda run: given.append((run.run_id, loop.time() - began)))
    began, now = loop.time(), shared.clock.now()

    def at(seconds: float) -> str:
        return stamp(now + timedelta(seconds=seconds))

    one, other = DueRun("one", "acme"), DueRun("other", "acme", urgent=True)
    for wake_at in (at(0.02), at(0.02), at(0.3), at(0.15), at(0.15)):
        timers.add(one, wake_at)
    timers.add(other, at(0.1))
    timers.add(other, at(0.1))
    timers.add(DueRun("next", "acme"), at(0.25))
    timers.add(DueRun("far", "acme"), at(3600))
    timers.start()
    await shared.until(lambda: len(given) == 3)
    await asyncio.sleep(0.2)
    assert [run_id for run_id, _ in given] == ["other", "one", "next"]
    for (_, moment), wanted in zip(given, (0.1, 0.15, 0.25), strict=True):
        assert moment > wanted - 0.005
    timers.add(other, at(3600))  # who wants to rest for long is left to the sweeper
    assert not timers._runs
    await timers.stop()


async def test_the_record_is_not_looked_through_after_each_run() -> None:
    rig = Rig(max_runs=1, ahead=2, pace=Pace(every=60.0, busy=0.3))
    for number in range(40):
        rig.due.wake_in(f"r{number}", -1)
    rig.start()
    began = asyncio.get_running_loop().time()
    await rig.until(lambda: len(rig.runs.advances) >= 8)
    _, moment = rig.runs.moments[7]
    assert rig.runs.reads[7] - 2 <= (moment - began) / 0.3
    await rig.dispatcher.stop(1)


async def test_what_is_told_leaves_room_for_what_is_found() -> None:
    """A process that is always told of more than it has room for still finds what is due."""
    rig = Rig(max_runs=1, ahead=4, pace=Pace(every=0.02, busy=0.01))
    told = itertools.count()

    def tell() -> None:
        for workspace in ("acme", "initech"):
            rig.dispatcher.submit(DueRun(f"told{next(told)}", workspace))

    async def advancing(run_id: str, woken: asyncio.Event) -> str | None:
        tell()
        await asyncio.sleep(0.002)
        return await rig.runs.advance(run_id, woken)

    for _ in range(3):
        tell()
    rig.due.wake_in("found", -1)
    rig.dispatcher.start(advancing)
    await rig.until(lambda: rig.runs.advances["found"] == 1 or len(rig.runs.advances) > 300)
    assert rig.runs.advances["found"] == 1
    await rig.dispatcher.stop(1)


async def test_a_run_for_which_there_was_no_room_during_a_look_is_looked_for_again() -> None:
    rig = Rig(max_runs=1, ahead=4)
    read = rig.due.read

    async def slow(query: Callable[[Any], Any]) -> Any:
        found = await read(query)
        if rig.due.reads == 2:  # it has seen nothing of what comes now
            for name in ("one", "two", "missed"):  # a workspace gets half of the room
                rig.due.wake_in(name, 0)
                rig.dispatcher.submit(DueRun(name, "acme"))
        return found

    rig.due.read = slow  # type: ignore[method-assign] # a record that answers late
    rig.start()
    await rig.until(lambda: rig.due.reads == 1)
    rig.runs.hold.clear()
    rig.dispatcher.submit(DueRun("first", "initech"))
    rig.dispatcher.schedule(stamp(rig.clock.now()))
    await rig.until(lambda: rig.due.reads == 2)
    await asyncio.sleep(0)
    rig.runs.hold.set()
    async with asyncio.timeout(20):  # and not only once a minute
        await rig.until(lambda: rig.runs.advances["missed"] == 1)
    await rig.dispatcher.stop(1)


async def test_a_moment_that_is_asked_for_during_a_look_is_not_forgotten() -> None:
    rig = Rig()
    read = rig.due.read

    async def slow(query: Callable[[Any], Any]) -> Any:
        if rig.due.reads == 1:
            rig.due.wakes.clear()  # somebody else took it
        found = await read(query)
        if rig.due.reads == 2:  # it has seen nothing of what is parked now
            rig.dispatcher.schedule(rig.due.wake_in("parked", 0.05))
        return found

    rig.due.read = slow  # type: ignore[method-assign] # a record that answers late
    rig.due.wake_in("other", 0.1)
    rig.start()
    async with asyncio.timeout(20):  # and not only once a minute
        await rig.until(lambda: rig.runs.advances["parked"] == 1)
    await rig.dispatcher.stop(1)


async def test_what_came_while_the_record_was_late_is_begun_once_it_is_not() -> None:
    rig = Rig(max_runs=32)  # the record is looked through once a minute
    is_late = False
    rig.dispatcher.pool.is_late = lambda: is_late
    rig.start()
    rig.runs.hold.clear()
    for number in range(16):  # so many may be under way however late it is
        rig.dispatcher.submit(DueRun(f"long{number}", "acme"))
    is_late = True
    rig.dispatcher.submit(DueRun("later", "acme"))
    await rig.until(lambda: len(rig.runs.now) == 16)
    is_late = False
    async with asyncio.timeout(20):
        await rig.until(lambda: "later" in rig.runs.now)
    rig.runs.hold.set()
    await rig.dispatcher.stop(1)


async def test_moments_that_are_asked_for_during_looks_do_not_make_it_look_again_at_once(
    rig: Rig,
) -> None:
    """A busy process parks runs all the time: it would do nothing but look."""
    read = rig.due.read

    async def slow(query: Callable[[Any], Any]) -> Any:
        found = await read(query)
        await asyncio.sleep(0)
        rig.dispatcher.schedule(rig.due.wake_in(f"parked{rig.due.reads}", 3600))
        return found

    rig.due.read = slow  # type: ignore[method-assign] # a record that answers late
    rig.start()
    await rig.until(lambda: rig.due.reads > 0)
    for _ in range(200):
        await asyncio.sleep(0)
    assert rig.due.reads == 1
