"""What the projections say after each kind of entry, for every journal."""

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.model.approval import ApprovalFilter
from gateway.model.entry import EntryType, NewEntry
from gateway.model.event import Origin
from gateway.model.execution import (
    Approval,
    ApprovalStatus,
    Execution,
    ExecutionStatus,
    RunMode,
    Step,
    StepStatus,
)
from gateway.model.ports import ExecutionFilter, Journal, Page, Records
from tests.contract.journal_story import ALICE, DECISION, PROBLEM, WORKSPACE, Story

pytestmark = pytest.mark.anyio


async def tell(journal: Journal, *entries: NewEntry) -> str:
    def unit(tx):
        for entry in entries:
            tx.append(entry)
        return tx.now

    return await journal.write(unit)


async def execution(journal: Journal, name: str = "a") -> Execution:
    found = await journal.read(lambda records: records.execution(WORKSPACE, f"exec_{name}"))
    assert found is not None
    return found


async def steps(journal: Journal) -> dict[str, Step]:
    return {step.key: step for step in await journal.read(lambda r: r.steps("plan_a"))}


async def approval(journal: Journal, key: str = "x") -> Approval:
    found = await journal.read(lambda records: records.approval("exec_a", f"step_{key}"))
    assert found is not None
    return found


async def test_an_intent_makes_an_execution(journal: Journal) -> None:
    at = await tell(journal, Story("a").received())

    found = await execution(journal)

    assert found.status is ExecutionStatus.RECEIVED
    assert (found.submitter.subject, found.submitter.type) == (ALICE.subject, ALICE.type)
    assert (found.created_at, found.updated_at, found.intent_id) == (at, at, "intent_a")
    assert found.text == {"$sealed": [1, "c", "input.text", "k", "x"]}
    assert (found.metadata, found.channel, found.direct) == ({"ticket": 7}, "web", False)


async def test_plain_text_and_a_direct_call_are_kept_as_they_are(journal: Journal) -> None:
    await tell(journal, Story("a").received(text='say "hi"', direct=True, metadata=None))

    found = await execution(journal)
    assert (found.text, found.direct, found.metadata) == ('say "hi"', True, None)


async def test_origins_are_those_of_the_executions_that_are_there(journal: Journal) -> None:
    a, b = Story("a"), Story("b")
    await tell(journal, a.received(), a.compiled("x"), a.verified(), a.started(), b.received())

    asked = ("exec_a", "exec_b", "exec_none")
    found = await journal.read(lambda records: records.origins(asked))
    assert found == {
        (WORKSPACE, "exec_a"): Origin(ALICE.subject, "run_a", RunMode.AUTONOMOUS),
        (WORKSPACE, "exec_b"): Origin(ALICE.subject),
    }
    assert await journal.read(lambda records: records.origins(["exec_none"])) == {}


async def test_an_execution_of_another_workspace_is_not_there(journal: Journal) -> None:
    await tell(journal, Story("a").received())

    assert await journal.read(lambda records: records.execution("beta", "exec_a")) is None


async def test_a_compiled_plan_is_read_back_with_planned_steps(journal: Journal) -> None:
    story = Story("a")
    at = await tell(journal, story.received(), story.compiled("x", "y"))

    record = await journal.read(lambda records: records.plan("plan_a"))

    assert record is not None
    assert [step.key for step in record.plan.steps] == ["x", "y"]
    assert [(e.source, e.target, e.path) for e in record.plan.edges] == [("x", "y", "")]
    assert (record.compiler, record.compiled_at, record.verdict) == ("alice", at, None)
    assert [s.status for s in (await steps(journal)).values()] == [StepStatus.PLANNED] * 2
    assert (await execution(journal)).status is ExecutionStatus.COMPILED


