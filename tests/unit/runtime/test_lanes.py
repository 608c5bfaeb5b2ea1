"""Lanes in the loop: the gate before the end of a run, and who may do what about it."""

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import pytest

from gateway.journal import rebuild_matches
from gateway.model.action import Declined, Unknown
from gateway.model.entry import EntryType, NewEntry
from gateway.model.evidence import EvidenceKind
from gateway.model.execution import Execution, ExecutionStatus, RunMode
from gateway.model.lane import LANES, LaneFilter, LaneStatus, Readiness, lane_status
from gateway.model.ports import Page, Records, Tx
from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import ProblemError
from gateway.model.sealing import unseal_all
from gateway.model.time import stamp
from gateway.runtime import Attachment, Intent, lane_standing, require_execution
from gateway.runtime import lanes as lanes_module
from tests.unit.runtime.loop_world import (
    AGENT,
    BUSY,
    POLICIES,
    REFUSED,
    SILENCE,
    VERDICT,
    WORKSPACE,
    LoopWorld,
    person,
    step,
)

pytestmark = pytest.mark.anyio

VERA = person("vera", "verifier")
PERSISTENT = "complete.persistent"
DAY = 86_400


def item(kind: str, key: str, **more: Any) -> Attachment:
    return Attachment(EvidenceKind(kind), key, digest="sha256:" + "0" * 64, **more)


async def write(world: LoopWorld, execution_id: str, act: Callable[[Tx, Execution], Any]) -> Any:
    """Act on an execution as it is now."""

    def unit(tx: Tx) -> Any:
        execution = tx.execution(WORKSPACE, execution_id)
        assert execution is not None
        return act(tx, execution)

    return await world.journal.write(unit)


async def attach(world: LoopWorld, execution_id: str, what: Attachment) -> str:
    found: str = await write(
        world, execution_id, lambda tx, one: world.loop.lanes.attach(tx, one, what, "vera")
    )
    return found


async def attach_all(world: LoopWorld, execution_id: str, lane: str) -> None:
    """Attach whatever a lane requires."""
    for key in LANES[lane].artifacts:
        await attach(world, execution_id, item("artifact", key))
    for key in LANES[lane].evidence:
        await attach(world, execution_id, item("evidence", key))


async def approve(
    world: LoopWorld,
    execution_id: str,
    who: Principal = VERA,
    lane: str = PERSISTENT,
    role: str = "verifier",
) -> None:
    def act(tx: Tx, execution: Execution) -> None:
        world.loop.lanes.approve(tx, execution, lane, role, who, "fine")

    await write(world, execution_id, act)


async def hand_over(world: LoopWorld, execution_id: str, lane: str) -> None:
    def act(tx: Tx, execution: Execution) -> None:
        world.loop.lanes.hand_over(tx, execution, lane, "olga", None)

    await write(world, execution_id, act)


async def set_status(world: LoopWorld, execution_id: str, kind: EntryType, status: str) -> None:
    def act(tx: Tx, execution: Execution) -> None:
        body = {"runId": execution.run_id, "executionStatus": status}
        tx.append(NewEntry(kind, WORKSPACE, body, execution.id, "olga"))
        world.loop.lifecycle.wake(tx, execution)

    await write(world, execution_id, act)


async def compiled(world: LoopWorld, lane: str | None, *steps: dict[str, Any]) -> Execution:
    execution = await world.submit(AGENT)
    plan = world.loop.compiler.compile(
        WORKSPACE,
        {"steps": list(steps) or [step("a", "plain")], **({"lane": lane} if lane else {})},
    )
    await world.journal.write(
        lambda tx: world.loop.lifecycle.compiled(tx, execution, plan, "planner", lane=lane)
    )
    return await world.execution(execution.id)


async def begun(
    world: LoopWorld,
    lane: str | None = PERSISTENT,
    *steps: dict[str, Any],
    mode: RunMode = RunMode.AUTONOMOUS,
) -> str:
    """A run in a lane, advanced as far as it goes."""
    execution = await world.verify(await compiled(world, lane, *steps))
    revision = world.loop.policies.revision
    await world.journal.write(
        lambda tx: world.loop.lifecycle.started(tx, execution, mode, "olga", revision)
    )
    await world.advance(execution.id)
    return execution.id


