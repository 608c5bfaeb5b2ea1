"""Runs that are under way when a gateway starts again with other contract files."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.contracts import Registry
from gateway.model.contract import Kind
from gateway.model.problem import ProblemError
from gateway.model.tasks import cancelled
from gateway.model.types import parse_type
from gateway.runtime import Loop
from tests.unit.runtime.loop_world import Gated, LoopWorld, step

pytestmark = pytest.mark.anyio

PLAIN = "shop.plain@1.0.0"


async def begun(world: LoopWorld) -> str:
    """A run whose process dies while it waits for the answer to a command."""
    answer = Gated()
    world.actions.will("plain", answer)
    execution_id = await world.begin(step("a", "plain"))
    dying = asyncio.create_task(world.advance(execution_id))
    await answer.begun.wait()
    await cancelled(dying)
    world.clock.forward(60)
    return execution_id


def changed(world: LoopWorld, **parts: Any) -> Loop:
    """The process that starts with another content of the command's file."""
    known = dict(world.registry.operations)
    known[PLAIN] = replace(known[PLAIN], digest="f" * 64, **parts)
    world.registry = Registry(known.values(), world.registry.events.values())
    return world.process()


async def test_a_lost_attempt_is_judged_by_the_contract_that_it_was_made_under(
    world: LoopWorld,
) -> None:
    execution_id = await begun(world)
    later = changed(world, kind=Kind.QUERY)
    await world.advance(execution_id, later)
    assert (await world.step(execution_id, "a")).status.value == "unresolved"
    assert len(world.actions.calls) == 1


async def test_what_an_operator_found_is_not_held_against_another_contract(
    world: LoopWorld,
) -> None:
    execution_id = await begun(world)
    await world.advance(execution_id)
    assert (await world.step(execution_id, "a")).status.value == "unresolved"
    output = world.registry.operations[PLAIN].output
    world.loop = changed(world, output={**output, "more": parse_type("ID")})
    with pytest.raises(ProblemError) as refused:
        await world.reconcile(execution_id, "a", "done", id="a")
    assert refused.value.problem.code == "PRECONDITION_FAILED"
    assert await world.reconcile(execution_id, "a", "failed") == "failed"
