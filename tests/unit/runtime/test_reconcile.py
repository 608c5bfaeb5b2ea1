"""Reconciling: an operator settles what nobody else can know."""

import asyncio

import pytest

from gateway.journal import rebuild_matches
from gateway.model.action import Answered
from gateway.model.entry import EntryType
from gateway.model.execution import StepStatus
from gateway.model.problem import ProblemError
from tests.unit.runtime.loop_world import (
    BUSY,
    REFUSED,
    SILENCE,
    Gated,
    LoopWorld,
    step,
    until,
)

pytestmark = pytest.mark.anyio


async def unresolved(world: LoopWorld, *more: dict[str, object], name: str = "plain") -> str:
    world.actions.will(name, *[SILENCE] * 4)
    execution_id = await world.begin(step("a", name), *more)
    for _ in range(5):
        await world.advance(execution_id)
        world.clock.forward(20)
    assert (await world.step(execution_id, "a")).status is StepStatus.UNRESOLVED
    return execution_id


async def refused(world: LoopWorld, *given: object, **output: object) -> ProblemError:
    with pytest.raises(ProblemError) as found:
        await world.reconcile(*given, **output)  # type: ignore[arg-type] # as reconcile takes them
    return found.value


async def test_done_lets_the_run_go_on_with_the_output(world: LoopWorld) -> None:
    execution_id = await unresolved(world, step("b", "read", ["a"]))
    assert await world.reconcile(execution_id, "a", "done", id="by hand") == "completed"
    assert await world.status(execution_id) == "running"
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
    done = await world.step(execution_id, "a")
    assert (done.output, done.problem, done.ended_at is not None) == ({"id": "by hand"}, None, True)
    (entry,) = await world.entries(execution_id, EntryType.STEP_RECONCILED)
    assert (entry.actor, entry.body["note"], entry.body["outcome"]) == ("olga", "I looked.", "done")
    assert rebuild_matches(world.journal.path) == []


async def test_an_output_flows_into_later_steps_of_a_run_that_is_being_advanced(
    world: LoopWorld,
) -> None:
    slow = Gated()
    world.actions.will("plain", SILENCE)
    world.actions.will("safe", slow)
    execution_id = await world.begin(
        step("a", "plain"), step("b", "safe"), step("c", "keyed", ["b"], extra={"$from": "a.id"})
    )
    running = asyncio.create_task(world.advance(execution_id))
    await slow.begun.wait()
    await until(world, execution_id, "a", StepStatus.UNRESOLVED)
    await world.reconcile(execution_id, "a", "done", id="by hand")
    slow.go.set()
    await running
    assert world.actions.made("keyed")[0].input["extra"] == "by hand"
    assert await world.status(execution_id) == "completed"


async def test_the_personal_data_of_an_output_is_sealed_and_events_are_built(
    world: LoopWorld,
) -> None:
    execution_id = await unresolved(world, name="keyed")
    await world.reconcile(execution_id, "a", "done", attempt=4, id="x")
    (entry,) = await world.entries(execution_id, EntryType.STEP_RECONCILED)
    assert entry.body["events"] == [{"event": "shop.keyed.done@1.0.0", "payload": {"id": "x"}}]
    secret = {"$sealed": ["planted"]}
    other = await unresolved(world, name="book")
    told = await refused(world, other, "a", "done", 4, id="x", extra=secret)
    assert told.problem.code == "VALIDATION_FAILED"


async def test_failed_ends_the_run_with_what_the_operator_wrote(world: LoopWorld) -> None:
    execution_id = await unresolved(world)
    assert await world.reconcile(execution_id, "a", "failed") == "failed"
    await world.advance(execution_id)
    found = await world.execution(execution_id)
    assert (found.status.value, (found.problem or {})["code"]) == ("failed", "RECONCILED_FAILED")
    assert "I looked." in (found.problem or {})["detail"]
    await world.operate("retry", execution_id)
    await world.advance(execution_id)
    assert len({call.idempotency_key for call in world.actions.calls}) == 2


@pytest.mark.parametrize("name", ["plain", "keyed"])
async def test_repeat_sends_it_again_with_the_same_key(world: LoopWorld, name: str) -> None:
    execution_id = await unresolved(world, name=name)
    before = await world.step(execution_id, "a")
    world.actions.script.clear()
    await world.reconcile(execution_id, "a", "repeat", before.attempt)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
    after = await world.step(execution_id, "a")
    assert (after.attempt, after.base) == (before.attempt + 1, before.attempt)
    assert len({call.idempotency_key for call in world.actions.calls}) == 1


async def test_a_refused_repeat_leaves_the_doubt(world: LoopWorld) -> None:
    world.actions.will("plain", Answered({"other": 1}), BUSY, REFUSED)
    execution_id = await world.begin(step("a", "plain"))
    await world.advance(execution_id)
    await world.reconcile(execution_id, "a", "repeat")
    await world.advance(execution_id)
    world.clock.forward(1)
    await world.advance(execution_id)
    assert (await world.step(execution_id, "a")).status is StepStatus.UNRESOLVED
    assert await world.status(execution_id) == "unresolved"


async def test_a_repeat_asks_for_consent_again(world: LoopWorld) -> None:
    world.actions.will("cash", *[SILENCE] * 4)
    execution_id = await world.begin(step("a", "cash", amount=500))
    await world.advance(execution_id)
    await world.approve(execution_id, "a")
    for _ in range(5):
        await world.advance(execution_id)
        world.clock.forward(60)
    await world.reconcile(execution_id, "a", "repeat", attempt=4)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "waiting_approval"
    assert len(world.actions.calls) == 4


