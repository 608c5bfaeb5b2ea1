"""Steps that wait for a rate limit, many of them for the same one."""

from pathlib import Path

import pytest

from gateway.model.entry import EntryType
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