async def test_compiling_again_replaces_the_plan_and_clears_the_verdict(journal: Journal) -> None:
    story = Story("a")
    await tell(journal, story.received(), story.compiled("x"), story.verified("x"))
    story.plan_id = "plan_b"
    await tell(journal, story.compiled("y"))

    found = await execution(journal)
    assert (found.plan_id, found.verdict, found.risk) == ("plan_b", None, None)
    assert found.status is ExecutionStatus.COMPILED


async def test_a_rejected_plan_only_touches_the_execution(journal: Journal) -> None:
    story = Story("a")
    await tell(journal, story.received())
    before = await execution(journal)
    at = await tell(journal, story.entry(EntryType.PLAN_REJECTED, reasons=["x"], issues=[]))

    found = await execution(journal)
    assert (found.status, found.updated_at) == (before.status, at)
    assert before.updated_at < at


async def test_verification_decides_plan_and_steps(journal: Journal) -> None:
    story = Story("a")
    at = await tell(journal, story.received(), story.compiled("x"), story.verified("x"))

    record = await journal.read(lambda records: records.plan("plan_a"))

    assert record is not None
    assert (record.verdict, record.revision, record.verified_at) == ("assist", "sha256:1", at)
    assert record.decisions == {"step_x": DECISION}
    assert (await steps(journal))["x"].decision == DECISION
    found = await execution(journal)
    assert (found.status, found.verdict, found.risk) == (ExecutionStatus.VERIFIED, "assist", "high")
    assert found.ended_at is None


async def test_a_blocked_plan_ends_the_execution(journal: Journal) -> None:
    story = Story("a")
    at = await tell(
        journal, story.received(), story.compiled("x"), story.verified("x", blocked=True)
    )

    found = await execution(journal)
    assert (found.status, found.ended_at) == (ExecutionStatus.BLOCKED, at)


async def test_a_started_run_is_found_by_its_id(journal: Journal) -> None:
    at = await tell(journal, *Story("a").until_started("x"))

    found = await journal.read(lambda records: records.execution_of_run("run_a"))

    assert found is not None
    assert (found.id, found.status, found.mode) == (
        *("exec_a", ExecutionStatus.RUNNING),
        RunMode.AUTONOMOUS,
    )
    assert (found.starter, found.started_at) == ("alice", at)


async def test_decisions_made_again_at_the_start_are_the_steps_last(journal: Journal) -> None:
    story = Story("a")
    entries = story.until_started("x")
    again = DECISION | {"quorum": 2}
    entries[-1].body["decisions"] = {"step_x": again}
    await tell(journal, *entries)

    assert (await steps(journal))["x"].decision == again


async def test_a_step_goes_through_retry_to_completion(journal: Journal) -> None:
    story = Story("a")
    first = await tell(journal, *story.until_started("x"), story.dispatched("x"))
    step = (await steps(journal))["x"]
    assert (step.status, step.attempt, step.input) == (StepStatus.DISPATCHED, 1, {"id": 1})
    assert step.started_at == first

    body = {"attempt": 1, "epoch": 1, "problem": PROBLEM, "retryAt": "2026-03-01T10:00:00.000000Z"}
    await tell(journal, story.step(EntryType.STEP_RETRYING, "x", **body))
    step = (await steps(journal))["x"]
    assert (step.status, step.problem) == (StepStatus.READY, PROBLEM)
    assert step.retry_at == "2026-03-01T10:00:00.000000Z"

    at = await tell(journal, story.dispatched("x", 2), story.completed("x", 2))
    step = (await steps(journal))["x"]
    assert (step.status, step.attempt, step.output) == (StepStatus.COMPLETED, 2, {"ok": True})
    assert (step.problem, step.retry_at) == (None, None)
    assert (step.started_at, step.ended_at, step.updated_at) == (first, at, at)
    assert (await execution(journal)).updated_at == at