async def seen(world: LoopWorld, execution_id: str) -> tuple[str, str | None]:
    found = await world.execution(execution_id)
    return found.status.value, found.gate


async def refused(awaited: Any) -> tuple[str, str]:
    with pytest.raises(ProblemError) as error:
        await awaited
    return error.value.problem.code, error.value.problem.detail


# --- getting into a lane


async def test_a_draft_names_its_lane_and_the_hash_stays_the_same(world: LoopWorld) -> None:
    inside, outside = await compiled(world, "clarify"), await compiled(world, None)
    assert (inside.lane, outside.lane) == ("clarify", None)
    hashes = []
    for one in (inside, outside):
        found = await world.journal.read(lambda records, one=one: records.plan(one.plan_id or ""))
        assert found is not None
        hashes.append(found.plan.hash)
    assert hashes[0] == hashes[1]
    plan, assigned = (await world.entries(inside.id))[1:]
    assert (plan.type, plan.body["lane"]) == (EntryType.PLAN_COMPILED, "clarify")
    assert (assigned.type, assigned.body) == (EntryType.LANE_ASSIGNED, {"laneKey": "clarify"})


@pytest.mark.parametrize("lane", ["nowhere", "Clarify", "", None, 7, ["clarify"], {}])
async def test_an_unknown_lane_is_told_with_the_other_issues(world: LoopWorld, lane: Any) -> None:
    draft = {"lane": lane, "steps": [step("a", "none")], "extra": 1}
    with pytest.raises(ProblemError) as error:
        world.loop.compiler.compile(WORKSPACE, draft)
    found = {(issue.path, issue.code) for issue in error.value.problem.issues}
    assert ("/input/draft/lane", "UNKNOWN_LANE") in found
    assert {path for path, _ in found} >= {"/input/draft/extra", "/input/draft/steps/0/contract"}


async def test_a_later_plan_without_a_lane_leaves_the_execution_in_its_lane(
    world: LoopWorld,
) -> None:
    execution = await compiled(world, "clarify")
    plan = world.loop.compiler.compile(WORKSPACE, {"steps": [step("b", "plain")]})
    await world.journal.write(
        lambda tx: world.loop.lifecycle.compiled(tx, execution, plan, "planner")
    )
    assert (await world.execution(execution.id)).lane == "clarify"


async def test_a_lane_is_assigned_and_replaced_before_the_start(world: LoopWorld) -> None:
    execution = await world.submit()
    for lane in ("clarify", PERSISTENT):
        await write(
            world,
            execution.id,
            lambda tx, one, lane=lane: world.loop.lanes.assign(tx, one, lane, "olga"),
        )
    assert (await world.execution(execution.id)).lane == PERSISTENT
    bodies = [entry.body for entry in await world.entries(execution.id, EntryType.LANE_ASSIGNED)]
    assert bodies == [{"laneKey": "clarify"}, {"laneKey": PERSISTENT, "from": "clarify"}]


@pytest.mark.parametrize("status", sorted(ExecutionStatus))
async def test_a_lane_is_assigned_before_the_start_only(
    world: LoopWorld, status: ExecutionStatus
) -> None:
    execution = await world.submit()
    await set_status(world, execution.id, EntryType.RUN_RESUMED, status.value)
    assign = write(
        world, execution.id, lambda tx, one: world.loop.lanes.assign(tx, one, "clarify", "olga")
    )
    if status in (ExecutionStatus.RECEIVED, ExecutionStatus.COMPILED, ExecutionStatus.VERIFIED):
        await assign
    else:
        code, told = await refused(assign)
        assert code == "CONFLICT"
        assert status.value.upper() in told


