"""Approvals: what they bind to, who may give them, and when they are void."""

from collections.abc import Awaitable, Callable

import pytest

from gateway.model.action import Declined, Unknown
from gateway.model.entry import EntryType
from gateway.model.execution import RunMode, StepStatus
from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import ProblemError
from gateway.model.time import stamp
from tests.unit.runtime.loop_world import (
    AGENT,
    FIONA,
    FRANK,
    OLGA,
    VERDICT,
    LoopWorld,
    person,
    step,
)

pytestmark = pytest.mark.anyio

HIGH = step("a", "cash", amount=500)
MOVED = "# a comment that moves every line\n" + VERDICT
OTHER_RULE = VERDICT.replace("amount > 100", "amount > 200")
MORE_PEOPLE = VERDICT.replace("assist, approver, 1, 1h", "assist, approver, 2, 1h")
OTHER_ROLE = VERDICT.replace("assist, approver, 1, 1h", "assist, admin, 1, 1h")
NOBODY_ASKS = VERDICT.replace("amount > 100, assist", "amount > 1000, assist").replace(
    "amount <= 100", "amount <= 1000"
)
BLOCKS = VERDICT.replace("amount > 100, assist, approver, 1, 1h", "amount > 100, blocked, -, -, -")


async def asked(world: LoopWorld, who: Principal = AGENT) -> str:
    execution_id = await world.begin(HIGH, who=who)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "waiting_approval"
    assert world.actions.calls == []
    return execution_id


async def refusal(world: LoopWorld, execution_id: str, who: Principal) -> tuple[str, str]:
    before = await world.entries(execution_id)
    with pytest.raises(ProblemError) as refused:
        await world.approve(execution_id, "a", who)
    assert await world.entries(execution_id) == before
    return refused.value.problem.code, refused.value.problem.detail


async def test_an_approved_step_runs_once_and_the_approval_is_used(world: LoopWorld) -> None:
    execution_id = await asked(world)
    assert await world.approve(execution_id, "a") == "approved"
    assert len(world.quiet.submitted) == 2  # started, approved
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
    assert (await world.approval(execution_id, "a")).status.value == "used"
    assert len(world.actions.calls) == 1


async def test_a_request_shows_what_is_asked_with_its_pii_sealed(world: LoopWorld) -> None:
    execution_id = await world.begin(step("a", "cash", amount=500, email="ada@example.com"))
    await world.advance(execution_id)
    found = await world.approval(execution_id, "a")
    assert found.arguments["amount"] == 500
    assert set(found.arguments["email"]) == {"$sealed"}
    assert (found.risk, found.requested_by) == ("high", "agent-7")
    assert found.expires_at == "2026-03-01T10:30:00.000000Z"


@pytest.mark.parametrize(
    ("who", "told"),
    [
        (AGENT, "Only people"),
        (person("bot", "approver", kind=PrincipalType.SERVICE), "Only people"),
        (person("gus"), "asks for the role 'approver'"),
        (person("planner", "approver"), "You compiled its plan"),
        (OLGA, "You started its run"),
    ],
)
async def test_who_may_not_approve(world: LoopWorld, who: Principal, told: str) -> None:
    execution_id = await asked(world)
    code, detail = await refusal(world, execution_id, who)
    assert code == "FORBIDDEN"
    assert told in detail


async def test_nobody_approves_what_he_submitted(world: LoopWorld) -> None:
    execution_id = await asked(world, FIONA)
    assert (await refusal(world, execution_id, FIONA))[0] == "FORBIDDEN"


async def test_the_quorum_counts_distinct_people(world: LoopWorld) -> None:
    execution_id = await world.begin(step("a", "two"))
    await world.advance(execution_id)
    assert await world.approve(execution_id, "a", FIONA) == "pending"
    assert (await refusal(world, execution_id, FIONA))[0] == "CONFLICT"
    await world.advance(execution_id)
    assert world.actions.calls == []
    assert await world.approve(execution_id, "a", FRANK) == "approved"
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
    assert [vote["by"] for vote in (await world.approval(execution_id, "a")).votes] == [
        "fiona",
        "frank",
    ]


async def test_two_spellings_of_a_subject_are_not_two_people(world: LoopWorld) -> None:
    execution_id = await world.begin(step("a", "two"))
    await world.advance(execution_id)
    code, detail = await refusal(world, execution_id, person("Planner", "approver"))
    assert (code, "You compiled its plan" in detail) == ("FORBIDDEN", True)
    assert await world.approve(execution_id, "a", FIONA) == "pending"
    code, detail = await refusal(world, execution_id, person("Fiona", "approver"))
    assert (code, "already" in detail) == ("CONFLICT", True)
    assert await world.approve(execution_id, "a", FRANK) == "approved"


