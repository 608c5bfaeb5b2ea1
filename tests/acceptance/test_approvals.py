"""Approvals over HTTP: who may decide, what a decision binds to, and what changes it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.drafts import (
    APPROVE,
    REJECT,
    START,
    approve,
    cancel_subscription,
    ids,
    policies,
    refund,
    reply,
    step_of,
    verified,
    waiting,
)
from tests.processes import JsonObject
from tests.world import World, end_world, make_world, wait_until

OVER_LIMIT = "support.refund.issue?, *, amount > 100, assist, approver, 1, 24h"
MEDIUM = "p, 900, type:agent, *, *, medium, true, assist, approver, 1, 24h"


@pytest.fixture(scope="module")
def world(each_world: World) -> World:
    """Each test here holds on every database."""
    return each_world


def end_of(world: World, run: JsonObject) -> str:
    over = ("COMPLETED", "FAILED", "REJECTED", "EXPIRED", "CANCELLED")
    return str(world.wait(run["executionId"], *over)["status"])


def refused_code(world: World, name: str, run: JsonObject, *roles: str, kind: str = "human") -> str:
    """Why this person (or agent) may not approve the step that a run waits for."""
    caller = world.gateway.caller(name, *roles, kind=kind)
    refused = caller.refused(*APPROVE, {**step_of(run), "approvedBy": name})
    return str(refused["code"])


# --- deciding


def test_one_rejection_ends_the_run(world: World) -> None:
    run = waiting(world)
    value = {**step_of(run), "rejectedBy": "fiona", "reason": "not owed"}
    assert world.fiona.mutate(*REJECT, value)["status"] == "REJECTED"
    assert end_of(world, run) == "REJECTED"
    assert world.step(run["executionId"], "refund")["status"] == "REJECTED"
    late = world.fiona.refused(*APPROVE, {**step_of(run), "approvedBy": "fiona"})
    assert (late["code"], late["problem"]["currentStatus"]) == ("CONFLICT", "REJECTED")
    (closed,) = world.approvals(run["executionId"], "REJECTED")
    assert closed["stepId"] == run["stepId"]


def test_approving_twice_changes_nothing(world: World) -> None:
    run = waiting(world, [refund(150.07)])
    approve(world.fiona, "fiona", run)
    again = world.fiona.refused(*APPROVE, {**step_of(run), "approvedBy": "fiona"})
    assert again["code"] == "CONFLICT"
    assert end_of(world, run) == "COMPLETED"
    late = world.fiona.refused(*APPROVE, {**step_of(run), "approvedBy": "fiona"})
    assert (late["code"], late["problem"]["currentStatus"]) == ("CONFLICT", "COMPLETED")
    paid = [one for one in world.service.effects("refund") if one["payload"]["cents"] == 15007]
    assert len(paid) == 1


def test_a_step_that_does_not_exist_or_does_not_ask_is_not_approved(world: World) -> None:
    run = waiting(world, [refund(151), reply("later", dependsOn=["refund"])])
    nobody = {**step_of(run), "stepId": "step_none", "approvedBy": "fiona"}
    assert world.fiona.refused(*APPROVE, nobody)["code"] == "NOT_FOUND"
    other = world.step(run["executionId"], "reply")["stepId"]
    asks_not = {**step_of(run), "stepId": other, "approvedBy": "fiona"}
    assert world.fiona.refused(*APPROVE, asks_not)["code"] == "CONFLICT"


def test_nobody_decides_in_the_name_of_somebody_else(world: World) -> None:
    run = waiting(world)
    approved = world.fiona.refused(*APPROVE, {**step_of(run), "approvedBy": "olga"})
    assert approved["code"] == "FORBIDDEN"
    value = {**step_of(run), "rejectedBy": "olga", "reason": "no"}
    assert world.fiona.refused(*REJECT, value)["code"] == "FORBIDDEN"
    assert world.execution(run["executionId"])["status"] == "WAITING_APPROVAL"


# --- who


def test_only_people_with_the_role_decide(world: World) -> None:
    run = waiting(world)
    for kind in ("agent", "service", "tool"):
        assert refused_code(world, "robot", run, "user", "approver", kind=kind) == "FORBIDDEN"
        robot = world.gateway.caller("robot", "user", "approver", kind=kind)
        value = {**step_of(run), "rejectedBy": "robot", "reason": "no"}
        assert robot.refused(*REJECT, value)["code"] == "FORBIDDEN"
    assert refused_code(world, "ursula", run, "user") == "FORBIDDEN"
    assert world.approvals(run["executionId"])[0]["approvals"] == 0


def test_whoever_brought_the_action_about_does_not_approve_it(world: World) -> None:
    submitter = world.gateway.caller("sam", "user", "approver")
    compiler = world.gateway.caller("carl", "user", "planner", "approver")
    planned = verified(world, [refund(250)], who=compiler, submitter=submitter)
    starter = world.gateway.caller("stan", "admin")
    run = {**planned, **starter.mutate(*START, ids(planned))}
    world.wait(run["executionId"], "WAITING_APPROVAL")
    (asked,) = world.approvals(run["executionId"])
    for caller, name, deed in (
        (submitter, "sam", "submitted"),
        (compiler, "carl", "compiled"),
        (starter, "stan", "started"),
    ):
        refused = caller.refused(*APPROVE, {**step_of(asked), "approvedBy": name})
        assert refused["code"] == "FORBIDDEN"
        assert deed in refused["problem"]["detail"]
    assert approve(world.fiona, "fiona", asked)["status"] == "APPROVED"
    assert end_of(world, run) == "COMPLETED"


def test_a_blocked_step_cannot_be_approved(world: World) -> None:
    planned = verified(world, [refund(20_000)])
    assert world.execution(planned["executionId"])["status"] == "BLOCKED"
    step_id = world.step(planned["executionId"], "refund")["stepId"]
    value = {"executionId": planned["executionId"], "stepId": step_id, "approvedBy": "fiona"}
    refused = world.fiona.refused(*APPROVE, value)
    assert (refused["code"], refused["problem"]["currentStatus"]) == ("CONFLICT", "BLOCKED")


# --- the list


def test_the_list_shows_pending_requests_unless_asked_otherwise(world: World) -> None:
    run, done = waiting(world, [refund(250)]), waiting(world, [refund(152)])
    approve(world.fiona, "fiona", done)
    assert end_of(world, done) == "COMPLETED"
    selection = "total items { executionId status contract requestedBy risk expiresAt }"
    found = world.fiona.query("controlPlaneApprovalList", selection, {"limit": 200})
    assert run["executionId"] in {item["executionId"] for item in found["items"]}
    assert {item["status"] for item in found["items"]} == {"PENDING"}
    assert found["total"] == len(found["items"])
    (used,) = world.approvals(done["executionId"], "USED")
    assert used["approvals"] == 1
    assert world.approvals(done["executionId"]) == []
    page = world.fiona.query("controlPlaneApprovalList", selection, {"limit": 1, "offset": 0})
    assert len(page["items"]) == 1
    assert page["total"] == found["total"]
    refused = world.fiona.refused("controlPlaneApprovalList", "total", {"limit": 0}, kind="query")
    assert refused["code"] == "VALIDATION_FAILED"


# --- quorum and expiry


@pytest.fixture(scope="module")
def strict_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world in which large refunds need two people, and the rest an answer within a second."""
    folder = tmp_path_factory.mktemp("strict")
    edited = policies(
        folder / "policies",
        (OVER_LIMIT, OVER_LIMIT.replace("1, 24h", "2, 24h")),
        (MEDIUM, MEDIUM.replace("24h", "1s")),
    )
    made = make_world(folder, GATEWAY_POLICY_DIR=edited)
    yield made
    end_world(made)