async def test_a_direct_call_has_no_lane(world: LoopWorld) -> None:
    received = await world.journal.write(
        lambda tx: world.loop.lifecycle.receive(tx, AGENT, Intent("", direct=True))
    )
    assign = write(
        world,
        received.execution_id,
        lambda tx, one: world.loop.lanes.assign(tx, one, "clarify", "olga"),
    )
    assert (await refused(assign))[0] == "CONFLICT"


# --- the gate


async def test_a_run_completes_only_through_its_gate(world: LoopWorld) -> None:
    run = await begun(world)
    assert await seen(world, run) == ("running", "missing_artifact")
    for key in LANES[PERSISTENT].artifacts:
        await attach(world, run, item("artifact", key))
        await world.advance(run)
    assert await seen(world, run) == ("running", "missing_evidence")
    await attach(world, run, item("evidence", "verification_results"))
    await world.advance(run)
    assert await seen(world, run) == ("running", "missing_approval")
    await approve(world, run)
    await world.advance(run)
    assert await seen(world, run) == ("completed", None)
    waits = await world.entries(run, EntryType.RUN_WAITING)
    gates = ["missing_artifact", "missing_evidence", "missing_approval"]
    assert [entry.body["gate"] for entry in waits] == gates
    assert rebuild_matches(world.folder / "gateway.db") == []


async def test_who_settled_a_step_does_not_approve_in_its_lane(world: LoopWorld) -> None:
    world.actions.will("plain", SILENCE)
    run = await begun(world)
    await world.settle_by(VERA, run, "a")
    await attach_all(world, run, PERSISTENT)

    def may(records: Records, who: Principal) -> bool:
        execution = require_execution(records, WORKSPACE, run)
        standing = lane_standing(records, execution, stamp(world.clock.now()), world.loop.policies)
        assert standing is not None
        return world.loop.lanes.may_approve(records, execution, standing, who)

    other = person("viktor", "verifier")
    for who, expected in ((VERA, False), (other, True)):
        assert await world.journal.read(partial(may, who=who)) is expected
    code, detail = await refused(approve(world, run))
    assert (code, "You settled a step" in detail) == ("FORBIDDEN", True)
    await approve(world, run, other)


async def test_without_a_lane_there_is_no_gate(world: LoopWorld) -> None:
    assert await seen(world, await begun(world, None)) == ("completed", None)


async def test_what_is_there_before_the_steps_are_done_lets_the_run_complete_at_once(
    world: LoopWorld,
) -> None:
    execution = await compiled(world, "clarify")
    await attach(world, execution.id, item("artifact", "clarification_artifact"))
    await world.verify(execution)
    verified = await world.execution(execution.id)
    revision = world.loop.policies.revision
    await world.journal.write(
        lambda tx: world.loop.lifecycle.started(tx, verified, RunMode.AUTONOMOUS, "olga", revision)
    )
    await world.advance(execution.id)
    assert await seen(world, execution.id) == ("completed", None)
    assert await world.entries(execution.id, EntryType.RUN_WAITING) == []


async def test_the_gate_of_a_dry_run_stands_too(world: LoopWorld) -> None:
    run = await begun(world, mode=RunMode.DRY_RUN)
    assert await seen(world, run) == ("running", "missing_artifact")
    assert world.actions.calls == []


async def test_a_failed_run_ends_past_the_gate(world: LoopWorld) -> None:
    world.actions.will("plain", Declined("REFUSED", "No.", 409))
    run = await begun(world)
    assert await seen(world, run) == ("failed", None)


async def test_a_parked_run_wants_to_be_woken_when_something_goes_stale(world: LoopWorld) -> None:
    run = await begun(world, "team.coordinated")
    await attach(world, run, item("artifact", "team_snapshot"))
    woken = await world.advance(run)
    world.clock.forward(DAY)
    assert woken == stamp(world.clock.now())
    assert await seen(world, run) == ("running", "missing_artifact")
    before = len(await world.entries(run))
    assert await world.advance(run) is None
    assert len(await world.entries(run)) == before  # the readiness is the same


