"""A contract is callable only where it is offered, whichever door the call comes by."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from gateway.contracts import Bundle, LiveRegistry, Offer, Registry
from gateway.model.entry import EntryType
from gateway.model.problem import ProblemError
from gateway.pipeline import Call, Command, Query
from tests.unit.pipeline.desk import Desk
from tests.unit.runtime.loop_world import AGENT

pytestmark = pytest.mark.anyio

READ = "shop.read@1.0.0"
LOOK, BROUGHT = "shop.look@1.0.0", "shop.look@2.0.0"


def with_skill(desk: Desk) -> LiveRegistry:
    """The desk over a live registry that knows another version of its query."""
    live = LiveRegistry(desk.registry, desk.clock.now)
    look = desk.registry.operations[LOOK]
    brought = replace(look, meta=replace(look.meta, version="2.0.0"), digest="f" * 64)
    bundle = Bundle({BROUGHT: brought}, {}, ())
    live.learn(bundle)
    desk.pipeline.registry = live
    desk.pipeline.bindings[BROUGHT] = desk.pipeline.bindings[LOOK]
    live.offer("globex", [Offer(bundle)])
    return live


async def call(desk: Desk, ref: str, workspace: str) -> Any:
    contract = desk.pipeline.registry.operations[ref]
    who = structs.replace(AGENT, workspace=workspace)
    return await desk.pipeline.call(Call(contract, {"text": "x"}, who))


async def test_what_another_workspace_has_is_not_found_here(desk: Desk) -> None:
    live = with_skill(desk)
    assert (await call(desk, BROUGHT, "globex"))["id"]
    for workspace in ("acme", ""):
        with pytest.raises(ProblemError) as error:
            await call(desk, BROUGHT, workspace)
        assert error.value.problem.code == "NOT_FOUND"
    live.offer("globex", [])
    with pytest.raises(ProblemError):
        await call(desk, BROUGHT, "globex")
    assert (await call(desk, LOOK, "globex"))["id"]


async def test_a_query_of_a_skill_that_was_disabled_elsewhere_asks_nobody(desk: Desk) -> None:
    others = [one for ref, one in desk.registry.operations.items() if ref != READ]
    live = LiveRegistry(Registry(others), desk.clock.now)
    bundle = Bundle({READ: desk.registry.operations[READ]}, {}, ())
    live.learn(bundle)
    live.offer("acme", [Offer(bundle)])  # not noticed here: the record names no such skill
    desk.pipeline.registry = live
    contract = bundle.operations[READ]
    with pytest.raises(ProblemError) as error:
        await desk.pipeline.call(Call(contract, {"id": "x"}, AGENT))
    assert error.value.problem.code == "PRECONDITION_FAILED"
    assert desk.actions.calls == []


async def test_a_command_may_emit_less_than_all_that_its_contract_declares(desk: Desk) -> None:
    add = desk.pipeline.bindings["shop.add@1.0.0"]
    assert isinstance(add, Command)
    contract = desk.registry.operations["shop.add@1.0.0"]
    declaring = replace(contract, emits=("shop.never@1.0.0",))
    desk.pipeline.bindings["shop.add@1.0.0"] = replace(add, emits=())
    await desk.pipeline.call(Call(declaring, {"text": "x"}, AGENT))
    (done,) = await desk.entries(EntryType.CALL_COMPLETED)
    assert done.body["events"] == []


async def test_a_query_may_prepare_before_it_reads(desk: Desk) -> None:
    look = desk.pipeline.bindings[LOOK]
    assert isinstance(look, Query)
    seen = []

    async def prepare(admitted: Any) -> str:
        return f"prepared {admitted.value['text']}"

    def answer(admitted: Any, records: Any) -> Any:
        seen.append(admitted.prepared)
        return look.answer(admitted, records)

    desk.pipeline.bindings[LOOK] = Query(answer, prepare)
    await call(desk, LOOK, "acme")
    assert seen == ["prepared x"]
