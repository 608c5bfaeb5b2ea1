"""Compensation: what a run did is undone by a run of its own, last first."""

import asyncio

import pytest

from gateway.journal import rebuild_matches, verify_record
from gateway.model.action import ActionCall, Answered
from gateway.model.entry import EntryType
from gateway.model.execution import Execution, RunMode, StepStatus
from gateway.model.problem import ProblemError
from tests.unit.runtime.loop_world import (
    AGENT,
    BUSY,
    FIONA,
    FRANK,
    OLGA,
    REFUSED,
    SILENCE,
    VERDICT,
    Gated,
    LoopWorld,
    step,
    until,
    usual_output,
)

pytestmark = pytest.mark.anyio

THREE = (
    step("one", "book", email="ada@example.com"),
    step("two", "keyed", ["one"]),
    step("three", "book", ["two"]),
    step("last", "plain", ["three"]),
)

NOT_OLGA = "p, user:olga, *, shop.unbook, call, deny\np, user, *, auth:user, call, allow\n"
"""Access of everybody to everything, but for what undoes a booking to Olga."""


async def failed(world: LoopWorld, *steps: dict[str, object], **more: object) -> str:
    """A run that failed at its last step, of ``shop.plain``."""
    world.actions.will("plain", REFUSED)
    execution_id = await world.begin(*(steps or THREE), **more)  # type: ignore[arg-type] # of begin
    await world.advance(execution_id)
    assert await world.status(execution_id) == "failed"
    return execution_id


async def statuses(world: LoopWorld, execution_id: str) -> dict[str, str]:
    return {key: one.status.value for key, one in (await world.steps(execution_id)).items()}


async def refused(world: LoopWorld, execution_id: str) -> ProblemError:
    with pytest.raises(ProblemError) as found:
        await world.compensate(execution_id)
    return found.value


async def allowed(world: LoopWorld, execution_id: str) -> set[str]:
    """The commands that the state of a run allows."""
    execution = await world.execution(execution_id)
    steps = {one.id: one for one in (await world.steps(execution_id)).values()}
    found = await world.journal.read(
        lambda records: world.loop.operator.allowed(records, execution, steps)
    )
    return {command.value for command in found}


async def undoing(world: LoopWorld, execution_id: str) -> Execution:
    """The execution that undoes this one."""
    found = await world.execution((await world.execution(execution_id)).compensation_id or "")
    assert found.compensates == execution_id
    return found


async def test_completed_steps_are_undone_in_the_reverse_order_of_their_completion(
    world: LoopWorld,
) -> None:
    execution_id = await failed(world)
    undo = await world.compensate(execution_id)
    assert (undo.status.value, undo.submitter, undo.channel) == ("running", OLGA, "compensation")
    await world.advance(undo.id)
    assert await world.status(undo.id) == "completed"
    made = [call.input for call in world.actions.made("unbook")]
    assert made == [
        {"id": "three", "why": "undone"},
        {"id": "one", "email": "ada@example.com", "why": "undone"},
    ]
    assert await statuses(world, execution_id) == {
        "one": "compensated", "two": "completed", "three": "compensated", "last": "failed",
    }  # fmt: skip
    assert await world.status(execution_id) == "failed"
    (started,) = await world.entries(execution_id, EntryType.COMPENSATION_STARTED)
    assert (started.actor, started.body["compensationId"]) == ("olga", undo.id)
    assert started.body["without"] == [(await world.step(execution_id, "two")).id]
    told = await world.entries(execution_id, EntryType.STEP_COMPENSATED)
    steps = await world.steps(undo.id)
    assert [entry.body["by"] for entry in told] == [
        {"executionId": undo.id, "stepId": steps[key].id} for key in ("three", "one")
    ]
    bodies = str(
        [entry.body for one in (execution_id, undo.id) for entry in await world.entries(one)]
    )
    assert "ada@example.com" not in bodies