async def test_a_paused_run_stays_paused(world: LoopWorld) -> None:
    world.actions.will("plain", SILENCE)
    execution_id = await world.begin(step("a", "plain"), step("b", "cash", amount=500))
    await world.advance(execution_id)
    await world.operate("pause", execution_id, "")
    await world.reconcile(execution_id, "a", "repeat")
    await world.advance(execution_id)
    assert await world.status(execution_id) == "paused"
    assert len(world.actions.made("plain")) == 1
    await world.operate("resume", execution_id)
    await world.advance(execution_id)
    assert len(world.actions.made("plain")) == 2


@pytest.mark.parametrize(("outcome", "status"), [("done", "completed"), ("failed", "failed")])
@pytest.mark.parametrize("end", ["cancel", "abort"])
async def test_a_run_that_ended_stays_as_it_ended(
    world: LoopWorld, end: str, outcome: str, status: str
) -> None:
    execution_id = await unresolved(world)
    await world.operate(end, execution_id, "")
    before = await world.execution(execution_id)
    output = {"id": "x"} if outcome == "done" else {}
    assert await world.reconcile(execution_id, "a", outcome, **output) == status
    await world.advance(execution_id)
    after = await world.execution(execution_id)
    assert (after.status, after.ended_at) == (before.status, before.ended_at)
    told = await refused(world, execution_id, "a", "failed")
    assert status.upper() in told.problem.detail


@pytest.mark.parametrize("end", ["cancel", "abort", "fail"])
async def test_nothing_is_repeated_on_a_run_that_ended(world: LoopWorld, end: str) -> None:
    if end == "fail":
        world.actions.will("keyed", REFUSED)
        world.actions.will("plain", SILENCE)
        execution_id = await world.begin(step("a", "plain"), step("b", "keyed"))
        await world.advance(execution_id)
        assert await world.status(execution_id) == "failed"
    else:
        execution_id = await unresolved(world)
        await world.operate(end, execution_id, "")
    told = await refused(world, execution_id, "a", "repeat")
    assert (told.problem.code, "retry" in told.problem.detail) == ("CONFLICT", True)


async def test_another_attempt_than_the_present_one_is_a_conflict(world: LoopWorld) -> None:
    execution_id = await unresolved(world)
    world.actions.script.clear()
    world.actions.will("plain", SILENCE)
    await world.reconcile(execution_id, "a", "repeat")
    await world.advance(execution_id)
    told = await refused(world, execution_id, "a", "failed", 1)
    assert "UNRESOLVED at attempt 2" in told.problem.detail
    assert await world.reconcile(execution_id, "a", "failed", 2) == "failed"


async def test_of_two_operators_one_settles_and_the_other_is_told(world: LoopWorld) -> None:
    execution_id = await unresolved(world)
    results = await asyncio.gather(
        world.reconcile(execution_id, "a", "done", id="x"),
        world.reconcile(execution_id, "a", "failed"),
        world.reconcile(execution_id, "a", "repeat"),
        return_exceptions=True,
    )
    told = [result for result in results if isinstance(result, ProblemError)]
    assert {error.problem.code for error in told} == {"CONFLICT"}
    assert len(told) == 2
    assert len(await world.entries(execution_id, EntryType.STEP_RECONCILED)) == 1


async def test_an_attempt_under_way_is_not_reconciled(world: LoopWorld) -> None:
    slow = Gated()
    world.actions.will("plain", slow)
    execution_id = await world.begin(step("a", "plain"))
    running = asyncio.create_task(world.advance(execution_id))
    await slow.begun.wait()
    for outcome in ("failed", "repeat"):
        told = await refused(world, execution_id, "a", outcome)
        assert "DISPATCHED" in told.problem.detail
    slow.go.set()
    await running
    assert await world.status(execution_id) == "completed"


@pytest.mark.parametrize(
    ("outcome", "output", "path"),
    [
        ("done", {}, "/input/output"),
        ("done", {"other": 1}, "/input/output/other"),
        ("failed", {"id": "x"}, "/input/output"),
        ("repeat", {"id": "x"}, "/input/output"),
    ],
)
async def test_an_output_must_fit_what_is_said(
    world: LoopWorld, outcome: str, output: dict[str, object], path: str
) -> None:
    execution_id = await unresolved(world)
    told = await refused(world, execution_id, "a", outcome, **output)
    assert told.problem.code == "VALIDATION_FAILED"
    assert path in [issue.path for issue in told.problem.issues]
    assert (await world.step(execution_id, "a")).status is StepStatus.UNRESOLVED


async def test_a_step_that_the_plan_has_not_got_is_not_found(world: LoopWorld) -> None:
    execution_id = await unresolved(world)
    with pytest.raises(ProblemError) as found:
        await world.reconcile_id(execution_id, "step_none", "failed")
    assert found.value.problem.code == "NOT_FOUND"


async def test_a_stopping_run_repeats_nothing(world: LoopWorld) -> None:
    slow = Gated()
    world.actions.will("plain", SILENCE)
    world.actions.will("safe", slow)
    execution_id = await world.begin(step("a", "plain"), step("b", "safe"))
    running = asyncio.create_task(world.advance(execution_id))
    await slow.begun.wait()
    await until(world, execution_id, "a", StepStatus.UNRESOLVED)
    await world.operate("shutdown", execution_id, "")
    told = await refused(world, execution_id, "a", "repeat")
    assert "shut down" in told.problem.detail
    assert await world.reconcile(execution_id, "a", "done", id="x") == "completed"
    slow.go.set()
    await running
    assert await world.status(execution_id) == "cancelled"