async def test_approved_work_goes_stale_by_itself(world: LoopWorld) -> None:
    run = await begun(world)
    await attach_all(world, run, PERSISTENT)
    assert await world.advance(run) is not None
    world.clock.forward(DAY)
    await world.advance(run)
    assert await seen(world, run) == ("running", "stale_evidence")
    await attach_all(world, run, PERSISTENT)
    await world.advance(run)
    assert await seen(world, run) == ("running", "missing_approval")


async def test_newer_evidence_asks_for_a_new_approval_by_the_same_person(world: LoopWorld) -> None:
    run = await begun(world)
    await attach_all(world, run, PERSISTENT)
    await approve(world, run)
    assert (await refused(approve(world, run)))[0] == "CONFLICT"
    await attach(world, run, item("evidence", "verification_results"))
    await world.advance(run)
    assert await seen(world, run) == ("running", "missing_approval")
    await approve(world, run)
    await world.advance(run)
    assert await seen(world, run) == ("completed", None)


async def test_a_blocking_risk_holds_the_run_until_an_item_settles_it(world: LoopWorld) -> None:
    run = await begun(world, "clarify")
    risk = await attach(world, run, item("risk", "leak", blocking=True))
    await attach(world, run, item("artifact", "clarification_artifact"))
    await world.advance(run)
    assert await seen(world, run) == ("running", "blocked")
    await attach(world, run, item("evidence", "leak_closed", resolves=risk))
    await world.advance(run)
    assert await seen(world, run) == ("completed", None)
    assert rebuild_matches(world.folder / "gateway.db") == []


async def test_a_paused_run_stays_before_its_gate(world: LoopWorld) -> None:
    run = await begun(world, "clarify")
    await set_status(world, run, EntryType.RUN_PAUSED, "paused")
    await attach(world, run, item("artifact", "clarification_artifact"))
    await world.advance(run)
    assert (await seen(world, run))[0] == "paused"
    await hand_over(world, run, "plan.consensus")
    await world.advance(run)
    assert (await seen(world, run))[0] == "paused"
    await set_status(world, run, EntryType.RUN_RESUMED, "running")
    await world.advance(run)
    assert await seen(world, run) == ("running", "missing_artifact")


@pytest.mark.parametrize(
    "route", ["retry", "settled as done", "pause and resume", "cut off", "policy", "time"]
)
async def test_no_way_leads_round_the_gate(world: LoopWorld, route: str) -> None:
    trouble = {"retry": Declined("REFUSED", "No.", 409), "settled as done": Unknown("It was cut.")}
    if route in trouble:
        world.actions.will("plain", trouble[route])
    run = await begun(world)
    if route == "retry":
        await world.operate("retry", run)
    elif route == "settled as done":
        await world.reconcile(run, "a", "done", id="a")
    elif route == "pause and resume":
        await world.operate("pause", run, "a break")
        await world.advance(run)
        await world.operate("resume", run)
    elif route == "policy":
        await world.decide_by(VERDICT.replace("910", "911"))
    elif route == "time":
        world.clock.forward(30 * DAY)
    for _ in range(2):
        world.clock.forward(31)
        await world.advance(run, world.process() if route == "cut off" else None)
    assert await seen(world, run) == ("running", "missing_artifact")
    completed = [
        entry.body["executionStatus"] for entry in await world.entries(run, EntryType.RUN_ENDED)
    ]
    assert "completed" not in completed


@pytest.mark.parametrize("seconds", [60, -3600])
async def test_what_was_attached_before_a_retry_is_stale_whatever_the_clock_said(
    world: LoopWorld, seconds: float
) -> None:
    world.actions.will("plain", BUSY, REFUSED)
    run = await begun(world, "clarify")
    await attach(world, run, item("artifact", "clarification_artifact"))
    world.clock.forward(60)
    await world.advance(run)
    assert await seen(world, run) == ("failed", None)
    world.clock.forward(seconds)
    await world.operate("retry", run)
    await world.advance(run)
    assert await seen(world, run) == ("running", "stale_evidence")
    world.clock.forward(-60)
    await attach(world, run, item("artifact", "clarification_artifact"))
    await world.advance(run)
    assert await seen(world, run) == ("completed", None)