async def test_what_depends_on_a_step_is_undone_before_it_although_the_clock_went_back(
    world: LoopWorld,
) -> None:
    async def takes_long(call: ActionCall) -> Answered:
        world.clock.forward(-10)
        return Answered(usual_output(call))

    world.actions.will("keyed", takes_long)
    undo = await world.compensate(await failed(world))
    await world.advance(undo.id)
    assert [call.input["id"] for call in world.actions.made("unbook")] == ["three", "one"]
    assert rebuild_matches(world.journal.path) == []
    assert verify_record(world.journal.path, []).ok


async def test_each_compensation_waits_for_the_one_before(world: LoopWorld) -> None:
    execution_id = await failed(world)
    slow = Gated()
    world.actions.will("unbook", slow)
    undo = await world.compensate(execution_id)
    running = asyncio.create_task(world.advance(undo.id))
    await slow.begun.wait()
    assert await statuses(world, undo.id) == {"three": "dispatched", "one": "planned"}
    slow.go.set()
    await running


async def test_steps_that_ran_in_parallel_are_undone_by_when_they_completed(
    world: LoopWorld,
) -> None:
    first = Gated()
    world.actions.will("book", first)
    world.actions.will("plain", REFUSED)
    execution_id = await world.begin(
        step("a", "book"), step("b", "book"), step("last", "plain", ["a", "b"])
    )
    running = asyncio.create_task(world.advance(execution_id))
    await until(world, execution_id, "b", StepStatus.COMPLETED)
    world.clock.forward(1)
    first.go.set()
    await running
    undo = await world.compensate(execution_id)
    await world.advance(undo.id)
    assert [call.input["id"] for call in world.actions.made("unbook")] == ["a", "b"]


async def test_a_compensation_is_governed_like_any_run(world: LoopWorld) -> None:
    execution_id = await failed(world, step("one", "pay"), step("last", "plain", ["one"]))
    undo = await world.compensate(execution_id, FIONA)
    await world.advance(undo.id)
    assert await world.status(undo.id) == "waiting_approval"
    with pytest.raises(ProblemError, match="You submitted its intent"):
        await world.approve(undo.id, "one", FIONA)
    await world.approve(undo.id, "one", FRANK)
    await world.advance(undo.id)
    assert (await statuses(world, execution_id))["one"] == "compensated"


async def test_a_compensation_asks_where_the_run_asked(world: LoopWorld) -> None:
    world.actions.will("plain", REFUSED)
    execution_id = await world.begin(
        step("one", "book"), step("last", "plain", ["one"]), mode=RunMode.ASSIST
    )
    for key in ("one", "last"):
        await world.advance(execution_id)
        await world.approve(execution_id, key)
    await world.advance(execution_id)
    undo = await world.compensate(execution_id)
    await world.advance(undo.id)
    assert await world.status(undo.id) == "waiting_approval"


async def test_a_compensation_that_fails_can_be_retried(world: LoopWorld) -> None:
    execution_id = await failed(world)
    world.actions.will("unbook", Answered({"id": "three"}), REFUSED)
    undo = await world.compensate(execution_id)
    await world.advance(undo.id)
    assert await world.status(undo.id) == "failed"
    found = await statuses(world, execution_id)
    assert (found["three"], found["one"]) == ("compensated", "completed")
    with pytest.raises(ProblemError, match="compensation began"):
        await world.operate("retry", execution_id)
    await world.operate("retry", undo.id)
    assert "compensation began" in str(await refused(world, execution_id))
    await world.advance(undo.id)
    assert (await statuses(world, execution_id))["one"] == "compensated"
    assert rebuild_matches(world.journal.path) == []


async def test_what_a_compensation_of_who_lost_the_role_left_is_undone_by_another_operator(
    world: LoopWorld,
) -> None:
    execution_id = await failed(world)
    first = await world.compensate(execution_id)
    await world.decide_by(VERDICT, access=NOT_OLGA)
    await world.advance(first.id)
    assert await world.status(first.id) == "failed"
    assert world.actions.made("unbook") == []
    assert await allowed(world, execution_id) == {"compensate"}
    assert "retry" in await allowed(world, first.id)
    second = await world.compensate(execution_id, FIONA)
    assert (second.submitter, await allowed(world, first.id)) == (FIONA, set())
    with pytest.raises(ProblemError, match=f"took its place: execution {second.id}"):
        await world.operate("retry", first.id)
    await world.advance(second.id)
    assert [call.input["id"] for call in world.actions.made("unbook")] == ["three", "one"]
    found = await statuses(world, execution_id)
    assert (found["three"], found["one"]) == ("compensated", "compensated")
    started = await world.entries(execution_id, EntryType.COMPENSATION_STARTED)
    assert [entry.body["compensationId"] for entry in started] == [first.id, second.id]
    assert rebuild_matches(world.journal.path) == []


