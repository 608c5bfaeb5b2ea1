"""Lanes over HTTP: what a run must show before it completes, who shows it, and who confirms it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.journal import rebuild_matches
from tests.acceptance.drafts import CANCEL, COMPILE, START, ended, lookup, refund, reply
from tests.processes import Caller
from tests.world import World, wait_until

JsonObject = dict[str, Any]

ASSIGN = ("controlPlaneExecutionLaneAssign", "executionId laneKey laneStatus assignedAt")
ATTACH = (
    "controlPlaneEvidenceAttach",
    "evidenceId executionId runId kind key attachedAt terminalReadiness",
)
APPROVE = ("controlPlaneExecutionLaneApprove", "runId laneKey role terminalReadiness approvedAt")
HAND_OVER = (
    "controlPlaneExecutionLaneHandover",
    "runId fromLane laneKey laneStatus handedOverAt",
)
_GET_FIELDS = (
    "run { runId laneKey laneStatus lanePhase ownerRole objective teamStatus completionPhase "
    "terminalReadiness missingEvidence missingApprovals blockingRisks recommendedNextLane "
    "evidenceBundleCount approvalCount transitionCount queueSkew cleanupStatus retryCount "
    "snapshotRef updatedAt }"
)
GET = ("controlPlaneExecutionLaneGet", _GET_FIELDS)
_LIST_FIELDS = (
    "total items { runId laneKey laneStatus lanePhase ownerRole objective evidenceCompleteness "
    "terminalReadiness pendingApprovalCount missingEvidenceCount missingApprovalCount "
    "recommendedNextLane updatedAt }"
)
LIST = ("controlPlaneExecutionLaneList", _LIST_FIELDS)
STATE = (
    "lane { laneKey laneStatus lanePhase ownerRole evidenceBundleCount pendingApprovalCount "
    "recommendedNextLane }"
)
PERSISTENT = "complete.persistent"
ARTIFACTS = ("completion_record", "progress_ledger", "signoff_record")
DIGEST = "sha256:" + "ab" * 32


@pytest.fixture(scope="module")
def world(each_world: World) -> World:
    """Each test here holds on every database."""
    return each_world


@pytest.fixture
def vera(world: World) -> Caller:
    return world.gateway.caller("vera", "verifier")


@pytest.fixture
def stranger(world: World) -> Caller:
    """An admin of another workspace."""
    return world.gateway.caller("olga", "admin", "verifier", workspace="globex")


def compiled(world: World, lane: str | None, steps: list[JsonObject]) -> JsonObject:
    intent = world.submit()
    draft = {"steps": steps, **({"lane": lane} if lane else {})}
    value = {"executionId": intent["executionId"], "intentId": intent["intentId"], "draft": draft}
    return {**intent, **world.agent.mutate(*COMPILE, value)}


def run_in(world: World, lane: str | None, steps: list[JsonObject] | None = None) -> JsonObject:
    """Start a run in a lane; its one step needs no approval unless ``steps`` say otherwise."""
    planned = compiled(world, lane, steps or [lookup()])
    world.verify(planned)
    value = {"executionId": planned["executionId"], "planId": planned["planId"]}
    return {**planned, **world.olga.mutate(*START, value)}


def attach(world: World, run: JsonObject, kind: str, key: str, **more: Any) -> JsonObject:
    """Attach something to a run, as its admin."""
    given = more if {"content", "uri", "digest"} & set(more) else {"digest": DIGEST, **more}
    value = {"runId": run["runId"], "kind": kind, "key": key, "attachedBy": "olga", **given}
    return world.olga.mutate(*ATTACH, value)


def attach_all(world: World, run: JsonObject) -> JsonObject:
    """Attach what complete.persistent requires; returns the last answer."""
    for key in ARTIFACTS:
        attach(world, run, "ARTIFACT", key)
    return attach(world, run, "EVIDENCE", "verification_results")


def approval(run: JsonObject, by: str = "vera", **more: str) -> JsonObject:
    return {
        "runId": run["runId"], "laneKey": PERSISTENT, "role": "verifier", "approvedBy": by, **more,
    }  # fmt: skip


def detail(world: World, run: JsonObject, who: Caller | None = None) -> JsonObject:
    found: JsonObject = (who or world.olga).query(*GET, {"runId": run["runId"]})["run"]
    return found


def at_gate(world: World, run: JsonObject, readiness: str) -> JsonObject:
    """Wait until a run stands before its gate with this readiness."""
    found: JsonObject = {}

    def reached() -> bool:
        recorded = gates(world, run)
        found.update(detail(world, run))
        return recorded[-1:] == [readiness.lower()] and found["terminalReadiness"] == readiness

    wait_until(reached, 10, lambda: str(found))
    return found


def state(world: World, execution_id: str) -> JsonObject | None:
    found = world.olga.query(
        "controlPlaneExecutionGet", f"execution {{ {STATE} }}", {"executionId": execution_id}
    )
    lane: JsonObject | None = found["execution"]["lane"]
    return lane


def gates(world: World, run: JsonObject) -> list[str | None]:
    """What the journal says that the run waited for, in order."""
    return [
        entry["metadata"].get("gate")
        for entry in world.trace(run["executionId"])
        if entry["status"] == "run.waiting"
    ]


# --- the story


def test_a_run_completes_when_all_is_shown_and_somebody_else_has_confirmed_it(
    world: World, vera: Caller
) -> None:
    run = run_in(world, PERSISTENT)
    first = at_gate(world, run, "MISSING_ARTIFACT")
    assert first["laneStatus"] == "WAITING"
    assert first["missingEvidence"] == [*ARTIFACTS, "verification_results"]
    assert (first["missingApprovals"], first["approvalCount"]) == (["verifier"], 0)
    assert first["completionPhase"] == "EVIDENCE"
    assert world.execution(run["executionId"])["status"] == "RUNNING"
    assert world.step(run["executionId"], "order")["status"] == "COMPLETED"

    for place, key in enumerate(ARTIFACTS):
        answer = attach(world, run, "ARTIFACT", key)
        last = place == len(ARTIFACTS) - 1
        assert answer["terminalReadiness"] == ("MISSING_EVIDENCE" if last else "MISSING_ARTIFACT")
    at_gate(world, run, "MISSING_EVIDENCE")
    early = vera.refused(*APPROVE, approval(run))
    assert early["code"] == "PRECONDITION_FAILED"
    assert early["problem"]["missingEvidence"] == ["verification_results"]
    answer = attach(world, run, "EVIDENCE", "verification_results", content={"passed": 12})
    assert answer["terminalReadiness"] == "MISSING_APPROVAL"
    waiting = at_gate(world, run, "MISSING_APPROVAL")
    assert (waiting["missingEvidence"], waiting["evidenceBundleCount"]) == ([], 4)
    assert waiting["completionPhase"] == "APPROVALS"
    lane = state(world, run["executionId"])
    assert lane == {
        "laneKey": PERSISTENT,
        "laneStatus": "WAITING",
        "lanePhase": "GATE",
        "ownerRole": "operator",
        "evidenceBundleCount": 4,
        "pendingApprovalCount": 1,
        "recommendedNextLane": None,
    }

    answer = vera.mutate(*APPROVE, approval(run, note="all twelve pass"))
    assert (answer["terminalReadiness"], answer["role"]) == ("READY", "verifier")
    assert ended(world, run) == "COMPLETED"
    done = detail(world, run, vera)
    assert (done["laneStatus"], done["lanePhase"]) == ("COMPLETED", "DONE")
    assert (done["terminalReadiness"], done["approvalCount"]) == ("READY", 1)
    assert (done["queueSkew"], done["retryCount"], done["transitionCount"]) == (None, 0, 0)
    assert gates(world, run) == ["missing_artifact", "missing_evidence", "missing_approval"]
    assert vera.refused(*APPROVE, approval(run))["code"] == "CONFLICT"
    late = {"runId": run["runId"], "kind": "EVIDENCE", "key": "x", "digest": DIGEST}
    told = vera.refused(*ATTACH, {**late, "attachedBy": "vera"})
    assert (told["code"], told["problem"]["currentStatus"]) == ("CONFLICT", "COMPLETED")


def test_without_a_lane_nothing_is_asked_for(world: World) -> None:
    run = run_in(world, None)
    assert ended(world, run) == "COMPLETED"
    assert state(world, run["executionId"]) is None
    refused = world.olga.refused(*GET, {"runId": run["runId"]}, kind="query")
    assert refused["code"] == "PRECONDITION_FAILED"


def test_evidence_goes_stale_by_itself_and_newer_evidence_asks_for_a_new_approval(
    world: World, vera: Caller
) -> None:
    run = run_in(world, PERSISTENT)
    attach_all(world, run)
    at_gate(world, run, "MISSING_APPROVAL")
    soon = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    attach(world, run, "EVIDENCE", "verification_results", validUntil=soon)
    wait_until(lambda: gates(world, run)[-1] == "stale_evidence", 20)
    stale = detail(world, run)
    assert stale["missingEvidence"] == ["verification_results"]
    assert vera.refused(*APPROVE, approval(run))["code"] == "PRECONDITION_FAILED"
    attach(world, run, "EVIDENCE", "verification_results")
    at_gate(world, run, "MISSING_APPROVAL")
    vera.mutate(*APPROVE, approval(run))
    assert ended(world, run) == "COMPLETED"


def test_a_blocking_risk_blocks_until_it_is_settled(world: World) -> None:
    run = run_in(world, "clarify")
    risk = attach(world, run, "RISK", "data_leak", blocking=True)
    assert risk["terminalReadiness"] == "BLOCKED"
    attach(world, run, "ARTIFACT", "clarification_artifact")
    found = at_gate(world, run, "BLOCKED")
    assert found["laneStatus"] == "BLOCKED"
    assert found["blockingRisks"] == [f"data_leak ({risk['evidenceId']})"]
    listed = world.olga.query(*LIST, {"laneStatus": "BLOCKED", "laneKey": "clarify"})
    assert run["runId"] in [item["runId"] for item in listed["items"]]
    attach(world, run, "EVIDENCE", "leak_closed", resolves=risk["evidenceId"])
    assert ended(world, run) == "COMPLETED"


def test_a_team_cleans_up_before_its_run_completes(world: World) -> None:
    run = run_in(world, "team.coordinated")
    snapshot = {"status": "Converging", "members": 3}
    attach(world, run, "ARTIFACT", "team_snapshot", content=snapshot, digest=DIGEST)
    attach(world, run, "ARTIFACT", "verification_lane_evidence", uri="https://ci.example/1")
    attach(world, run, "ARTIFACT", "team_cleanup_state", content={"status": "pending"})
    attach(world, run, "EVIDENCE", "verification_results")
    found = at_gate(world, run, "CLEANUP_PENDING")
    assert (found["teamStatus"], found["cleanupStatus"]) == ("converging", "pending")
    assert (found["snapshotRef"], found["queueSkew"]) == (DIGEST, 0)
    attach(world, run, "ARTIFACT", "team_cleanup_state", content={"status": "done"})
    assert ended(world, run) == "COMPLETED"


def test_a_run_is_handed_over_while_its_steps_run(world: World) -> None:
    run = run_in(world, "clarify", [refund(250)])
    world.wait(run["executionId"], "WAITING_APPROVAL")
    value = {"runId": run["runId"], "laneKey": "plan.consensus", "handedOverBy": "olga"}
    refused = world.olga.refused(*HAND_OVER, value)
    assert refused["code"] == "PRECONDITION_FAILED"
    assert refused["problem"]["terminalReadiness"] == "MISSING_ARTIFACT"
    answer = attach(world, run, "ARTIFACT", "clarification_artifact")
    assert answer["terminalReadiness"] == "NOT_READY"
    found = detail(world, run)
    assert (found["laneStatus"], found["lanePhase"]) == ("WAITING", "EXECUTE")
    assert (found["completionPhase"], found["recommendedNextLane"]) == ("STEPS", "plan.consensus")
    for lane in ("clarify", PERSISTENT):
        refused = world.olga.refused(*HAND_OVER, {**value, "laneKey": lane})
        assert refused["code"] == "CONFLICT"
        assert "plan.consensus" in refused["problem"]["detail"]
    answer = world.olga.mutate(*HAND_OVER, {**value, "reason": "it is clear"})
    assert (answer["fromLane"], answer["laneKey"]) == ("clarify", "plan.consensus")
    found = detail(world, run)
    assert (found["laneKey"], found["transitionCount"]) == ("plan.consensus", 1)
    assert found["terminalReadiness"] == "MISSING_ARTIFACT"
    recorded = [entry["status"] for entry in world.trace(run["executionId"])]
    assert recorded.count("lane.handed_over") == 1
    world.olga.mutate(*CANCEL, {"executionId": run["executionId"], "cancelledBy": "olga"})
    assert detail(world, run)["laneStatus"] == "ABORTED"
    assert world.olga.refused(*HAND_OVER, value)["code"] == "CONFLICT"


def test_a_run_at_its_gate_is_paused_to_be_handed_over(world: World) -> None:
    run = run_in(world, "clarify")
    at_gate(world, run, "MISSING_ARTIFACT")
    one = {"runId": run["runId"]}
    world.olga.mutate("controlPlaneExecutionPause", "status", {**one, "pausedBy": "olga"})
    attach(world, run, "ARTIFACT", "clarification_artifact")
    at_gate(world, run, "READY")
    found = detail(world, run)
    assert (found["laneStatus"], found["recommendedNextLane"]) == ("PAUSED", "plan.consensus")
    value = {**one, "laneKey": "plan.consensus", "handedOverBy": "olga"}
    assert world.olga.mutate(*HAND_OVER, value)["laneStatus"] == "PAUSED"
    world.olga.mutate("controlPlaneExecutionResume", "status", {**one, "resumedBy": "olga"})
    assert at_gate(world, run, "MISSING_ARTIFACT")["laneKey"] == "plan.consensus"


def test_a_retry_asks_for_evidence_anew(world: World) -> None:
    world.service.fault("/tickets/*/replies", "cut", times=1)
    run = run_in(world, "clarify", [reply("in a lane")])
    assert ended(world, run) == "UNRESOLVED"
    answer = attach(world, run, "ARTIFACT", "clarification_artifact")
    assert answer["terminalReadiness"] == "NOT_READY"
    unresolved = detail(world, run)
    assert (unresolved["laneStatus"], unresolved["lanePhase"]) == ("BLOCKED", "EXECUTE")
    retry = {"runId": run["runId"], "retriedBy": "olga"}
    world.olga.mutate("controlPlaneExecutionRetry", "status", retry)
    found = at_gate(world, run, "STALE_EVIDENCE")
    assert (found["retryCount"], found["missingEvidence"]) == (1, ["clarification_artifact"])
    attach(world, run, "ARTIFACT", "clarification_artifact")
    assert ended(world, run) == "COMPLETED"


def test_a_restart_keeps_the_gate_and_the_record_agrees_with_itself(own_world: World) -> None:
    run = run_in(own_world, PERSISTENT)
    attach_all(own_world, run)
    before = at_gate(own_world, run, "MISSING_APPROVAL")
    own_world.gateway.stop()
    database = own_world.gateway.data_dir / "gateway.db"
    assert rebuild_matches(database) == []
    own_world.gateway.start()
    assert detail(own_world, run) == before
    own_world.gateway.caller("vera", "verifier").mutate(*APPROVE, approval(run))
    assert ended(own_world, run) == "COMPLETED"
    own_world.gateway.stop()
    assert rebuild_matches(database) == []
    assert own_world.gateway.command("journal", "rebuild").returncode == 0
    own_world.gateway.start()
    assert detail(own_world, run)["laneStatus"] == "COMPLETED"


# --- assigning


def test_a_lane_is_assigned_before_the_start(world: World) -> None:
    intent = world.submit()
    value = {"executionId": intent["executionId"], "laneKey": "clarify", "assignedBy": "olga"}
    answer = world.olga.mutate(*ASSIGN, value)
    assert (answer["laneKey"], answer["laneStatus"]) == ("clarify", "INITIALIZED")
    operator = world.gateway.caller("omar", "operator")
    again = {**value, "laneKey": PERSISTENT, "assignedBy": "omar"}
    assert operator.mutate(*ASSIGN, again)["laneKey"] == PERSISTENT
    lane = state(world, intent["executionId"])
    assert lane is not None
    assert (lane["laneKey"], lane["lanePhase"]) == (PERSISTENT, "PREPARE")
    listed = world.olga.query("controlPlaneExecutionList", f"items {{ {STATE} }}", {"limit": 1})
    assert listed["items"][0]["lane"]["laneKey"] == PERSISTENT


def test_who_plans_takes_no_execution_out_of_the_lane_that_it_was_put_into(world: World) -> None:
    intent = world.submit()
    one = {"executionId": intent["executionId"]}
    world.olga.mutate(*ASSIGN, {**one, "laneKey": PERSISTENT, "assignedBy": "olga"})
    value = {**one, "intentId": intent["intentId"]}
    told = world.agent.refused(
        *COMPILE, {**value, "draft": {"steps": [lookup()], "lane": "clarify"}}
    )
    assert (told["code"], told["problem"]["currentStatus"]) == ("CONFLICT", "RECEIVED")
    for draft in ({"steps": [lookup()]}, {"steps": [lookup()], "lane": PERSISTENT}):
        world.agent.mutate(*COMPILE, {**value, "draft": draft})
        lane = state(world, intent["executionId"])
        assert lane is not None
        assert lane["laneKey"] == PERSISTENT


def test_assigning_after_the_start_and_to_a_direct_call_is_a_conflict(world: World) -> None:
    run = run_in(world, "clarify")
    at_gate(world, run, "MISSING_ARTIFACT")
    value = {"executionId": run["executionId"], "laneKey": PERSISTENT, "assignedBy": "olga"}
    told = world.olga.refused(*ASSIGN, value)
    assert (told["code"], told["problem"]["currentStatus"]) == ("CONFLICT", "RUNNING")
    assert detail(world, run)["laneKey"] == "clarify"
    refunding = {"orderId": "o-1004", "amount": 250, "currency": "EUR"}
    asked = world.agent.refused("supportRefundIssue", "status", refunding)
    direct = {**value, "executionId": asked["problem"]["executionId"]}
    assert world.olga.refused(*ASSIGN, direct)["code"] == "CONFLICT"


# --- who may, where, and with what


def everything(run: JsonObject, by: str) -> list[tuple[tuple[str, str], JsonObject]]:
    """Every command on lanes, with its input."""
    one, lane = {"runId": run["runId"]}, {"laneKey": "plan.consensus"}
    item = {"kind": "ARTIFACT", "key": "x", "digest": DIGEST}
    return [
        (ASSIGN, {"executionId": run["executionId"], **lane, "assignedBy": by}),
        (ATTACH, {**one, **item, "attachedBy": by}),
        (ATTACH, {"executionId": run["executionId"], **item, "attachedBy": by}),
        (APPROVE, {**one, "laneKey": "clarify", "role": "verifier", "approvedBy": by}),
        (HAND_OVER, {**one, **lane, "handedOverBy": by}),
    ]


def test_lanes_of_another_workspace_are_not_there(world: World, stranger: Caller) -> None:
    run = run_in(world, "clarify")
    before = at_gate(world, run, "MISSING_ARTIFACT")
    for call, value in everything(run, "olga"):
        assert stranger.refused(*call, value)["code"] == "NOT_FOUND", call
    refused = [
        stranger.refused(*GET, {"runId": one}, kind="query") for one in (run["runId"], "run_none")
    ]
    assert [one["code"] for one in refused] == ["NOT_FOUND", "NOT_FOUND"]
    assert stranger.query(*LIST, {}) == {"total": 0, "items": []}
    assert detail(world, run) == before


def test_who_has_no_role_for_it_is_denied(world: World) -> None:
    run = run_in(world, "clarify")
    ulla = world.gateway.caller("ulla", "user")
    for call, value in everything(run, "ulla"):
        assert ulla.refused(*call, value)["code"] == "FORBIDDEN", call
        assert world.gateway.anonymous().refused(*call, value)["code"] == "UNAUTHENTICATED"
    assert ulla.refused(*GET, {"runId": run["runId"]}, kind="query")["code"] == "FORBIDDEN"
    assert ulla.refused(*LIST, {}, kind="query")["code"] == "FORBIDDEN"
    for call, value in everything(run, "somebody-else"):
        assert world.olga.refused(*call, value)["code"] == "FORBIDDEN", call


def test_only_an_uninvolved_person_with_the_role_approves(world: World) -> None:
    run = run_in(world, PERSISTENT)
    attach_all(world, run)
    at_gate(world, run, "MISSING_APPROVAL")
    caller = world.gateway.caller
    refused = {
        "admin": (world.olga, "olga"),
        "starter": (caller("olga", "admin", "verifier"), "olga"),
        "submitter": (caller("agent-7", "verifier"), "agent-7"),
        "machine": (caller("ci", "verifier", kind="service"), "ci"),
        "other role": (caller("max", "approver", "admin"), "max"),
    }
    for part, (who, name) in refused.items():
        assert who.refused(*APPROVE, approval(run, name))["code"] == "FORBIDDEN", part
    vera = caller("vera", "verifier")
    for wrong in ({"laneKey": "clarify"}, {"role": "admin"}):
        assert vera.refused(*APPROVE, {**approval(run), **wrong})["code"] == "CONFLICT"
    assert detail(world, run)["approvalCount"] == 0
    vera.mutate(*APPROVE, approval(run))
    assert ended(world, run) == "COMPLETED"


@pytest.mark.parametrize(
    ("wrong", "path", "code"),
    [
        ({"runId": None}, "/input/runId", "REQUIRED"),
        ({"executionId": "exec_1"}, "/input/runId", "REQUIRED"),
        ({"digest": None}, "/input/content", "REQUIRED"),
        ({"digest": "sha256:AB"}, "/input/digest", "INVALID_FORMAT"),
        ({"key": "No Key"}, "/input/key", "INVALID_FORMAT"),
        ({"key": "x" * 65}, "/input/key", "INVALID_FORMAT"),
        ({"content": {"text": "x" * 17_000}}, "/input/content", "TOO_LONG"),
        ({"blocking": True}, "/input/blocking", "NOT_ALLOWED"),
        ({"validUntil": "2020-01-01T00:00:00Z"}, "/input/validUntil", "OUT_OF_RANGE"),
        ({"validUntil": "0001-01-01T00:00:00+14:00"}, "/input/validUntil", "OUT_OF_RANGE"),
        (
            {"key": "team_snapshot", "content": {"status": "ada@example.com"}},
            "/input/content/status",
            "INVALID_FORMAT",
        ),
    ],
)
def test_what_cannot_be_attached_is_told(
    world: World, wrong: JsonObject, path: str, code: str
) -> None:
    value = {
        "runId": "run_1", "kind": "ARTIFACT", "key": "x", "digest": DIGEST, "attachedBy": "olga",
    }  # fmt: skip
    told = world.olga.refused(*ATTACH, {**value, **wrong})
    assert told["code"] == "VALIDATION_FAILED"
    assert (path, code) in {(one["path"], one["code"]) for one in told["problem"]["issues"]}


def test_unknown_lanes_and_risks_are_told(world: World) -> None:
    run = run_in(world, "clarify")
    for call, value in everything(run, "olga"):
        if "laneKey" in value:
            told = world.olga.refused(*call, {**value, "laneKey": "nowhere"})
            assert told["problem"]["issues"][0]["code"] == "UNKNOWN_LANE", call
    told = world.olga.refused(*LIST, {"laneKey": "nowhere"}, kind="query")
    assert (told["code"], told["problem"]["issues"][0]["path"]) == (
        "VALIDATION_FAILED",
        "/input/laneKey",
    )
    value = {
        "runId": run["runId"], "kind": "EVIDENCE", "key": "x", "digest": DIGEST,
        "attachedBy": "olga", "resolves": "evid_none",
    }  # fmt: skip
    assert world.olga.refused(*ATTACH, value)["code"] == "NOT_FOUND"
    intent = world.submit()
    draft = {"steps": [lookup()], "lane": "nowhere"}
    named = {"executionId": intent["executionId"], "intentId": intent["intentId"]}
    told = world.agent.refused(*COMPILE, {**named, "draft": draft})
    issue = told["problem"]["issues"][0]
    assert (issue["path"], issue["code"]) == ("/input/draft/lane", "UNKNOWN_LANE")


def test_lists_are_filtered_counted_and_paged(own_world: World) -> None:
    world = own_world
    clarify = [run_in(world, "clarify") for _ in range(3)]
    other = run_in(world, PERSISTENT)
    run_in(world, None)
    for run in (*clarify, other):
        at_gate(world, run, "MISSING_ARTIFACT")
    attach(world, clarify[0], "ARTIFACT", "clarification_artifact")
    ended(world, clarify[0])
    everyone = world.olga.query(*LIST, {})
    newest_first = [other, *reversed(clarify)]
    assert [item["runId"] for item in everyone["items"]] == [run["runId"] for run in newest_first]
    counts = [
        world.olga.query(*LIST, value)["total"]
        for value in (
            {"laneKey": "clarify"},
            {"laneStatus": "WAITING"},
            {"laneStatus": "WAITING", "laneKey": "clarify"},
            {"laneStatus": "COMPLETED"},
            {"laneStatus": "SUPERSEDED"},
        )
    ]
    assert counts == [3, 3, 2, 1, 0]
    page = world.olga.query(*LIST, {"laneKey": "clarify", "limit": 1, "offset": 1})
    assert (page["total"], [item["runId"] for item in page["items"]]) == (3, [clarify[1]["runId"]])
    item = everyone["items"][0]
    assert {key: item[key] for key in ("evidenceCompleteness", "missingEvidenceCount")} == {
        "evidenceCompleteness": 0,
        "missingEvidenceCount": 4,
    }
    assert (item["missingApprovalCount"], item["pendingApprovalCount"]) == (1, 1)
    assert everyone["items"][-1]["evidenceCompleteness"] == 1
    refused = world.olga.refused(*LIST, {"limit": 0}, kind="query")
    assert refused["code"] == "VALIDATION_FAILED"


def test_the_content_of_evidence_is_masked_for_who_may_not_see_it(world: World) -> None:
    run = run_in(world, "clarify")
    content = {"witness": "ada@example.com"}
    attach(world, run, "EVIDENCE", "witness", content=content, note="Ada Lovelace said so")
    trace = [
        entry["metadata"]
        for entry in world.trace(run["executionId"], payloads=True)
        if entry["status"] == "evidence.attached"
    ]
    assert "ada@example.com" not in str(trace)
    assert "Lovelace" not in str(trace)
    reader = world.gateway.caller("rita", "admin", "pii.reader")
    found = reader.query(
        "controlPlaneTraceGet",
        "entries { status metadata }",
        {"executionId": run["executionId"], "includePayloads": True},
    )
    (raw,) = [
        entry["metadata"] for entry in found["entries"] if entry["status"] == "evidence.attached"
    ]
    assert (raw["content"], raw["note"]) == (content, "Ada Lovelace said so")
