"""Who may decide which requests: what the list says of it is what deciding does."""

import asyncio

import pytest

from gateway.journal import rebuild_matches
from gateway.model.action import Declined
from gateway.model.approval import ApprovalFilter, Decider
from gateway.model.entry import EntryType
from gateway.model.ports import Page, Records, Tx
from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import ProblemError
from gateway.model.time import stamp
from tests.unit.runtime.loop_world import (
    AGENT,
    FIONA,
    FRANK,
    OLGA,
    VERDICT,
    WORKSPACE,
    LoopWorld,
    person,
    step,
)

pytestmark = pytest.mark.anyio

HIGH = step("a", "cash", amount=500)
RULES = VERDICT.replace("assist, approver, 1, 1h, -", "assist, approver, 1, 1h, 10m:chief")
CARLA = person("carla", "chief")
ZOE = person("Zo\u00eb", "user", "approver")
PEOPLE = (
    FIONA,
    FRANK,
    OLGA,
    CARLA,
    AGENT,
    person("gus"),
    person("planner", "approver"),
    person("Planner", "approver"),
    person("FIONA", "approver"),
    ZOE,
    person("zoe\u0308", "approver"),
    person("zoe", "approver"),
    person("bot", "approver", kind=PrincipalType.SERVICE),
    person("fiona", "approver", workspace="beta"),
)


async def listed(world: LoopWorld, who: Principal) -> list[str]:
    """The executions whose requests are this person's to decide."""
    is_person = who.type is PrincipalType.HUMAN
    roles = world.loop.policies.roles(who) if is_person else frozenset()
    decider = Decider(who.subject, roles, stamp(world.clock.now()))
    which = ApprovalFilter(who.workspace, "pending", decider=decider)
    found, total = await world.journal.read(lambda records: records.approvals(which, Page(50)))
    assert len(found) == total
    return [approval.execution_id for approval in found]


async def told(world: LoopWorld, who: Principal, execution_id: str) -> bool:
    def query(records: Records) -> bool:
        execution = records.execution(who.workspace, execution_id)
        if execution is None:
            return False
        (found,) = [
            item
            for step in records.steps(execution.plan_id or "")
            if (item := records.approval(execution.id, step.id))
        ]
        now = stamp(world.clock.now())
        return world.loop.consent.may_approve(who, execution, found, now)

    return await world.journal.read(query)


async def tried(world: LoopWorld, who: Principal, execution_id: str) -> bool:
    """Whether approving succeeds; what it did is undone."""
    step_id = (await world.step(execution_id, "a")).id

    class UndoneError(Exception):
        pass

    def unit(tx: Tx) -> None:
        execution = tx.execution(who.workspace, execution_id)
        if execution is None:
            return
        world.loop.consent.approve(tx, execution, step_id, who, None)
        raise UndoneError

    try:
        await world.journal.write(unit)
    except UndoneError:
        return True
    except ProblemError:
        return False
    return False


async def test_the_list_shows_each_person_exactly_what_deciding_would_take(
    world: LoopWorld,
) -> None:
    await world.decide_by(RULES)
    runs = [await world.begin(HIGH, who=who) for who in (AGENT, FIONA, AGENT, AGENT, AGENT)]
    runs.append(await world.begin(step("a", "two")))  # two people
    runs.append(await world.begin(HIGH, who=ZOE))
    for run in runs:
        await world.advance(run)
    await world.approve(runs[2], "a")
    await world.reject(runs[3], "a")
    await world.cancel(runs[4])
    await world.approve(runs[5], "a", FRANK)
    met = set()
    for seconds in (0, 600, 3000):
        world.clock.forward(seconds)
        for run in runs:
            if seconds == 600:
                await world.advance(run)  # what is due escalates
        for who in PEOPLE:
            shown = await listed(world, who)
            for run in runs:
                expected = await tried(world, who, run)
                assert (run in shown) is expected, (seconds, who.subject, run)
                assert await told(world, who, run) is expected
                met.add((seconds, expected))
    assert met == {(0, True), (0, False), (600, True), (600, False), (3000, False)}