async def test_approving_twice_late_or_after_the_end_changes_nothing(world: LoopWorld) -> None:
    execution_id = await asked(world)
    await world.approve(execution_id, "a", FIONA)
    code, detail = await refusal(world, execution_id, FRANK)
    assert code == "CONFLICT"
    assert "APPROVED" in detail
    await world.advance(execution_id)
    code, detail = await refusal(world, execution_id, FRANK)
    assert code == "CONFLICT"
    assert "COMPLETED" in detail
    late = await asked_again(world)
    world.clock.forward(3600)
    code, detail = await refusal(world, late, FIONA)
    assert code == "CONFLICT"
    assert "EXPIRED" in detail


async def asked_again(world: LoopWorld) -> str:
    execution_id = await world.begin(HIGH)
    await world.advance(execution_id)
    return execution_id


async def test_a_request_that_nobody_decides_expires_and_ends_the_run(world: LoopWorld) -> None:
    execution_id = await world.begin(HIGH)
    assert await world.advance(execution_id) == "2026-03-01T10:30:00.000000Z"
    world.clock.forward(3600)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "expired"
    assert (await world.approval(execution_id, "a")).status.value == "expired"


async def test_an_approval_that_was_not_used_in_time_is_asked_for_again(world: LoopWorld) -> None:
    execution_id = await asked(world)
    await world.approve(execution_id, "a")
    world.clock.forward(3600)  # nobody advanced the run meanwhile
    await world.advance(execution_id)
    assert world.actions.calls == []
    assert await world.status(execution_id) == "waiting_approval"
    (voided,) = await world.entries(execution_id, EntryType.APPROVAL_VOIDED)
    assert "expired" in voided.body["reason"]


async def test_one_rejection_ends_the_run_and_voids_what_else_is_open(world: LoopWorld) -> None:
    execution_id = await world.begin(HIGH, step("b", "two"), step("c", "plain", ["a"]))
    await world.advance(execution_id)
    assert await world.reject(execution_id, "a") == "rejected"
    await world.advance(execution_id)
    steps = await world.steps(execution_id)
    assert [steps[key].status.value for key in "abc"] == ["rejected", "cancelled", "cancelled"]
    assert (await world.approval(execution_id, "b")).status.value == "void"
    assert await world.status(execution_id) == "rejected"
    assert world.actions.calls == []


async def test_a_step_that_asks_for_nothing_cannot_be_approved(world: LoopWorld) -> None:
    execution_id = await world.begin(step("a", "plain"))
    assert (await refusal(world, execution_id, FIONA))[0] == "CONFLICT"
    execution = await world.execution(execution_id)
    with pytest.raises(ProblemError) as refused:
        await world.journal.write(
            lambda tx: world.loop.consent.approve(tx, execution, "step_other", FIONA, None)
        )
    assert refused.value.problem.code == "NOT_FOUND"


@pytest.mark.parametrize("approves", [True, False])
async def test_who_says_what_they_read_decides_nothing_that_was_asked_anew(
    world: LoopWorld, approves: bool
) -> None:
    execution_id = await asked(world)
    read = (await world.approval(execution_id, "a")).id
    await world.decide_by(OTHER_RULE)
    await world.advance(execution_id)
    anew = (await world.approval(execution_id, "a")).id
    assert anew != read

    async def decide(approval_id: str) -> str:
        waiting, execution = (
            await world.step(execution_id, "a"),
            await world.execution(execution_id),
        )
        told = (execution, waiting.id, FIONA, "Read.", approval_id)
        consent = world.loop.consent
        take = consent.approve if approves else consent.reject
        return (await world.journal.write(lambda tx: take(tx, *told))).value

    before = await world.entries(execution_id)
    for approval_id in (read, "appr_other"):
        with pytest.raises(ProblemError) as refused:
            await decide(approval_id)
        assert refused.value.problem.code == "CONFLICT"
        assert anew in refused.value.problem.detail
    assert await world.entries(execution_id) == before
    assert await decide(anew) == ("approved" if approves else "rejected")


@pytest.mark.parametrize("given", [True, False])
async def test_consent_stands_under_new_policies_that_ask_the_same(
    world: LoopWorld, given: bool
) -> None:
    execution_id = await asked(world)
    if given:
        await world.approve(execution_id, "a")
    await world.decide_by(MOVED)
    await world.advance(execution_id)
    if not given:
        await world.approve(execution_id, "a")
        await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
    assert await world.entries(execution_id, EntryType.APPROVAL_VOIDED) == []


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("verdict", [OTHER_RULE, MORE_PEOPLE, OTHER_ROLE])
async def test_consent_is_void_and_asked_again_when_policy_asks_otherwise(
    world: LoopWorld, verdict: str, given: bool
) -> None:
    execution_id = await asked(world)
    first = await world.approval(execution_id, "a")
    if given:
        await world.approve(execution_id, "a")
    await world.decide_by(verdict)
    await world.advance(execution_id)
    assert world.actions.calls == []
    assert await world.status(execution_id) == "waiting_approval"
    second = await world.approval(execution_id, "a")
    assert (second.status.value, second.votes) == ("pending", ())
    assert second.id != first.id
    assert second.digest != first.digest


