"""Direct calls of action commands: executions of one step, answered once they settle."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.contracts import Registry
from gateway.dispatch import EmbeddedDispatcher
from gateway.model.action import Declined, Unknown
from gateway.model.entry import EntryType
from gateway.model.principal import Principal
from gateway.model.problem import Problem, ProblemError
from gateway.model.system import SystemClock
from gateway.operations import DirectCalls, bind, direct, require_handlers
from gateway.pipeline import Call, CallRecorder, Direct, Pipeline
from gateway.runtime import Loop
from tests.unit.runtime.loop_world import AGENT, FIONA, LoopWorld, person

pytestmark = pytest.mark.anyio

BUSY = Declined("BUSY", "It is busy.", 503, retryable=True, declared=True)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Door:
    """The governed call over a loop that is really dispatched."""

    def __init__(self, world: LoopWorld, pipeline: Pipeline, loop: Loop) -> None:
        self.world = world
        self.loop = loop
        self._pipeline = pipeline

    async def call(
        self, key: str, value: Any, idempotency_key: str | None = None, who: Principal = AGENT
    ) -> Any:
        contract = self.world.registry.operations[f"shop.{key}@1.0.0"]
        return await self._pipeline.call(Call(contract, value, who, idempotency_key))

    async def refused(self, *given: Any) -> Problem:
        with pytest.raises(ProblemError) as error:
            await self.call(*given)
        return error.value.problem


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    world = await LoopWorld.open(tmp_path)
    dispatcher = EmbeddedDispatcher(world.journal, SystemClock())
    world.dispatcher = dispatcher
    loop = world.loop = world.process()
    recorder = CallRecorder(world.journal, world.sealer, world.clock)
    calls = DirectCalls(loop, recorder)
    pipeline = Pipeline(
        registry=world.registry,
        policies=loop.policies,
        journal=world.journal,
        sealer=world.sealer,
        actions=world.actions,
        limiter=world.limiter,
        recorder=recorder,
        bindings=bind(loop),
        direct=Direct(calls.perform, calls.resume),
    )
    dispatcher.start(loop.runner.advance)
    yield Door(world, pipeline, loop)
    await dispatcher.stop(1)
    await world.journal.close()


async def test_an_autonomous_call_answers_with_its_output(door: Door) -> None:
    assert await door.call("keyed", {"id": "1", "amount": 5}) == {"id": "1"}
    (made,) = door.world.actions.calls
    trace = await door.world.entries(made.execution_id)
    assert [entry.type for entry in trace] == [
        EntryType.INTENT_RECEIVED,
        EntryType.PLAN_COMPILED,
        EntryType.PLAN_VERIFIED,
        EntryType.RUN_STARTED,
        EntryType.STEP_DISPATCHED,
        EntryType.STEP_COMPLETED,
        EntryType.RUN_ENDED,
    ]


async def test_a_call_that_needs_a_person_waits_and_can_be_resumed(door: Door) -> None:
    value = {"id": "1", "amount": 500}
    told = await door.refused("cash", value, "key-1")
    assert told.code == "APPROVAL_REQUIRED"
    execution_id = (told.extra or {})["executionId"]
    assert (await door.refused("cash", value, "key-1")).extra == told.extra
    assert (await door.refused("cash", {**value, "amount": 501}, "key-1")).code == "CONFLICT"
    assert await door.world.approve(execution_id, "call", FIONA) == "approved"
    assert await door.call("cash", value, "key-1") == {"id": "1"}
    assert len(door.world.actions.calls) == 1


async def test_a_blocked_call_is_forbidden_and_sends_nothing(door: Door) -> None:
    told = await door.refused("never", {"id": "1"}, "key-1")
    assert told.code == "FORBIDDEN"
    assert "executionId" in (told.extra or {})
    assert door.world.actions.calls == []


async def test_concurrent_calls_of_one_key_have_one_effect(door: Door) -> None:
    calls = [door.call("plain", {"id": "1"}, "key-1") for _ in range(10)]
    assert await asyncio.gather(*calls) == [{"id": "1"}] * 10
    assert len(door.world.actions.calls) == 1


async def test_a_call_counts_once_for_its_rate_limit(door: Door) -> None:
    assert await door.call("slow", {"id": "1"}) == {"id": "1"}
    assert (await door.refused("slow", {"id": "2"})).code == "RATE_LIMITED"
    other = person("somebody-else")
    assert await door.call("slow", {"id": "3"}, None, other) == {"id": "3"}


class Forward:
    """Lets the world's clock keep up with the real one, so that back-off is over in time."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            self._door.world.clock.forward(1)
            for run in await self._door.world.journal.read(
                lambda records: records.due_runs("9999", 10)
            ):
                self._door.loop.dispatcher.submit(run)


async def test_a_call_waits_while_its_step_is_tried_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct, "_LOOK", 0.02)
    door.world.actions.will("plain", BUSY, BUSY)
    async with Forward(door):
        assert await door.call("plain", {"id": "1"}) == {"id": "1"}
    assert len(door.world.actions.calls) == 3


async def test_a_call_that_takes_too_long_is_still_under_way_and_not_failed(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct, "_PATIENCE", 0.0)
    monkeypatch.setattr(direct, "_LOOK", 0.02)
    door.world.actions.will("plain", BUSY)
    told = await door.refused("plain", {"id": "1"}, "key-1")
    assert (told.code, told.retryable) == ("SERVICE_UNAVAILABLE", True)
    async with Forward(door):
        execution_id = (told.extra or {})["executionId"]
        while await door.world.status(execution_id) != "completed":  # noqa: ASYNC110 - the record has no event
            await asyncio.sleep(0.01)
    assert await door.call("plain", {"id": "1"}, "key-1") == {"id": "1"}


async def test_a_call_of_unknown_outcome_tells_so_and_is_not_retryable(door: Door) -> None:
    door.world.actions.will("plain", Unknown("The line was cut."))
    told = await door.refused("plain", {"id": "1"}, "key-1")
    assert (told.code, told.status, told.retryable) == ("OUTCOME_UNKNOWN", 502, False)
    assert (await door.refused("plain", {"id": "1"}, "key-1")).code == "OUTCOME_UNKNOWN"
    assert len(door.world.actions.calls) == 1


async def test_contracts_that_nobody_performs_are_all_named(door: Door) -> None:
    require_handlers(door.world.registry, {})  # each has a handler of its own
    bare = door.world.registry.operations["shop.plain@1.0.0"]
    other = replace(bare.meta, key="shop.other")
    two = [replace(bare, handler=None), replace(bare, handler=None, meta=other)]
    with pytest.raises(ProblemError) as refused:
        require_handlers(Registry(two), {})
    assert [issue.code for issue in refused.value.problem.issues] == [
        "CONTRACT_WITHOUT_HANDLER"
    ] * 2