async def test_steps_are_read_without_what_may_be_large_and_that_by_itself(
    journal: Journal,
) -> None:
    story = Story("a")
    done = (story.dispatched("x"), story.completed("x"), story.dispatched("y"))
    await tell(journal, *story.until_started("x", "y"), *done)
    whole = await steps(journal)
    assert (whole["x"].output, whole["y"].input) == ({"ok": True}, {"id": 1})

    def query(records: Records) -> tuple[list[Step], Step | None, Step | None, object]:
        one, none = records.step("plan_a", "step_y"), records.step("plan_b", "step_y")
        return records.step_states("plan_a"), one, none, records.outputs("plan_a")

    states, one, none, outputs = await journal.read(query)
    assert states == [replace(step, input=None, output=None) for step in whole.values()]
    assert (one, none, outputs) == (whole["y"], None, {"step_x": {"ok": True}})


@pytest.mark.parametrize(
    ("kind", "body", "status", "ended"),
    [
        (EntryType.STEP_FAILED, {"problem": PROBLEM}, StepStatus.FAILED, True),
        (EntryType.STEP_UNRESOLVED, {"problem": PROBLEM}, StepStatus.UNRESOLVED, False),
        (
            *(EntryType.STEP_BLOCKED, {"problem": PROBLEM, "decision": DECISION, "access": {}}),
            *(StepStatus.FAILED, True),
        ),
        (
            *(EntryType.STEP_SKIPPED, {"input": {"a": 1}, "decision": DECISION, "reason": "dry"}),
            *(StepStatus.SKIPPED, True),
        ),
    ],
)
async def test_a_step_ends_otherwise(
    journal: Journal, kind: EntryType, body: dict, status: StepStatus, ended: bool
) -> None:
    story = Story("a")
    at = await tell(journal, *story.until_started("x"), story.step(kind, "x", **body))

    step = (await steps(journal))["x"]

    assert (step.status, step.ended_at) == (status, at if ended else None)
    assert step.problem == body.get("problem")
    assert step.decision == DECISION


async def test_a_run_that_waits_and_ends_moves_its_steps(journal: Journal) -> None:
    story = Story("a")
    waiting = story.entry(
        EntryType.RUN_WAITING,
        executionStatus="waiting_approval",
        wakeAt=None,
        steps={"step_x": "ready"},
    )
    await tell(journal, *story.until_started("x", "y"), waiting)
    assert (await execution(journal)).status is ExecutionStatus.WAITING_APPROVAL
    assert (await steps(journal))["x"].status is StepStatus.READY

    at = await tell(journal, story.ended("cancelled", x="cancelled", y="cancelled"))
    found = await execution(journal)
    assert (found.status, found.ended_at) == (ExecutionStatus.CANCELLED, at)
    assert {step.status for step in (await steps(journal)).values()} == {StepStatus.CANCELLED}


async def test_an_approval_gathers_votes_and_is_used_once(journal: Journal) -> None:
    story = Story("a")
    at = await tell(journal, *story.until_started("x"), story.requested("x", "ap_1", quorum=2))
    asked = await approval(journal)
    assert (asked.status, asked.quorum, asked.requested_at) == (ApprovalStatus.PENDING, 2, at)
    assert (asked.arguments, asked.votes) == ({"amount": 80.5}, ())
    assert (await steps(journal))["x"].status is StepStatus.WAITING_APPROVAL

    first = await tell(journal, story.voted("x", "ap_1", "bob", approved=False))
    assert (await approval(journal)).status is ApprovalStatus.PENDING
    second = await tell(journal, story.voted("x", "ap_1", "carol", approved=True))
    given = await approval(journal)
    assert (given.status, given.decided_at) == (ApprovalStatus.APPROVED, second)
    assert given.votes == (
        {"by": "bob", "at": first, "note": None},
        {"by": "carol", "at": second, "note": None},
    )

    await tell(journal, story.dispatched("x", approvalId="ap_1"))
    assert (await approval(journal)).status is ApprovalStatus.USED