async def test_another_process_finds_the_gate_where_it_was(world: LoopWorld) -> None:
    run = await begun(world, "clarify")
    other = world.process()
    before = await world.entries(run)
    await world.advance(run, other)
    assert await seen(world, run) == ("running", "missing_artifact")
    more = [entry.type for entry in (await world.entries(run))[len(before) :]]
    assert more == []
    await attach(world, run, item("artifact", "clarification_artifact"))
    await world.advance(run, other)
    assert await seen(world, run) == ("completed", None)


# --- attaching


async def test_the_content_and_the_note_of_an_item_are_sealed(world: LoopWorld) -> None:
    run = await begun(world)
    content = {"who": "ada@example.com"}
    await attach(world, run, item("evidence", "x", content=content, note="Ada said so"))
    (entry,) = await world.entries(run, EntryType.EVIDENCE_ATTACHED)
    told = str(entry.body)  # digests and sealed values spell "ada" now and then
    assert "ada@" not in told
    assert "said so" not in told
    opened = unseal_all(world.sealer, WORKSPACE, entry.body)
    assert (opened["content"], opened["note"]) == (content, "Ada said so")
    (kept,) = await world.journal.read(lambda records: records.evidence_items(run))
    assert (kept.attached_by, kept.seq, kept.key) == ("vera", entry.seq, "x")


async def test_nothing_is_attached_once_the_execution_has_ended(world: LoopWorld) -> None:
    run = await begun(world, None)
    code, told = await refused(attach(world, run, item("artifact", "x")))
    assert code == "CONFLICT"
    assert "COMPLETED" in told


async def test_a_risk_is_settled_once_and_only_in_its_own_execution(world: LoopWorld) -> None:
    run, other = await begun(world), await begun(world)
    risk = await attach(world, run, item("risk", "leak"))
    proof = await attach(world, run, item("evidence", "x"))
    for where, named in ((other, risk), (run, proof), (run, "evid_none")):
        settle = attach(world, where, item("evidence", "x", resolves=named))
        assert (await refused(settle))[0] == "NOT_FOUND"
    await attach(world, run, item("evidence", "x", resolves=risk))
    settle = attach(world, run, item("evidence", "x", resolves=risk))
    assert (await refused(settle))[0] == "CONFLICT"


async def test_an_execution_takes_a_bounded_number_of_items(
    world: LoopWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes_module, "MAX_ITEMS", 2)
    run = await begun(world)
    for _ in range(2):
        await attach(world, run, item("artifact", "x"))
    assert (await refused(attach(world, run, item("artifact", "x"))))[0] == "LIMIT_EXCEEDED"


async def test_only_a_run_in_a_lane_is_woken_by_what_is_attached(world: LoopWorld) -> None:
    run = await begun(world, None, step("a", "cash", amount=500))
    assert await world.status(run) == "waiting_approval"
    before = len(world.quiet.submitted)
    await attach(world, run, item("artifact", "x"))
    assert len(world.quiet.submitted) == before
    run = await begun(world)
    before = len(world.quiet.submitted)
    await attach(world, run, item("artifact", "x"))
    assert len(world.quiet.submitted) == before + 1


# --- approving


async def test_people_who_hold_the_role_and_had_no_part_in_it_approve(world: LoopWorld) -> None:
    run = await begun(world)
    await attach_all(world, run, PERSISTENT)
    told = {
        "agent": person("bot", "verifier", kind=PrincipalType.AGENT),
        "verifier": person("fiona", "approver"),
        "submitted": person(AGENT.subject, "verifier"),
        "compiled": person("planner", "verifier"),
        "compiled its plan": person("Planner", "verifier"),
        "started": person("olga", "admin", "verifier"),
    }
    for part, who in told.items():
        code, detail = await refused(approve(world, run, who))
        assert code == "FORBIDDEN"
        assert part in detail
    await approve(world, run)
    (entry,) = await world.entries(run, EntryType.LANE_APPROVED)
    assert (entry.actor, entry.body["role"]) == ("vera", "verifier")