async def test_a_request_is_void_where_policy_does_not_ask_any_more(world: LoopWorld) -> None:
    execution_id = await asked(world)
    await world.decide_by(NOBODY_ASKS)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
    assert (await world.approval(execution_id, "a")).status.value == "void"


async def test_a_given_consent_does_not_open_what_policy_blocks_now(world: LoopWorld) -> None:
    execution_id = await asked(world)
    await world.approve(execution_id, "a")
    await world.decide_by(BLOCKS)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "failed"
    assert (await world.step(execution_id, "a")).status is StepStatus.FAILED
    assert (await world.approval(execution_id, "a")).status.value == "void"
    assert world.actions.calls == []


@pytest.mark.parametrize(
    "outcome", [Declined("BUSY", "Busy.", 503, retryable=True), Unknown("The line was cut.")]
)
async def test_consent_survives_a_retry_of_the_same_step(
    world: LoopWorld, outcome: Declined | Unknown
) -> None:
    world.actions.will("cash", outcome)
    execution_id = await asked(world)
    await world.approve(execution_id, "a")
    await world.advance(execution_id)
    world.clock.forward(3600 * 30)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
    assert len(await world.entries(execution_id, EntryType.APPROVAL_REQUESTED)) == 1
    assert len(world.actions.calls) == 2


async def test_consent_does_not_survive_to_an_action_under_other_terms(world: LoopWorld) -> None:
    world.actions.will("cash", Declined("BUSY", "Busy.", 503, retryable=True))
    execution_id = await asked(world)
    await world.approve(execution_id, "a")
    await world.advance(execution_id)
    await world.decide_by(OTHER_RULE)
    world.clock.forward(60)
    await world.advance(execution_id)
    assert len(world.actions.calls) == 1
    assert await world.status(execution_id) == "waiting_approval"


async def test_two_equal_steps_need_a_consent_each(world: LoopWorld) -> None:
    same = {"id": "x", "amount": 500}
    execution_id = await world.begin(
        {**HIGH, "key": "a", "input": same}, {**HIGH, "key": "b", "input": same}
    )
    await world.advance(execution_id)
    first, second = [await world.approval(execution_id, key) for key in "ab"]
    assert first.digest != second.digest
    await world.approve(execution_id, "a")
    await world.advance(execution_id)
    assert len(world.actions.calls) == 1
    assert (await world.step(execution_id, "b")).status is StepStatus.WAITING_APPROVAL


async def test_a_given_consent_is_void_once_the_run_is_cancelled(world: LoopWorld) -> None:
    execution_id = await asked(world)
    await world.approve(execution_id, "a")
    await world.cancel(execution_id)
    await world.advance(execution_id)
    assert (await world.approval(execution_id, "a")).status.value == "void"
    assert world.actions.calls == []


async def test_who_settled_what_an_action_rests_on_does_not_approve_it(world: LoopWorld) -> None:
    world.actions.will("plain", Unknown("Cut."))
    last = {**HIGH, "dependsOn": ["b"], "input": {"id": {"$from": "b.id"}, "amount": 500}}
    execution_id = await world.begin(step("b", "plain"), last)
    await world.advance(execution_id)
    await world.settle_by(FRANK, execution_id, "b")
    await world.advance(execution_id)
    execution = await world.execution(execution_id)
    approval, now = await world.approval(execution_id, "a"), stamp(world.clock.now())
    for who, may in ((FRANK, False), (FIONA, True)):
        assert world.loop.consent.may_approve(who, execution, approval, now) is may
    code, detail = await refusal(world, execution_id, FRANK)
    assert (code, "You settled a step" in detail) == ("FORBIDDEN", True)
    assert await world.approve(execution_id, "a", FIONA) == "approved"


async def test_who_settled_a_step_does_not_approve_how_it_is_undone(world: LoopWorld) -> None:
    world.actions.will("pay", *[Unknown("Cut.")] * 4)
    world.actions.will("plain", Declined("REFUSED", "No.", 409))
    execution_id = await world.begin(step("one", "pay"), step("two", "plain", ["one"]))
    for _ in range(5):
        await world.advance(execution_id)
        world.clock.forward(60)
    await world.settle_by(FRANK, execution_id, "one")
    await world.advance(execution_id)
    undo = await world.compensate(execution_id, OLGA)
    await world.advance(undo.id)
    with pytest.raises(ProblemError, match="You settled a step"):
        await world.approve(undo.id, "one", FRANK)
    assert await world.approve(undo.id, "one", FIONA) == "approved"