@pytest.mark.parametrize(
    ("kind", "body", "status", "step_status", "note"),
    [
        (
            *(EntryType.APPROVAL_REJECTED, {"by": "bob", "reason": "too much"}),
            *(ApprovalStatus.REJECTED, StepStatus.REJECTED, "too much"),
        ),
        (EntryType.APPROVAL_EXPIRED, {}, ApprovalStatus.EXPIRED, StepStatus.EXPIRED, None),
        (
            *(EntryType.APPROVAL_VOIDED, {"reason": "policy changed", "stepStatus": "ready"}),
            *(ApprovalStatus.VOID, StepStatus.READY, "policy changed"),
        ),
    ],
)
async def test_an_approval_ends_otherwise(
    journal: Journal,
    kind: EntryType,
    body: dict,
    status: ApprovalStatus,
    step_status: StepStatus,
    note: str | None,
) -> None:
    story = Story("a")
    closing = story.step(kind, "x", approvalId="ap_1", **body)
    at = await tell(journal, *story.until_started("x"), story.requested("x", "ap_1"), closing)

    found = await approval(journal)

    assert (found.status, found.decided_at, found.note) == (status, at, note)
    assert (await steps(journal))["x"].status is step_status


async def test_the_newest_request_of_a_step_counts(journal: Journal) -> None:
    story = Story("a")
    voided = story.step(
        *(EntryType.APPROVAL_VOIDED, "x"), approvalId="ap_1", reason="r", stepStatus="ready"
    )
    await tell(journal, *story.until_started("x"), story.requested("x", "ap_1"), voided)
    await tell(journal, story.requested("x", "ap_2"))

    assert (await approval(journal)).id == "ap_2"


async def test_an_open_request_counts_before_one_that_is_over_whatever_the_clock_said(
    journal: Journal,
) -> None:
    """Requests of one moment are told apart by their ids, as those of two are by the moments."""
    story = Story("a")
    voided = story.step(
        *(EntryType.APPROVAL_VOIDED, "x"), approvalId="ap_2", reason="r", stepStatus="ready"
    )
    before = [*story.until_started("x"), story.requested("x", "ap_2"), voided]
    await tell(journal, *before, story.requested("x", "ap_1"))
    assert (await approval(journal)).id == "ap_1"
    await tell(journal, story.voted("x", "ap_1", "bob", approved=True))
    assert (await approval(journal)).id == "ap_1"


async def test_approvals_are_listed_oldest_first_by_filter_and_page(journal: Journal) -> None:
    for number in range(5):
        story = Story(f"a{number}")
        await tell(journal, *story.until_started("x"), story.requested("x", f"ap_{number}"))
    other = Story("b", workspace="beta")
    await tell(journal, *other.until_started("x"), other.requested("x", "ap_other"))
    await tell(journal, Story("a0").voted("x", "ap_0", "bob", approved=True))

    async def listed(page: Page, **narrow: Any) -> tuple[list[str], int]:
        which = ApprovalFilter(WORKSPACE, **narrow)
        found, total = await journal.read(lambda records: records.approvals(which, page))
        return [item.id for item in found], total

    async def behind(approval_id: str) -> tuple[str, str]:
        found, _ = await journal.read(lambda records: records.approvals(every, Page(9)))
        (one,) = [one for one in found if one.id == approval_id]
        return one.requested_at, one.id

    every = ApprovalFilter(WORKSPACE)

    assert await listed(Page(2)) == (["ap_0", "ap_1"], 5)
    assert await listed(Page(9, 3)) == (["ap_3", "ap_4"], 5)
    assert await listed(Page(2), status="pending") == (["ap_1", "ap_2"], 4)
    assert await listed(Page(2), execution_id="exec_a3") == (["ap_3"], 1)
    assert await listed(Page(2), status="approved", execution_id="exec_a3") == ([], 0)
    assert await listed(Page(2), behind=await behind("ap_1")) == (["ap_2", "ap_3"], 3)
    at = (await behind("ap_1"))[0]
    assert await listed(Page(1), status="pending", behind=(at, "ap_0")) == (["ap_1"], 4)


