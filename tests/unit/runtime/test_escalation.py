"""Escalation: after a deadline, holders of another role may decide a request too."""

import asyncio

import pytest

from gateway.journal import rebuild_matches
from gateway.model.action import ActionCall, Answered
from gateway.model.entry import EntryType
from gateway.model.execution import Execution
from gateway.model.ports import Tx
from gateway.model.principal import Principal
from gateway.model.problem import ProblemError
from tests.unit.runtime.loop_world import FIONA, VERDICT, LoopWorld, person, step

pytestmark = pytest.mark.anyio

HIGH = step("a", "cash", amount=500)
RULES = VERDICT.replace(
    "amount > 100, assist, approver, 1, 1h, -", "amount > 100, assist, approver, 1, 1h, 10m:chief"
)
CARLA = person("carla", "chief")
DEADLINE = "2026-03-01T09:40:00.000000Z"
EXPIRY = "2026-03-01T10:30:00.000000Z"


async def asked(world: LoopWorld) -> str:
    await world.decide_by(RULES)
    execution_id = await world.begin(HIGH)
    assert await world.advance(execution_id) == DEADLINE
    return execution_id


async def refused(world: LoopWorld, execution_id: str) -> str:
    with pytest.raises(ProblemError) as told:
        await world.approve(execution_id, "a", CARLA)
    return told.value.problem.detail


async def test_before_the_deadline_only_the_approvers_decide(world: LoopWorld) -> None:
    execution_id = await asked(world)
    assert "'approver'" in await refused(world, execution_id)
    world.clock.forward(600)  # it is due, and not recorded yet
    assert "'approver'" in await refused(world, execution_id)
    found = await world.approval(execution_id, "a")
    assert (found.escalate_at, found.escalate_to, found.escalated_at) == (DEADLINE, "chief", None)


@pytest.mark.parametrize(("who", "role"), [(CARLA, "chief"), (FIONA, "approver")])
async def test_from_the_deadline_on_either_role_decides(
    world: LoopWorld, who: Principal, role: str
) -> None:
    execution_id = await asked(world)
    world.clock.forward(600)
    assert await world.advance(execution_id) == EXPIRY
    assert (await world.approval(execution_id, "a")).escalated_at == DEADLINE
    (escalated,) = await world.entries(execution_id, EntryType.APPROVAL_ESCALATED)
    assert escalated.body["role"] == "chief"
    assert "chief" in escalated.body["reason"]
    assert await world.approve(execution_id, "a", who) == "approved"
    (voted,) = await world.entries(execution_id, EntryType.APPROVAL_VOTED)
    assert voted.body["role"] == role
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"


async def test_it_escalates_once_and_says_so_after_a_restart_too(world: LoopWorld) -> None:
    execution_id = await asked(world)
    world.clock.forward(900)
    again = world.process()
    await world.advance(execution_id, again)
    await world.advance(execution_id, again)
    assert len(await world.entries(execution_id, EntryType.APPROVAL_ESCALATED)) == 1
    assert rebuild_matches(world.journal.path) == []


async def test_somebody_with_neither_role_does_not_decide(world: LoopWorld) -> None:
    execution_id = await asked(world)
    world.clock.forward(600)
    await world.advance(execution_id)
    with pytest.raises(ProblemError) as told:
        await world.approve(execution_id, "a", person("gus"))
    assert "'approver' or 'chief'" in told.value.problem.detail
    assert await world.reject(execution_id, "a", CARLA) == "rejected"


async def test_an_escalated_request_expires_on_time(world: LoopWorld) -> None:
    execution_id = await asked(world)
    world.clock.forward(3600)  # past both
    await world.advance(execution_id)
    assert await world.status(execution_id) == "expired"
    assert await world.entries(execution_id, EntryType.APPROVAL_ESCALATED) == []


async def test_a_request_that_is_decided_does_not_escalate(world: LoopWorld) -> None:
    execution_id = await asked(world)
    await world.approve(execution_id, "a")
    world.clock.forward(600)
    await world.advance(execution_id)
    assert await world.entries(execution_id, EntryType.APPROVAL_ESCALATED) == []


async def test_another_escalation_makes_another_request(world: LoopWorld) -> None:
    execution_id = await asked(world)
    await world.decide_by(RULES.replace("10m:chief", "20m:chief"))
    await world.advance(execution_id)
    (voided,) = await world.entries(execution_id, EntryType.APPROVAL_VOIDED)
    assert "before it escalates (it was 10 minutes, now 20 minutes)" in voided.body["reason"]
    assert (await world.approval(execution_id, "a")).escalate_at == "2026-03-01T09:50:00.000000Z"


async def test_a_paused_run_escalates_all_the_same(world: LoopWorld) -> None:
    execution_id = await asked(world)

    def pause(tx: Tx) -> Execution | None:
        execution = tx.execution("acme", execution_id)
        assert execution is not None
        world.loop.operator.pause(tx, execution, "olga", None)
        return execution

    await world.journal.write(pause)
    assert await world.advance(execution_id) == DEADLINE
    world.clock.forward(600)
    assert await world.advance(execution_id) == EXPIRY
    assert (await world.approval(execution_id, "a")).escalated_at == DEADLINE


async def recorded(world: LoopWorld, execution_id: str, kind: EntryType) -> None:
    """Wait until there is an entry of this kind."""
    while True:
        end = await world.journal.read(lambda records: records.last_position())
        if await world.entries(execution_id, kind):
            return
        await world.journal.moved(end)


async def test_a_short_deadline_is_kept_while_another_step_is_in_flight(world: LoopWorld) -> None:
    await world.decide_by(RULES.replace("1h, 10m:chief", "2s, 1s:chief"))
    go = asyncio.Event()

    async def slow(call: ActionCall) -> Answered:
        world.clock.forward(1)
        await go.wait()
        return Answered({"id": call.input["id"]})

    world.actions.will("plain", slow)
    execution_id = await world.begin(HIGH, step("b", "plain"))
    running = asyncio.create_task(world.advance(execution_id))
    async with asyncio.timeout(25):
        await recorded(world, execution_id, EntryType.APPROVAL_ESCALATED)
        world.clock.forward(1)
        await recorded(world, execution_id, EntryType.APPROVAL_EXPIRED)
    assert not running.done()
    go.set()
    await running
    assert await world.status(execution_id) == "expired"
