"""What is explained of a step: the last that policy said of it, also where that was no verdict."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.contracts import Registry
from gateway.operations import audit
from gateway.pipeline import Admitted, Call
from tests.unit.runtime.loop_world import OLGA, POLICIES, VERDICT, LoopWorld, step

pytestmark = pytest.mark.anyio

ACCESS = (POLICIES / "access.csv").read_text()
DENIED = "p, user:agent-7, *, shop.cash, call, deny\n"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[LoopWorld]:
    made = await LoopWorld.open(tmp_path)
    yield made
    await made.journal.close()


async def explained(world: LoopWorld, execution_id: str, key: str) -> dict[str, Any]:
    contract = world.registry.operations["shop.read@1.0.0"]
    access = world.loop.policies.access(OLGA, contract)
    value = {"executionId": execution_id, "stepId": (await world.step(execution_id, key)).id}
    asked = Admitted(Call(contract, value, OLGA), value, access)
    return await world.journal.read(lambda records: audit.explain(world.loop, asked, records))


async def test_a_step_that_was_stopped_because_its_requester_lost_access_is_explained_so(
    world: LoopWorld,
) -> None:
    execution_id = await world.begin(step("a", "plain"), step("b", "cash", ["a"], amount=500))
    assert (await explained(world, execution_id, "b"))["verdict"] == "ASSIST"
    await world.advance(execution_id)
    assert (await explained(world, execution_id, "b"))["verdict"] == "ASSIST"
    policies = await world.decide_by(VERDICT, access=ACCESS + DENIED)
    await world.advance(execution_id)
    stopped = await world.step(execution_id, "b")
    assert (stopped.status.value, (stopped.problem or {})["code"]) == ("failed", "FORBIDDEN")
    assert await explained(world, execution_id, "b") == {
        "verdict": "BLOCKED",
        "riskTier": "HIGH",
        "reasons": [(stopped.problem or {})["detail"]],
        "policyVersion": policies.revision,
    }
    assert (await explained(world, execution_id, "a"))["verdict"] == "AUTONOMOUS"


async def test_a_step_that_something_else_stopped_is_explained_by_what_policy_said_of_it(
    world: LoopWorld,
) -> None:
    execution_id = await world.begin(step("a", "cash", amount=500))
    known = dict(world.registry.operations)
    changed = replace(known["shop.cash@1.0.0"], digest="f" * 64)
    known[changed.ref] = changed
    world.registry = Registry(known.values(), world.registry.events.values())
    world.loop = world.process()
    await world.advance(execution_id)
    stopped = await world.step(execution_id, "a")
    assert (stopped.problem or {})["code"] == "PRECONDITION_FAILED"
    assert (await explained(world, execution_id, "a"))["verdict"] == "ASSIST"
