"""Claims are kept while a run is advanced, given back at the end, and never written past."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.model import elapsed
from gateway.model.action import ActionCall, ActionOutcome, Answered
from gateway.model.execution import ExecutionStatus, StepStatus
from gateway.runtime.keeping import Held
from gateway.runtime.outcomes import MAX_ATTEMPTS
from tests.unit.runtime.loop_world import BUSY, LoopWorld, step

pytestmark = pytest.mark.anyio
LEASE = 30.0
SLOTS = 8


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[LoopWorld]:
    made = await LoopWorld.open(tmp_path)
    yield made
    await made.journal.close()


class Slow:
    """An action that answers when it is told to."""

    def __init__(self) -> None:
        self.begun, self.answer = asyncio.Event(), asyncio.Event()

    async def __call__(self, call: ActionCall) -> ActionOutcome:
        self.begun.set()
        await self.answer.wait()
        return Answered({"id": "1"})


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that passes, of which a test lets go by what it wants, as while a machine sleeps:
    its monotonic clock stands."""
    now = [1000.0]
    monkeypatch.setattr(elapsed.time, "monotonic", lambda: 1000.0)
    monkeypatch.setattr(elapsed.time, "clock_gettime", lambda _: now[0])
    return now


async def test_a_long_attempt_keeps_its_claim(world: LoopWorld, passing: list[float]) -> None:
    slow = Slow()
    world.actions.will("plain", slow)
    execution_id = await world.begin(step("a", "plain"))
    running = asyncio.create_task(world.advance(execution_id))
    await slow.begun.wait()
    run_id = (await world.execution(execution_id)).run_id or ""
    keeper = world.loop.runner.keeper
    for _ in range(5):
        passing[0] += LEASE / 2
        world.clock.forward(LEASE / 2)
        await keeper.renew()
        assert keeper.is_sure_of(run_id)
        other = await world.advance(execution_id, world.process())
        assert other is None
    slow.answer.set()
    await running
    assert (await world.execution(execution_id)).status is ExecutionStatus.COMPLETED
    assert len(world.actions.calls) == 1
    assert not keeper.is_sure_of(run_id)


@pytest.mark.parametrize("tried", [0, MAX_ATTEMPTS - 1])
async def test_an_attempt_whose_lease_is_over_is_not_sent(
    world: LoopWorld, passing: list[float], tried: int
) -> None:
    """A process that was stopped between the record of an attempt and its sending must not send,
    nor take that for the last try."""
    execution_id = await world.begin(step("a", "plain"))
    world.actions.will("plain", *[BUSY] * tried)
    for _ in range(tried):
        await world.advance(execution_id)
        world.clock.forward(60)
    run_id = (await world.execution(execution_id)).run_id or ""
    keeper, hold = world.loop.runner.keeper, world.loop.runner.keeper.hold

    def stalled(run_id: str, held: Held) -> None:
        hold(run_id, held)
        passing[0] += LEASE + 1

    keeper.hold = stalled  # type: ignore[method-assign] # what a stopped process looks like
    await world.advance(execution_id)

    assert len(world.actions.calls) == tried
    found = await world.step(execution_id, "a")
    assert (found.status, found.attempt) == (StepStatus.READY, tried + 1)
    assert found.problem is not None
    assert "lease" in found.problem["detail"]
    keeper.hold = hold  # type: ignore[method-assign] # it runs on
    world.clock.forward(1)
    await world.advance(execution_id)
    assert (await world.execution(execution_id)).status is ExecutionStatus.COMPLETED
    assert not keeper.is_sure_of(run_id)


async def test_a_wake_up_that_nobody_told_of_is_noticed(
    world: LoopWorld, passing: list[float]
) -> None:
    slow = Slow()
    world.actions.will("plain", slow)
    execution_id = await world.begin(step("a", "plain"))
    woken = asyncio.Event()
    run_id = (await world.execution(execution_id)).run_id or ""
    running = asyncio.create_task(world.loop.runner.advance(run_id, woken))
    await slow.begun.wait()
    await world.journal.write(lambda tx: tx.wake(run_id))
    passing[0] += LEASE / 2
    world.clock.forward(LEASE / 2)
    await world.loop.runner.keeper.renew()
    assert woken.is_set()
    slow.answer.set()
    await running