async def test_an_approval_does_not_outlive_the_role_of_its_giver(world: LoopWorld) -> None:
    access = (POLICIES / "access.csv").read_text()
    vera = person("vera")  # policy makes her a verifier, and her token does not
    await world.decide_by(VERDICT, access=f"{access}g, user:vera, verifier, *\n")
    run = await begun(world)
    await world.operate("pause", run, "a break")
    await attach_all(world, run, PERSISTENT)
    await approve(world, run, vera)
    await world.decide_by(VERDICT, access=access)
    await write(world, run, lambda tx, one: world.loop.operator.resume(tx, one, "olga"))
    await world.advance(run)
    assert await seen(world, run) == ("running", "missing_approval")
    await approve(world, run, person("viktor", "verifier"))
    await world.advance(run)
    assert await seen(world, run) == ("completed", None)
    assert rebuild_matches(world.folder / "gateway.db") == []


async def test_nothing_is_approved_before_there_is_something_to_approve(world: LoopWorld) -> None:
    run = await begun(world)
    code, told = await refused(approve(world, run))
    assert code == "PRECONDITION_FAILED"
    assert "verification_results" in told


async def test_a_result_is_not_approved_before_there_is_one(world: LoopWorld) -> None:
    run = await begun(world, PERSISTENT, step("a", "cash", amount=500))
    await attach_all(world, run, PERSISTENT)
    code, told = await refused(approve(world, run))
    assert (code, "Not done yet: a." in told) == ("PRECONDITION_FAILED", True)
    await world.approve(run, "a")
    await world.advance(run)
    assert await seen(world, run) == ("running", "missing_approval")
    await approve(world, run)
    await world.advance(run)
    assert await seen(world, run) == ("completed", None)


async def test_nothing_is_approved_over_an_open_risk(world: LoopWorld) -> None:
    run = await begun(world)
    await attach_all(world, run, PERSISTENT)
    risk = await attach(world, run, item("risk", "leak", blocking=True))
    code, told = await refused(approve(world, run))
    assert (code, "BLOCKED: blocking risks: leak" in told) == ("PRECONDITION_FAILED", True)
    await attach(world, run, item("evidence", "leak_closed", resolves=risk))
    await approve(world, run)
    await world.advance(run)
    assert await seen(world, run) == ("completed", None)


async def test_whoever_approved_has_not_seen_a_risk_that_came_later(world: LoopWorld) -> None:
    """It cannot be raised and settled behind the back of the person who approved."""
    run = await begun(world)
    await attach_all(world, run, PERSISTENT)
    await set_status(world, run, EntryType.RUN_PAUSED, "paused")
    await approve(world, run)
    risk = await attach(world, run, item("risk", "leak", blocking=True))
    await attach(world, run, item("risk", "remark"))
    await attach(world, run, item("evidence", "no_leak", resolves=risk))
    await set_status(world, run, EntryType.RUN_RESUMED, "running")
    await world.advance(run)
    assert await seen(world, run) == ("running", "missing_approval")


async def test_an_approval_is_for_the_present_lane_and_a_role_that_it_asks_for(
    world: LoopWorld,
) -> None:
    run = await begun(world)
    await attach_all(world, run, PERSISTENT)
    for lane, role in (("clarify", "verifier"), (PERSISTENT, "admin"), (PERSISTENT, "")):
        assert (await refused(approve(world, run, VERA, lane, role)))[0] == "CONFLICT"
    code, _ = await refused(approve(world, await begun(world, None, step("a", "two"))))
    assert code == "PRECONDITION_FAILED"
    await approve(world, run)
    await world.advance(run)
    assert (await refused(approve(world, run)))[0] == "CONFLICT"


# --- handing over


