"""A process that has not noticed yet what another one installed."""

import asyncio

import pytest

from gateway.model.tasks import cancelled
from tests.unit.runtime.loop_world import Gated, LoopWorld, step
from tests.unit.runtime.skilled_world import Worker, install

pytestmark = pytest.mark.anyio


async def test_a_run_waits_until_the_skill_that_it_needs_is_known_here(world: LoopWorld) -> None:
    worker = Worker(world)
    await install(world, worker.bundle)
    execution_id = await world.begin(step("a", "read"), step("b", "keyed", ["a"]))
    for _ in range(3):
        assert await world.advance(execution_id, worker.loop) is not None
        assert await world.status(execution_id) == "running"
        world.clock.forward(0.25)
    assert world.actions.calls == []
    worker.takes_up()
    assert await world.advance(execution_id, worker.loop) is None
    assert await world.status(execution_id) == "completed"
    assert len(world.actions.made("keyed")) == 1


async def test_what_a_lost_attempt_was_of_is_known_before_it_is_judged(world: LoopWorld) -> None:
    worker = Worker(world)
    await install(world, worker.bundle)
    answer = Gated()
    world.actions.will("keyed", answer)
    execution_id = await world.begin(step("a", "keyed"))
    dying = asyncio.create_task(world.advance(execution_id))
    await answer.begun.wait()
    await cancelled(dying)
    world.clock.forward(60)
    await world.advance(execution_id, worker.loop)
    assert (await world.step(execution_id, "a")).status.value == "dispatched"
    worker.takes_up()
    world.clock.forward(60)
    await world.advance(execution_id, worker.loop)
    world.clock.forward(60)
    await world.advance(execution_id, worker.loop)
    assert await world.status(execution_id) == "completed"


async def test_a_run_does_not_wait_for_what_was_looked_at_in_vain(world: LoopWorld) -> None:
    worker = Worker(world)
    await install(world, worker.bundle)
    execution_id = await world.begin(step("a", "keyed"))
    worker.live.took_up("skill_1")
    await world.advance(execution_id, worker.loop)
    assert await world.status(execution_id) == "failed"
    told = (await world.execution(execution_id)).problem or {}
    assert told["code"] == "PRECONDITION_FAILED"


async def test_a_contract_that_no_skill_brings_is_not_waited_for(world: LoopWorld) -> None:
    worker = Worker(world)
    execution_id = await world.begin(step("a", "keyed"))
    await world.advance(execution_id, worker.loop)
    assert await world.status(execution_id) == "failed"