async def test_of_a_retry_and_another_compensation_at_once_one_has_its_effect(
    world: LoopWorld,
) -> None:
    execution_id = await failed(world)
    world.actions.will("unbook", REFUSED)
    first = await world.compensate(execution_id)
    await world.advance(first.id)
    results = await asyncio.gather(
        world.operate("retry", first.id),
        world.compensate(execution_id, FIONA),
        return_exceptions=True,
    )
    assert [isinstance(result, ProblemError) for result in results].count(True) == 1


@pytest.mark.parametrize("end", ["cancel", "abort", "shutdown"])
async def test_what_a_compensation_that_was_ended_left_is_undone_by_another(
    world: LoopWorld, end: str
) -> None:
    execution_id = await failed(world)
    world.actions.will("unbook", Answered({"id": "three"}), BUSY)
    first = await world.compensate(execution_id)
    await world.advance(first.id)
    assert await statuses(world, first.id) == {"three": "completed", "one": "ready"}
    told = (await refused(world, execution_id)).problem.detail
    assert f"execution {first.id}, which is RUNNING" in told
    await world.operate(end, first.id, "enough")
    assert await allowed(world, execution_id) == {"compensate"}
    with pytest.raises(ProblemError, match="compensation began"):
        await world.operate("retry", execution_id)
    second = await world.compensate(execution_id, FIONA)
    await world.advance(second.id)
    made = [call.input["id"] for call in world.actions.made("unbook")]
    assert made == ["three", "one", "one"]
    found = await statuses(world, execution_id)
    assert (found["three"], found["one"]) == ("compensated", "compensated")
    assert await undoing(world, execution_id) == await world.execution(second.id)
    assert "which is COMPLETED" in (await refused(world, execution_id)).problem.detail
    assert rebuild_matches(world.journal.path) == []


async def test_what_people_rejected_of_a_compensation_can_be_asked_for_anew(
    world: LoopWorld,
) -> None:
    execution_id = await failed(world, step("one", "pay"), step("last", "plain", ["one"]))
    first = await world.compensate(execution_id)
    await world.advance(first.id)
    await world.reject(first.id, "one")
    await world.advance(first.id)
    assert await world.status(first.id) == "rejected"
    second = await world.compensate(execution_id)
    await world.advance(second.id)
    await world.approve(second.id, "one")
    await world.advance(second.id)
    assert (await statuses(world, execution_id))["one"] == "compensated"


async def test_nothing_is_undone_anew_while_an_earlier_undoing_of_it_is_in_doubt(
    world: LoopWorld,
) -> None:
    execution_id = await failed(world, step("one", "book"), step("last", "plain", ["one"]))
    slow = Gated(SILENCE)
    world.actions.will("unbook", slow)
    first = await world.compensate(execution_id)
    running = asyncio.create_task(world.advance(first.id))
    await slow.begun.wait()
    await world.cancel(first.id)
    for _ in range(2):  # while the attempt is on its way, and once it got no answer
        told = (await refused(world, execution_id)).problem
        assert (told.code, "nobody knows" in told.detail) == ("CONFLICT", True)
        assert await allowed(world, execution_id) == set()
        slow.go.set()
        await running
    await world.reconcile(first.id, "one", "failed")
    second = await world.compensate(execution_id)
    await world.advance(second.id)
    assert (await statuses(world, execution_id))["one"] == "compensated"