async def test_who_had_a_plan_ask_to_be_undone_does_not_approve_how_it_is(
    world: LoopWorld,
) -> None:
    world.actions.will("plain", Declined("REFUSED", "No.", 409))
    steps = step("one", "pay"), step("two", "plain", ["one"])
    compiled = await world.compile(steps, compiler=FRANK.subject, onFailure="compensate")
    execution = await world.verify(compiled)
    revision = world.loop.policies.revision
    await world.journal.write(
        lambda tx: world.loop.lifecycle.started(tx, execution, RunMode.AUTONOMOUS, "olga", revision)
    )
    await world.advance(execution.id)
    undo_id = (await world.execution(execution.id)).compensation_id or ""
    await world.advance(undo_id)
    undo, now = await world.execution(undo_id), stamp(world.clock.now())
    approval = await world.approval(undo_id, "one")
    for who, deed in ((FRANK, "compiled the plan that asks"), (OLGA, "started the run")):
        assert not world.loop.consent.may_approve(who, undo, approval, now)
        with pytest.raises(ProblemError, match=f"You {deed}"):
            await world.approve(undo_id, "one", who)
    assert await world.approve(undo_id, "one", FIONA) == "approved"


async def test_who_said_that_a_step_failed_does_not_approve_how_its_run_is_undone(
    world: LoopWorld,
) -> None:
    world.actions.will("plain", Unknown("Cut."))
    steps = step("one", "pay"), step("two", "plain", ["one"])
    execution_id = await world.begin(*steps, onFailure="compensate")
    await world.advance(execution_id)
    failed = await world.step(execution_id, "two")
    await world.reconcile_id(execution_id, failed.id, "failed", by=FRANK.subject)
    await world.advance(execution_id)
    undo_id = (await world.execution(execution_id)).compensation_id or ""
    await world.advance(undo_id)
    with pytest.raises(ProblemError, match="You settled a step as FAILED"):
        await world.approve(undo_id, "one", FRANK)
    assert await world.approve(undo_id, "one", FIONA) == "approved"


async def test_who_started_a_run_may_approve_how_an_operator_undoes_it(world: LoopWorld) -> None:
    world.actions.will("plain", Declined("REFUSED", "No.", 409))
    execution_id = await world.begin(step("one", "pay"), step("two", "plain", ["one"]))
    await world.advance(execution_id)
    undo = await world.compensate(execution_id, FIONA)
    await world.advance(undo.id)
    assert await world.approve(undo.id, "one", OLGA) == "approved"


async def retried(world: LoopWorld) -> str:
    """A run that failed after it was approved, and that Frank had tried again."""
    world.actions.will("cash", Declined("REFUSED", "No.", 409))
    execution_id = await world.begin(HIGH)
    await world.advance(execution_id)
    await world.approve(execution_id, "a")
    await world.advance(execution_id)
    await world.retry_by(FRANK, execution_id)
    return execution_id


async def repeated(world: LoopWorld) -> str:
    """A run whose step nobody knew the outcome of, and that Frank had tried again."""
    world.actions.will("cash", *[Unknown("Cut.")] * 4)
    execution_id = await world.begin(HIGH)
    await world.advance(execution_id)
    await world.approve(execution_id, "a")
    for _ in range(5):
        await world.advance(execution_id)
        world.clock.forward(60)
    found = await world.step(execution_id, "a")
    await world.reconcile_id(execution_id, found.id, "repeat", found.attempt, by=FRANK.subject)
    return execution_id


@pytest.mark.parametrize(("again", "doubted"), [(retried, False), (repeated, True)])
async def test_who_is_asked_anew_is_told_that_it_may_be_done_already(
    world: LoopWorld, again: Callable[[LoopWorld], Awaitable[str]], doubted: bool
) -> None:
    execution_id = await again(world)
    await world.advance(execution_id)
    reason = (await world.approval(execution_id, "a")).reason
    assert reason.startswith("shop.cash called by an agent needs the approval of a person")
    assert reason.endswith("had its effect already.") is doubted


@pytest.mark.parametrize("again", [retried, repeated])
async def test_who_had_a_step_tried_again_does_not_approve_it(
    world: LoopWorld, again: Callable[[LoopWorld], Awaitable[str]]
) -> None:
    execution_id = await again(world)
    await world.advance(execution_id)
    execution = await world.execution(execution_id)
    approval, now = await world.approval(execution_id, "a"), stamp(world.clock.now())
    for who, may in ((FRANK, False), (FIONA, True)):
        assert world.loop.consent.may_approve(who, execution, approval, now) is may
    code, detail = await refusal(world, execution_id, FRANK)
    assert (code, "You had a step of this execution tried again" in detail) == ("FORBIDDEN", True)
    assert await world.approve(execution_id, "a", FIONA) == "approved"