async def test_what_nobody_advances_is_given_back(world: LoopWorld, passing: list[float]) -> None:
    execution_id = await world.begin(step("a", "plain"))
    run_id = (await world.execution(execution_id)).run_id or ""
    keeper = world.loop.runner.keeper
    lease_until = "2026-03-01T09:30:01.000000Z"
    claim = await world.journal.write(lambda tx: tx.claim(run_id, keeper.owner, lease_until))
    assert claim is not None
    keeper.hold("run_other", Held(1, 1, asyncio.Event(), passing[0] - LEASE))
    await keeper.renew()
    held = await world.journal.read(lambda records: records.claim_of(run_id))
    assert held is not None
    assert held.owner == keeper.owner  # it may have been taken just now
    world.clock.forward(LEASE / 2)
    await keeper.renew()
    free = await world.journal.read(lambda records: records.claim_of(run_id))
    assert free is not None
    assert free.owner is None


async def test_whoever_leaves_starts_nothing_more_and_gives_the_run_to_the_next(
    world: LoopWorld,
) -> None:
    slow = Slow()
    world.actions.will("plain", slow)
    execution_id = await world.begin(step("a", "plain"), step("b", "safe", ["a"]))
    running = asyncio.create_task(world.advance(execution_id))
    await slow.begun.wait()
    world.loop.runner.leave()
    slow.answer.set()
    await running

    assert (await world.step(execution_id, "a")).status is StepStatus.COMPLETED
    assert (await world.step(execution_id, "b")).status is not StepStatus.COMPLETED
    now = await world.journal.write(lambda tx: tx.now)
    (due,) = await world.journal.read(lambda records: records.due_runs(now, 9))
    assert due.run_id == (await world.execution(execution_id)).run_id

    await world.advance(execution_id, world.process())
    assert (await world.execution(execution_id)).status is ExecutionStatus.COMPLETED


async def test_what_is_cut_off_is_given_back_at_once(world: LoopWorld) -> None:
    slow = Slow()
    world.actions.will("safe", slow)
    execution_id = await world.begin(step("a", "safe"))
    running = asyncio.create_task(world.advance(execution_id))
    await slow.begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await world.loop.runner.keeper.stop()

    world.clock.forward(0)
    await world.advance(execution_id, world.process())
    world.clock.forward(1)
    await world.advance(execution_id, world.process())
    assert (await world.execution(execution_id)).status is ExecutionStatus.COMPLETED


@pytest.mark.parametrize("tried", [0, MAX_ATTEMPTS - 1])
async def test_an_attempt_that_waits_to_be_sent_when_its_process_leaves_is_not(
    world: LoopWorld, tried: int
) -> None:
    """It was not sent: nobody has to look whether it had its effect, and it was no last try."""
    waiting = await world.begin(step("a", "plain"))
    world.actions.will("plain", *[BUSY] * tried)
    for _ in range(tried):
        await world.advance(waiting)
        world.clock.forward(60)
    slow = [Slow() for _ in range(SLOTS)]
    world.actions.will("safe", *slow)
    others = await world.begin(*(step(f"s{number}", "safe") for number in range(SLOTS)))
    running = asyncio.create_task(world.advance(others))
    for one in slow:
        await one.begun.wait()
    leaving = asyncio.create_task(world.advance(waiting))
    async with asyncio.timeout(10):
        while (await world.step(waiting, "a")).status is not StepStatus.DISPATCHED:  # noqa: ASYNC110 - the record has no event
            await asyncio.sleep(0.005)

    world.loop.runner.leave()

    async with asyncio.timeout(10):
        await leaving
    assert len(world.actions.made("plain")) == tried
    found = await world.step(waiting, "a")
    assert (found.status, found.attempt) == (StepStatus.READY, tried + 1)
    world.clock.forward(60)
    await world.advance(waiting, world.process())
    assert (await world.execution(waiting)).status is ExecutionStatus.COMPLETED
    for one in slow:
        one.answer.set()
    await running


async def test_a_run_that_is_cut_off_as_an_outcome_comes_is_cut_off(world: LoopWorld) -> None:
    slow, other = Slow(), Slow()
    world.actions.will("safe", slow, other)
    execution_id = await world.begin(step("a", "safe"), step("b", "safe"))
    running = asyncio.create_task(world.advance(execution_id))
    await slow.begun.wait()
    await other.begun.wait()
    slow.answer.set()
    for _ in range(1_000):
        if isinstance(running._fut_waiter, asyncio.Task):  # type: ignore[attr-defined] # of CPython
            break  # it waits for a task of its own that it has ended
        await asyncio.sleep(0)

    running.cancel()

    await asyncio.wait({running}, timeout=10)
    is_cut_off = running.cancelled()
    other.answer.set()
    await asyncio.gather(running, return_exceptions=True)
    assert is_cut_off