def test_a_quorum_counts_distinct_people(strict_world: World) -> None:
    run = waiting(strict_world)
    assert approve(strict_world.fiona, "fiona", run)["status"] == "PENDING"
    twice = strict_world.fiona.refused(*APPROVE, {**step_of(run), "approvedBy": "fiona"})
    assert twice["code"] == "CONFLICT"
    elsewhere = strict_world.gateway.caller("fiona", "user", "approver")
    assert (
        elsewhere.refused(*APPROVE, {**step_of(run), "approvedBy": "fiona"})["code"] == "CONFLICT"
    )
    (asked,) = strict_world.approvals(run["executionId"])
    assert (asked["quorum"], asked["approvals"], asked["status"]) == (2, 1, "PENDING")
    assert strict_world.execution(run["executionId"])["status"] == "WAITING_APPROVAL"
    george = strict_world.gateway.caller("george", "user", "approver")
    assert approve(george, "george", run)["status"] == "APPROVED"
    assert end_of(strict_world, run) == "COMPLETED"


def test_a_request_that_nobody_decides_expires_by_itself(strict_world: World) -> None:
    run = strict_world.run([cancel_subscription(), reply("never", dependsOn=["cancel"])])
    assert end_of(strict_world, run) == "EXPIRED"
    assert strict_world.step(run["executionId"], "cancel")["status"] == "EXPIRED"
    assert strict_world.step(run["executionId"], "reply")["status"] == "CANCELLED"
    (asked,) = strict_world.approvals(run["executionId"], "EXPIRED")
    run["stepId"] = asked["stepId"]
    late = strict_world.fiona.refused(*APPROVE, {**step_of(run), "approvedBy": "fiona"})
    assert (late["code"], late["problem"]["currentStatus"]) == ("CONFLICT", "EXPIRED")
    assert strict_world.service.effects("cancellation") == []


