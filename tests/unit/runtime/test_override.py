"""Break-glass: one person lets a waiting step go, and nothing but a waiting step."""

import logging

import pytest

from gateway.journal import rebuild_matches
from gateway.model.entry import EntryType
from gateway.model.ports import Tx
from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import ProblemError
from tests.unit.runtime.loop_world import (
    AGENT,
    FIONA,
    OLGA,
    VERDICT,
    WORKSPACE,
    LoopWorld,
    person,
    step,
)

pytestmark = pytest.mark.anyio

BETTY = person("betty", "break-glass")
OTHER_RULE = VERDICT.replace("shop.two, *, true", "shop.two, *, has(id)")


async def override(
    world: LoopWorld, execution_id: str, who: Principal = BETTY, read: str | None = None
) -> str:
    step_id = (await world.step(execution_id, "a")).id

    def unit(tx: Tx) -> str:
        execution = tx.execution(WORKSPACE, execution_id)
        assert execution is not None
        told = (execution, step_id, who, "The house is on fire.", read)
        return world.loop.override.use(tx, *told).id

    return await world.journal.write(unit)


async def asked(world: LoopWorld, who: Principal = AGENT) -> str:
    execution_id = await world.begin(step("a", "two"), who=who)
    await world.advance(execution_id)
    return execution_id


async def refusal(world: LoopWorld, execution_id: str, who: Principal = BETTY) -> tuple[str, str]:
    before = await world.entries(execution_id)
    with pytest.raises(ProblemError) as refused:
        await override(world, execution_id, who)
    assert await world.entries(execution_id) == before
    return refused.value.problem.code, refused.value.problem.detail


async def test_one_person_overrides_role_quorum_and_separation_of_duties(
    world: LoopWorld, caplog: pytest.LogCaptureFixture
) -> None:
    execution_id = await asked(world, BETTY)
    with caplog.at_level(logging.WARNING, "gateway.runtime.override"):
        approval_id = await override(world, execution_id)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
    (sent,) = await world.entries(execution_id, EntryType.STEP_DISPATCHED)
    assert sent.body["approvalId"] == approval_id
    (marked,) = await world.entries(execution_id, EntryType.APPROVAL_OVERRIDDEN)
    assert (marked.actor, marked.body["reason"]) == ("betty", "The house is on fire.")
    found = await world.approval(execution_id, "a")
    assert found.status.value == "used"
    assert found.overridden == {
        "by": "betty",
        "at": marked.at,
        "reason": "The house is on fire.",
    }
    (record,) = (one for one in caplog.records if one.name == "gateway.runtime.override")
    assert execution_id in record.message
    assert "betty" not in record.message
    assert "fire" not in record.message
    assert rebuild_matches(world.journal.path) == []


@pytest.mark.parametrize(
    ("who", "told"),
    [
        (FIONA, "'break-glass'"),
        (OLGA, "'break-glass'"),
        (person("bot", "break-glass", kind=PrincipalType.AGENT), "Only people"),
    ],
)
async def test_who_may_not_break_the_glass(world: LoopWorld, who: Principal, told: str) -> None:
    execution_id = await asked(world)
    code, detail = await refusal(world, execution_id, who)
    assert code == "FORBIDDEN"
    assert told in detail


async def test_only_a_step_that_waits_is_overridden(world: LoopWorld) -> None:
    running = await world.begin(step("a", "plain"))
    assert (await refusal(world, running))[0] == "CONFLICT"
    blocked = await world.verify(await world.compile([step("a", "never")]))
    assert (await refusal(world, blocked.id))[0] == "CONFLICT"
    late = await asked(world)
    world.clock.forward(3600)
    assert "EXPIRED" in (await refusal(world, late))[1]
    decided = await asked(world)
    await override(world, decided)
    assert "APPROVED" in (await refusal(world, decided))[1]


async def test_a_change_of_policy_voids_an_override(world: LoopWorld) -> None:
    execution_id = await asked(world)
    await override(world, execution_id)
    await world.decide_by(OTHER_RULE)
    await world.advance(execution_id)
    assert world.actions.calls == []
    assert await world.status(execution_id) == "waiting_approval"
    (voided,) = await world.entries(execution_id, EntryType.APPROVAL_VOIDED)
    assert "the policy rule (now verdict.csv:1)" in voided.body["reason"]


async def test_an_override_that_was_not_used_in_time_is_over(world: LoopWorld) -> None:
    execution_id = await asked(world)
    await override(world, execution_id)
    world.clock.forward(3600)
    await world.advance(execution_id)
    assert world.actions.calls == []
    assert await world.status(execution_id) == "waiting_approval"


async def test_what_was_asked_anew_is_not_overridden_unread(world: LoopWorld) -> None:
    execution_id = await asked(world)
    read = (await world.approval(execution_id, "a")).id
    await world.decide_by(OTHER_RULE)
    await world.advance(execution_id)
    with pytest.raises(ProblemError) as refused:
        await override(world, execution_id, read=read)
    assert refused.value.problem.code == "CONFLICT"
    anew = (await world.approval(execution_id, "a")).id
    assert await override(world, execution_id, read=anew) == anew