async def test_a_run_is_handed_over_once_its_lane_has_what_it_requires(world: LoopWorld) -> None:
    run = await begun(world, "clarify", step("a", "two"))
    code, told = await refused(hand_over(world, run, "plan.consensus"))
    assert code == "PRECONDITION_FAILED"
    assert "MISSING_ARTIFACT" in told
    assert "clarification_artifact" in told
    await attach(world, run, item("artifact", "clarification_artifact"))
    for lane in ("clarify", PERSISTENT, "team.coordinated"):
        code, told = await refused(hand_over(world, run, lane))
        assert code == "CONFLICT"
        assert "plan.consensus" in told
    await hand_over(world, run, "plan.consensus")
    found = await world.execution(run)
    assert (found.lane, found.lane_transitions) == ("plan.consensus", 1)
    (entry,) = await world.entries(run, EntryType.LANE_HANDED_OVER)
    assert (entry.body["from"], entry.body["to"]) == ("clarify", "plan.consensus")
    code, _ = await refused(hand_over(world, run, PERSISTENT))
    assert code == "PRECONDITION_FAILED"


async def test_a_run_is_handed_from_lane_to_lane_and_ends_through_the_last_gate(
    world: LoopWorld,
) -> None:
    run = await begun(world, "clarify", step("a", "cash", amount=500))
    for lane in ("clarify", "plan.consensus", "team.coordinated"):
        await attach_all(world, run, lane)
        await hand_over(world, run, LANES[lane].next_lanes[-1])
    await world.approve(run, "a")
    await world.advance(run)
    assert await seen(world, run) == ("running", "missing_artifact")
    await attach_all(world, run, PERSISTENT)
    await approve(world, run)
    await world.advance(run)
    assert await seen(world, run) == ("completed", None)
    assert (await world.execution(run)).lane_transitions == 3
    assert rebuild_matches(world.folder / "gateway.db") == []


async def test_an_ended_run_and_one_without_a_lane_are_not_handed_over(world: LoopWorld) -> None:
    ended = await begun(world, None)
    assert (await refused(hand_over(world, ended, "clarify")))[0] == "CONFLICT"
    outside = await begun(world, None, step("a", "two"))
    assert (await refused(hand_over(world, outside, "clarify")))[0] == "PRECONDITION_FAILED"


# --- listing


async def test_a_list_by_lane_status_holds_exactly_those_that_stand_so(world: LoopWorld) -> None:
    expected: dict[LaneStatus, set[str]] = {status: set() for status in LaneStatus}
    gates = (None, Readiness.BLOCKED.value, Readiness.MISSING_APPROVAL.value)
    for status, gate in product(ExecutionStatus, gates):
        run = await begun(world, "clarify")

        def act(tx: Tx, one: Execution, status: str = status, gate: str | None = gate) -> None:
            body = {"executionStatus": status, "wakeAt": None, "gate": gate}
            tx.append(NewEntry(EntryType.RUN_WAITING, WORKSPACE, body, one.id))

        await write(world, run, act)
        expected[lane_status(status, gate)].add(run)

    def query(records: Records) -> None:
        for status, runs in expected.items():
            for lane in (None, "clarify"):
                which = LaneFilter(WORKSPACE, lane, status)
                found, total = records.runs_in_lanes(which, Page(200))
                assert {one.id for one in found} == runs, status
                assert total == len(runs)
            assert records.runs_in_lanes(LaneFilter("globex", None, status), Page(200)) == ([], 0)
            assert records.runs_in_lanes(LaneFilter(WORKSPACE, PERSISTENT, status), Page(9))[1] == 0
        everything, total = records.runs_in_lanes(LaneFilter(WORKSPACE), Page(200))
        window, again = records.runs_in_lanes(LaneFilter(WORKSPACE), Page(5, 3))
        assert total == again == len(everything) == len(ExecutionStatus) * len(gates)
        assert window == everything[3:8]
        moments = [one.created_at for one in everything]
        assert moments == sorted(moments, reverse=True)

    await world.journal.read(query)


async def test_executions_without_a_run_or_a_lane_are_in_no_list(world: LoopWorld) -> None:
    await compiled(world, "clarify")
    await begun(world, None)
    listed = await world.journal.read(
        lambda records: records.runs_in_lanes(LaneFilter(WORKSPACE), Page(9))
    )
    assert listed == ([], 0)