# --- a policy that changes while a request waits


def restart_with(world: World, folder: Path, *changes: tuple[str, str]) -> None:
    """Start the gateway again under changed policies."""
    world.gateway.stop()
    world.gateway.lead_by(policies(folder / "policies", *changes))
    world.gateway.start()


def statuses(world: World, run: JsonObject) -> list[str]:
    return [entry["status"] for entry in world.trace(run["executionId"])]


def test_a_change_of_its_rule_voids_an_approval_and_asks_again(
    own_world: World, tmp_path: Path
) -> None:
    run = waiting(own_world)
    (before,) = own_world.approvals(run["executionId"])
    restart_with(own_world, tmp_path, (OVER_LIMIT, OVER_LIMIT.replace("> 100", "> 99")))
    wait_until(lambda: "approval.voided" in statuses(own_world, run), 20)
    own_world.wait(run["executionId"], "WAITING_APPROVAL")
    (again,) = own_world.approvals(run["executionId"])
    assert again["approvalId"] != before["approvalId"]
    assert again["approvals"] == 0
    assert own_world.service.effects("refund") == []
    approve(own_world.fiona, "fiona", again)
    assert end_of(own_world, run) == "COMPLETED"
    assert len(own_world.service.effects("refund")) == 1


def test_a_rule_that_blocks_now_stops_what_waited(own_world: World, tmp_path: Path) -> None:
    run = waiting(own_world)
    changed = OVER_LIMIT.replace("assist, approver, 1, 24h", "blocked, -, -, -")
    restart_with(own_world, tmp_path, (OVER_LIMIT, changed))
    assert end_of(own_world, run) == "FAILED"
    step = own_world.step(run["executionId"], "refund")
    assert step["problem"]["code"] == "FORBIDDEN"
    assert own_world.service.effects() == []
    found = own_world.olga.query(
        "controlPlaneTraceReplay", "identical differences { kind path }",
        {"executionId": run["executionId"]},
    )  # fmt: skip
    assert found["identical"] is False


def test_an_approval_outlives_a_change_that_does_not_concern_it(
    own_world: World, tmp_path: Path
) -> None:
    run = waiting(own_world)
    restart_with(own_world, tmp_path, (MEDIUM, MEDIUM.replace("24h", "12h")))
    approve(own_world.fiona, "fiona", run)
    assert end_of(own_world, run) == "COMPLETED"
    assert "approval.voided" not in statuses(own_world, run)
    assert len(own_world.service.effects("refund")) == 1


def test_a_plan_verified_under_another_policy_is_decided_again_at_its_start(
    own_world: World, tmp_path: Path
) -> None:
    planned = verified(own_world, [refund(50)])
    small = "type:agent, *, support.refund.issue?, *, amount <= 100, autonomous, -, -, -"
    restart_with(own_world, tmp_path, (small, small.replace("autonomous", "blocked")))
    refused = own_world.olga.refused(*START, ids(planned))
    assert refused["code"] == "FORBIDDEN"
    assert own_world.execution(planned["executionId"])["status"] == "BLOCKED"
    assert own_world.service.effects() == []