async def test_who_rejected_a_request_is_told_for_each(journal: Journal) -> None:
    story = Story("a")
    asked = [story.requested(key, f"ap_{key}") for key in ("x", "y", "z")]
    await tell(journal, *story.until_started("x", "y", "z"), *asked)
    for key, who in (("x", "bob"), ("y", "eve")):
        body = {"approvalId": f"ap_{key}", "by": who, "reason": "r"}
        told = story.step(EntryType.APPROVAL_REJECTED, key, **body)._replace(actor=who)
        await tell(journal, told)

    def rejecters(records: Records) -> list[str | None]:
        found, _ = records.approvals(ApprovalFilter(WORKSPACE), Page(9))
        return [records.rejecter(one) for one in sorted(found, key=lambda one: one.id)]

    assert await journal.read(rejecters) == ["bob", "eve", None]


async def test_executions_are_listed_newest_first_by_filter_and_page(journal: Journal) -> None:
    for number in range(5):
        await tell(journal, Story(f"a{number}", subject="bob" if number % 2 else "eve").received())
    await tell(journal, Story("a1", subject="bob").compiled("x"))
    await tell(journal, Story("b", workspace="beta").received())

    async def listed(page: Page, **narrow: str) -> tuple[list[str], int]:
        which = ExecutionFilter(WORKSPACE, **narrow)
        found, total = await journal.read(lambda records: records.executions(which, page))
        return [item.id for item in found], total

    assert await listed(Page(2)) == (["exec_a4", "exec_a3"], 5)
    assert await listed(Page(3, 4)) == (["exec_a0"], 5)
    assert await listed(Page(3), status="compiled") == (["exec_a1"], 1)
    assert await listed(Page(3), submitter="bob") == (["exec_a3", "exec_a1"], 2)
    assert await listed(Page(3), submitter="bob", status="received") == (["exec_a3"], 1)


async def test_the_policy_head_is_the_revision_activated_last(journal: Journal) -> None:
    assert await journal.read(lambda records: records.policy_head()) is None
    for revision in ("sha256:1", "sha256:2"):
        body = {"revision": revision}
        await tell(journal, NewEntry(EntryType.POLICY_ACTIVATED, WORKSPACE, body))

    assert await journal.read(lambda records: records.policy_head()) == "sha256:2"


@pytest.mark.parametrize(
    "kind",
    [EntryType.CALL_FAILED, EntryType.CALL_DENIED, EntryType.CALLS_DENIED, EntryType.RUN_CLAIMED],
)
async def test_trace_only_entries_change_no_projection(journal: Journal, kind: EntryType) -> None:
    story = Story("a")
    await tell(journal, story.received())
    before = await execution(journal)

    await tell(journal, story.entry(kind, runId="run_a", owner="me", epoch=1))

    assert await execution(journal) == before


async def test_the_steps_of_a_contract_are_found_in_the_newest_executions(journal: Journal) -> None:
    for name, workspace in (("a", WORKSPACE), ("b", WORKSPACE), ("c", "beta")):
        story = Story(name, workspace)
        await tell(journal, story.received(), story.compiled("x", "y"))

    def found(workspace: str, contract: str, limit: int):
        return journal.read(lambda r: r.steps_of_contract(workspace, contract, limit))

    ref = "support.ticket.read@1.0.0"
    all_steps = [(one.plan_id, one.key) for one in await found(WORKSPACE, ref, 10)]
    assert all_steps == [("plan_b", "x"), ("plan_b", "y"), ("plan_a", "x"), ("plan_a", "y")]
    assert [one.plan_id for one in await found("beta", ref, 10)] == ["plan_c", "plan_c"]
    assert [one.key for one in await found(WORKSPACE, ref, 1)] == ["x"]
    assert await found(WORKSPACE, "support.ticket.read@2.0.0", 10) == []
