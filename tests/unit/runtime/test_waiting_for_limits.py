"""Steps that wait for a rate limit, many of them for the same one."""

from pathlib import Path

import pytest

from gateway.model.action import ActionOutcome, Declined, Unknown
from gateway.model.entry import EntryType
from gateway.model.execution import StepStatus
from gateway.model.problem import ProblemError
from gateway.model.time import parse
from tests.unit.runtime import loop_world
from tests.unit.runtime.loop_world import AGENT, LoopWorld, contract, step

pytestmark = pytest.mark.anyio

RPM = 60
STEPS = 20
OFTEN = contract(
    "often",
    "input: {id: ID!}\noutput: {id: ID!}\n"
    f"policy: {{auth: user, rateLimit: {{rpm: {RPM}, key: user}}}}\n",
    keyed=True,
)


async def test_those_that_wait_for_one_limit_do_not_all_look_whenever_one_may_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(loop_world.FILES, "often.yaml", OFTEN)
    world = await LoopWorld.open(tmp_path)
    often = world.registry.operations["shop.often@1.0.0"]
    for _ in range(RPM):
        await world.limiter.take(often, AGENT)
    execution_id = await world.begin(*[step(f"s{index}", "often") for index in range(STEPS)])
    seconds = 0
    while await world.advance(execution_id) is not None:
        world.clock.forward(1)
        seconds += 1
    assert await world.status(execution_id) == "completed"
    assert seconds < 2 * STEPS
    looks = await world.entries(execution_id, EntryType.STEP_RETRYING)
    assert len(looks) < 5 * STEPS
    await world.journal.close()


@pytest.mark.parametrize(
    "asks",
    [
        Declined("RATE_LIMITED", "Too many calls.", 429, retryable=True, retry_after=50.0),
        Unknown("The service failed.", retry_after=50.0),
    ],
)
async def test_how_long_a_service_asked_to_be_left_alone_does_not_prolong_the_wait_for_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asks: ActionOutcome
) -> None:
    monkeypatch.setitem(loop_world.FILES, "often.yaml", OFTEN)
    world = await LoopWorld.open(tmp_path)
    often = world.registry.operations["shop.often@1.0.0"]
    world.actions.will("often", asks)
    execution_id = await world.begin(step("a", "often"))
    await world.advance(execution_id)
    world.clock.forward(50)
    for _ in range(3):
        for _ in range(RPM):
            try:
                await world.limiter.take(often, AGENT)
            except ProblemError:
                break
        await world.advance(execution_id)
        found = await world.step(execution_id, "a")
        world.clock.forward((parse(found.retry_at or "") - parse(found.updated_at)).total_seconds())
    waits = [
        (parse(entry.body["retryAt"]) - parse(entry.at)).total_seconds()
        for entry in await world.entries(execution_id, EntryType.STEP_RETRYING)
    ]
    assert waits == [50.0, 1.0, 2.0, 4.0]
    await world.advance(execution_id)
    assert (await world.step(execution_id, "a")).status is StepStatus.COMPLETED
    await world.journal.close()