async def test_no_undoing_is_undone(world: LoopWorld) -> None:
    execution_id = await failed(
        world, step("one", "lock"), step("two", "lock", ["one"]), step("last", "plain", ["two"])
    )
    world.actions.will("unlock", Answered({"id": "two"}), REFUSED)
    undo = await world.compensate(execution_id)
    await world.advance(undo.id)
    assert await statuses(world, undo.id) == {"two": "completed", "one": "failed"}
    told = (await refused(world, undo.id)).problem
    assert (told.code, f"undoes execution {execution_id}" in told.detail) == ("CONFLICT", True)
    assert await allowed(world, undo.id) == {"retry"}
    assert await allowed(world, execution_id) == {"compensate"}


async def test_two_operators_begin_one_further_compensation(world: LoopWorld) -> None:
    execution_id = await failed(world)
    await world.cancel((await world.compensate(execution_id)).id)
    results = await asyncio.gather(
        *(world.compensate(execution_id) for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(result, Execution) for result in results) == 1


async def test_what_an_operator_settles_as_done_or_comes_late_counts_as_undone(
    world: LoopWorld,
) -> None:
    execution_id = await failed(world)
    world.actions.will("unbook", *[SILENCE] * 4)
    undo = await world.compensate(execution_id)
    for _ in range(5):
        await world.advance(undo.id)
        world.clock.forward(60)
    assert await world.status(undo.id) == "unresolved"
    await world.reconcile(undo.id, "three", "done", 4, id="three")
    assert (await statuses(world, execution_id))["three"] == "compensated"
    slow = Gated()
    world.actions.will("unbook", slow)
    running = asyncio.create_task(world.advance(undo.id))
    await slow.begun.wait()
    await world.operate("abort", undo.id, "")
    assert (await statuses(world, execution_id))["one"] == "completed"
    slow.go.set()
    await running
    assert (await statuses(world, execution_id))["one"] == "compensated"


async def test_an_original_of_unknown_state_is_reconciled_first(world: LoopWorld) -> None:
    world.actions.will("plain", SILENCE)
    execution_id = await world.begin(step("one", "book"), step("two", "plain", ["one"]))
    await world.advance(execution_id)
    await world.operate("abort", execution_id, "")
    told = await refused(world, execution_id)
    assert (told.problem.code, "two" in told.problem.detail) == ("CONFLICT", True)
    await world.reconcile(execution_id, "two", "failed")
    await world.compensate(execution_id)


async def test_nothing_is_undone_while_an_attempt_is_on_its_way(world: LoopWorld) -> None:
    slow = Gated()
    world.actions.will("plain", slow)
    execution_id = await world.begin(step("one", "book"), step("two", "plain", ["one"]))
    running = asyncio.create_task(world.advance(execution_id))
    await slow.begun.wait()
    await world.cancel(execution_id)
    assert "on its way" in (await refused(world, execution_id)).problem.detail
    slow.go.set()
    await running
    await world.compensate(execution_id)


async def test_where_nothing_declares_a_compensation_there_is_nothing_to_undo(
    world: LoopWorld,
) -> None:
    execution_id = await failed(world, step("one", "keyed"), step("last", "plain", ["one"]))
    assert (await refused(world, execution_id)).problem.code == "PRECONDITION_FAILED"
    assert await allowed(world, execution_id) == {"retry"}


async def test_a_blocked_compensation_marks_nothing(world: LoopWorld) -> None:
    execution_id = await failed(world)
    await world.decide_by("p, 1, *, *, shop.unbook, *, true, blocked, -, -, -, -\n" + VERDICT)
    undo = await world.compensate(execution_id)
    assert (undo.status.value, undo.compensates) == ("blocked", execution_id)
    assert (await world.execution(execution_id)).compensation_id is None
    assert not await world.entries(execution_id, EntryType.COMPENSATION_STARTED)


async def test_two_operators_begin_one_compensation(world: LoopWorld) -> None:
    execution_id = await failed(world)
    results = await asyncio.gather(
        *(world.compensate(execution_id) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(result, Execution) for result in results) == 1
    told = [result for result in results if isinstance(result, ProblemError)]
    assert {error.problem.code for error in told} == {"CONFLICT"}


@pytest.mark.parametrize("end", ["failed", "expired", "rejected"])
async def test_a_plan_that_asks_for_it_is_undone_by_itself(world: LoopWorld, end: str) -> None:
    last = step("last", "plain" if end == "failed" else "cash", ["one"])
    if end != "failed":
        last["input"]["amount"] = 500
    world.actions.will("plain", REFUSED)
    execution_id = await world.begin(step("one", "book"), last, onFailure="compensate")
    await world.advance(execution_id)
    if end == "rejected":
        await world.reject(execution_id, "last")
    world.clock.forward(3600 if end == "expired" else 0)
    await world.advance(execution_id)
    assert await world.status(execution_id) == end
    undo = await undoing(world, execution_id)
    assert (undo.submitter, undo.starter) == (AGENT, AGENT.subject)
    assert undo.run_id in world.quiet.submitted
    kinds = [entry.type for entry in await world.entries(execution_id)]
    ended, started = EntryType.RUN_ENDED, EntryType.COMPENSATION_STARTED
    assert kinds.index(started) == kinds.index(ended) + 1
    await world.advance(undo.id)
    assert (await statuses(world, execution_id))["one"] == "compensated"
    assert rebuild_matches(world.journal.path) == []


@pytest.mark.parametrize("end", ["cancel", "abort"])
async def test_an_operator_who_ends_a_run_decides_about_undoing_it(
    world: LoopWorld, end: str
) -> None:
    execution_id = await world.begin(
        step("one", "book"), step("two", "cash", ["one"], amount=500), onFailure="compensate"
    )
    await world.advance(execution_id)
    await world.operate(end, execution_id, "")
    assert (await world.execution(execution_id)).compensation_id is None
    await world.compensate(execution_id)


@pytest.mark.parametrize("why", ["doubt", "nothing", "blocked"])
async def test_why_a_plan_is_not_undone_by_itself_is_recorded(world: LoopWorld, why: str) -> None:
    world.actions.will("plain", REFUSED)
    world.actions.will("book", SILENCE if why == "doubt" else Answered({"id": "x"}))
    if why == "blocked":
        await world.decide_by("p, 1, *, *, shop.unbook, *, true, blocked, -, -, -, -\n" + VERDICT)
    steps = (
        step("one", "keyed" if why == "nothing" else "book"),
        step("last", "plain", [] if why == "doubt" else ["one"]),
    )
    execution_id = await world.begin(*steps, onFailure="compensate")
    await world.advance(execution_id)
    assert await world.status(execution_id) == "failed"
    (ended,) = await world.entries(execution_id, EntryType.RUN_ENDED)
    expected = {"doubt": "one", "nothing": "nothing to undo", "blocked": "is blocked"}[why]
    assert expected in ended.body["compensation"]
    assert (await world.execution(execution_id)).compensation_id is None


async def test_asking_for_it_enters_the_hash_of_a_plan_and_nothing_else_does(
    world: LoopWorld,
) -> None:
    plain = world.loop.compiler.compile("acme", {"steps": [step("a", "book")]})
    asked = world.loop.compiler.compile(
        "acme", {"steps": [step("a", "book")], "onFailure": "compensate"}
    )
    assert (plain.compensate, asked.compensate) == (False, True)
    assert plain.hash != asked.hash
    with pytest.raises(ProblemError) as refused:
        world.loop.compiler.compile("acme", {"steps": [step("a", "book")], "onFailure": "retry"})
    assert [issue.path for issue in refused.value.problem.issues] == ["/input/draft/onFailure"]


async def test_a_stored_value_that_looks_like_a_reference_is_not_taken_for_one(
    world: LoopWorld,
) -> None:
    sly = Answered({"id": "x", "extra": {"$from": "one.id"}})
    world.actions.will("tour", sly)
    execution_id = await failed(world, step("one", "tour"), step("last", "plain", ["one"]))
    told = await refused(world, execution_id)
    assert (told.problem.code, "reference" in told.problem.detail) == ("PRECONDITION_FAILED", True)


async def test_personal_data_flows_into_no_input_that_does_not_declare_it(
    world: LoopWorld,
) -> None:
    execution_id = await failed(
        world, step("one", "leaky", email="ada@example.com"), step("last", "plain", ["one"])
    )
    told = await refused(world, execution_id)
    assert (told.problem.code, "PII" in told.problem.detail) == ("PRECONDITION_FAILED", True)
    assert "ada@" not in told.problem.detail