async def test_pages_of_what_is_mine_have_the_right_total(world: LoopWorld) -> None:
    runs = [await world.begin(HIGH, who=FIONA if n % 2 else AGENT) for n in range(6)]
    for run in runs:
        await world.advance(run)
    decider = Decider("fiona", world.loop.policies.roles(FIONA), stamp(world.clock.now()))
    which = ApprovalFilter(WORKSPACE, decider=decider)
    pages = [
        await world.journal.read(lambda records, page=page: records.approvals(which, page))
        for page in (Page(2), Page(2, 2), Page(2, 4))
    ]
    assert [total for _, total in pages] == [3, 3, 3]
    assert [item.execution_id for found, _ in pages for item in found] == runs[::2]


async def test_a_request_in_a_paused_run_can_be_decided(world: LoopWorld) -> None:
    execution_id = await world.begin(HIGH)
    await world.advance(execution_id)
    execution = await world.execution(execution_id)
    await world.journal.write(lambda tx: world.loop.operator.pause(tx, execution, "olga", None))
    assert await listed(world, FIONA) == [execution_id]
    assert await world.approve(execution_id, "a") == "approved"
    await world.advance(execution_id)
    assert world.actions.calls == []


# --- failings known of other systems


async def test_known_failing_an_approval_after_its_expiry(world: LoopWorld) -> None:
    """Also in the instant before anybody swept it up."""
    execution_id = await world.begin(HIGH)
    await world.advance(execution_id)
    world.clock.forward(3600)
    with pytest.raises(ProblemError, match="EXPIRED"):
        await world.approve(execution_id, "a")
    assert (await world.approval(execution_id, "a")).status.value == "pending"
    await world.advance(execution_id)
    assert await world.status(execution_id) == "expired"
    assert world.actions.calls == []


async def test_known_failing_one_decision_used_for_two_steps(world: LoopWorld) -> None:
    same = {**HIGH, "input": {"id": "x", "amount": 500}}
    execution_id = await world.begin(same, {**same, "key": "b"})
    await world.advance(execution_id)
    await world.approve(execution_id, "a")
    await world.advance(execution_id)
    assert len(world.actions.made("cash")) == 1
    assert (await world.step(execution_id, "b")).status.value == "waiting_approval"


async def test_known_failing_one_decision_used_for_two_executions(world: LoopWorld) -> None:
    first, second = await world.begin(HIGH), await world.begin(HIGH)
    await world.advance(first)
    await world.advance(second)
    steps = [await world.step(run, "a") for run in (first, second)]
    assert steps[0].id == steps[1].id  # one plan, two executions
    assert (await world.approval(first, "a")).digest != (await world.approval(second, "a")).digest
    await world.approve(first, "a")
    await world.advance(first)
    await world.advance(second)
    assert await world.status(second) == "waiting_approval"
    assert len(world.actions.made("cash")) == 1


async def test_known_failing_one_decision_used_for_two_rounds_of_attempts(
    world: LoopWorld,
) -> None:
    world.actions.will("cash", Declined("REFUSED", "No.", 409))
    execution_id = await world.begin(HIGH)
    await world.advance(execution_id)
    await world.approve(execution_id, "a")
    await world.advance(execution_id)
    assert await world.status(execution_id) == "failed"
    execution = await world.execution(execution_id)
    await world.journal.write(lambda tx: world.loop.operator.retry(tx, execution, "olga"))
    await world.advance(execution_id)
    assert await world.status(execution_id) == "waiting_approval"
    assert len(world.actions.made("cash")) == 1


async def test_known_failing_two_approvals_at_once_count_one_person_once(
    world: LoopWorld,
) -> None:
    execution_id = await world.begin(step("a", "two"))
    await world.advance(execution_id)
    answers = await asyncio.gather(
        *(world.approve(execution_id, "a") for _ in range(6)), return_exceptions=True
    )
    assert [answer for answer in answers if isinstance(answer, str)] == ["pending"]
    assert len(await world.entries(execution_id, EntryType.APPROVAL_VOTED)) == 1
    assert (await world.approval(execution_id, "a")).status.value == "pending"
    assert rebuild_matches(world.journal.path) == []
