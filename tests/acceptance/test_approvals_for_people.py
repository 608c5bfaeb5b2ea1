"""The people who approve, over HTTP: inbox, many decisions at once, deadlines, emergencies."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.drafts import (
    APPROVE,
    REJECT,
    approve,
    cancel_subscription,
    policies,
    refund,
    refunds,
    step_of,
    waiting,
)
from tests.processes import Caller, JsonObject
from tests.world import World, end_world, make_world, wait_until

LIST = "controlPlaneApprovalList"
DECIDE = (
    "controlPlaneApprovalDecide",
    "results { executionId stepId status decided problem }",
)
GLASS = (
    "controlPlaneExecutionBreakGlass",
    "executionId runId stepId approvalId status invokedAt usedAt",
)
OVER_LIMIT = "support.refund.issue?, *, amount > 100, assist, approver, 1, 24h, -"
MEDIUM = "p, 900, type:agent, *, *, medium, true, assist, approver, 1, 24h, -"
DECISIONS = [
    "controlPlane.approval.decide",
    "controlPlane.execution.approve",
    "controlPlane.execution.reject",
]
FIRE = "The customer is in distress and nobody answers."


def inbox(who: Caller, **filters: object) -> list[JsonObject]:
    """The requests on one large page; their number is the total."""
    found = who.query(
        LIST,
        "total items { approvalId executionId stepId status votes { by note } escalatedTo "
        "overridden { by reason } note allowedActions risk approvals }",
        {"limit": 200, **filters},
    )
    assert found["total"] == len(found["items"])
    items: list[JsonObject] = found["items"]
    return items


def executions(items: list[JsonObject]) -> set[str]:
    return {item["executionId"] for item in items}


def statuses(world: World, run: JsonObject) -> list[str]:
    return [entry["status"] for entry in world.trace(run["executionId"])]


def end_of(world: World, run: JsonObject) -> str:
    over = ("COMPLETED", "FAILED", "REJECTED", "EXPIRED", "CANCELLED")
    return str(world.wait(run["executionId"], *over)["status"])


# --- the inbox


def test_a_decided_request_tells_since_when_and_who_rejected_it(world: World) -> None:
    yes, no = waiting(world, [refund(213)]), waiting(world, [refund(214)])
    approve(world.fiona, "fiona", yes)
    step = {"executionId": no["executionId"], "stepId": no["stepId"]}
    told = {**step, "rejectedBy": "fiona", "reason": "Paid back already."}
    world.fiona.mutate("controlPlaneExecutionReject", "status", told)
    ends = {run["executionId"]: end_of(world, run) for run in (yes, no)}
    assert list(ends.values()) == ["COMPLETED", "REJECTED"]
    for run, status, by in ((yes, "USED", None), (no, "REJECTED", "fiona")):
        which = {"executionId": run["executionId"], "status": status}
        (item,) = world.fiona.query(LIST, "items { rejectedBy decidedAt requestedAt }", which)[
            "items"
        ]
        assert item["rejectedBy"] == by
        assert item["decidedAt"] > item["requestedAt"]
    open_ones = world.fiona.query(LIST, "items { decidedAt rejectedBy }", {"limit": 200})["items"]
    assert all(one == {"decidedAt": None, "rejectedBy": None} for one in open_ones)


def test_mine_are_those_that_i_could_decide(world: World) -> None:
    run = waiting(world, [refund(211)])
    gus, bot = (
        world.gateway.caller("gus", "admin"),
        world.gateway.caller("bot", "approver", kind="service"),
    )
    ((shown,), own) = (
        [item for item in inbox(who, mine=True) if item["executionId"] == run["executionId"]]
        for who in (world.fiona, gus)
    )
    assert shown["allowedActions"] == own[0]["allowedActions"] == DECISIONS
    assert run["executionId"] not in executions(inbox(world.olga, mine=True))  # she started it
    assert inbox(bot, mine=True) == []
    (seen,) = inbox(world.olga, executionId=run["executionId"])
    assert "controlPlane.execution.approve" not in seen["allowedActions"]
    approve(world.fiona, "fiona", run)
    assert end_of(world, run) == "COMPLETED"
    assert run["executionId"] not in executions(inbox(gus, mine=True))


def test_the_inbox_is_narrowed_by_age_risk_and_execution(world: World) -> None:
    high, medium = waiting(world, [refund(212)]), waiting(world, [cancel_subscription()])
    both = {high["executionId"], medium["executionId"]}
    assert both <= executions(inbox(world.fiona))
    assert executions(inbox(world.fiona, risk="MEDIUM")) & both == {medium["executionId"]}
    assert executions(inbox(world.fiona, executionId=high["executionId"], mine=True)) == {
        high["executionId"]
    }
    assert executions(inbox(world.fiona, olderThanSeconds=3600)) & both == set()
    assert both <= executions(inbox(world.fiona, olderThanSeconds=0, workspaceId="acme"))
    assert inbox(world.fiona, requestedBefore="2020-01-01T00:00:00+02:00") == []
    assert both <= executions(inbox(world.fiona, requestedBefore="2999-01-01T00:00:00Z"))
    narrowed = inbox(
        world.fiona, requestedBefore="2999-01-01T00:00:00Z", olderThanSeconds=3600, mine=True
    )
    assert executions(narrowed) & both == set()
    first = world.fiona.query(LIST, "total items { executionId }", {"mine": True, "limit": 1})
    assert len(first["items"]) == 1
    assert first["total"] == len(inbox(world.fiona, mine=True)) >= 2


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"workspaceId": "beta"}, "NOT_FOUND"),
        ({"olderThanSeconds": -1}, "VALIDATION_FAILED"),
        ({"requestedBefore": "0001-01-01T00:00:00+14:00"}, "VALIDATION_FAILED"),
        ({"limit": 0}, "VALIDATION_FAILED"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(
    world: World, value: JsonObject, code: str
) -> None:
    assert world.fiona.refused(LIST, "total", value, kind="query")["code"] == code


def test_the_inbox_of_another_workspace_is_empty(world: World) -> None:
    waiting(world, [refund(213)])
    other = world.gateway.caller("fiona", "user", "approver", workspace="beta")
    assert inbox(other) == inbox(other, mine=True) == []


# --- many decisions at once


def decision(run: JsonObject, approve: bool = True, **more: object) -> JsonObject:
    return {**step_of(run), "approve": approve, **more}


def decided(who: Caller, name: str, *decisions: JsonObject) -> list[JsonObject]:
    value = {"decisions": list(decisions), "decidedBy": name}
    results: list[JsonObject] = who.mutate(*DECIDE, value)["results"]
    return results


def test_each_of_many_decisions_stands_by_itself(world: World) -> None:
    yes, no, mine = [waiting(world, [refund(amount)]) for amount in (221, 222, 223)]
    approve(world.fiona, "fiona", mine)
    assert end_of(world, mine) == "COMPLETED"
    nowhere = {"executionId": "exec_none", "stepId": "step_none", "approve": True}
    results = decided(
        world.fiona, "fiona",
        decision(mine), decision(yes, note="fine"), nowhere, decision(no, False, note="not owed"),
    )  # fmt: skip
    assert [result["decided"] for result in results] == [False, True, False, True]
    assert [result["status"] for result in results] == ["USED", "APPROVED", None, "REJECTED"]
    codes = [(result["problem"] or {}).get("code") for result in results]
    assert codes == ["CONFLICT", None, "NOT_FOUND", None]
    assert end_of(world, yes) == "COMPLETED"
    assert end_of(world, no) == "REJECTED"
    (rejected,) = inbox(world.fiona, executionId=no["executionId"], status="REJECTED")
    assert rejected["note"] == "not owed"
    (used,) = inbox(world.fiona, executionId=yes["executionId"], status="USED")
    assert used["votes"] == [{"by": "fiona", "note": "fine"}]


def test_who_may_not_approve_may_not_do_it_in_bulk_either(world: World) -> None:
    run = waiting(world, [refund(224)])
    (refused,) = decided(world.olga, "olga", decision(run))  # she started it
    assert (refused["decided"], refused["status"]) == (False, "PENDING")
    assert refused["problem"]["code"] == "FORBIDDEN"
    bot = world.gateway.caller("bot", "user", "approver", kind="agent")
    assert decided(bot, "bot", decision(run))[0]["problem"]["code"] == "FORBIDDEN"
    for outsider in (world.gateway.caller("ursula", "user"), world.agent):
        value = {"decisions": [decision(run)], "decidedBy": "ursula"}
        assert outsider.refused(*DECIDE, value)["code"] == "FORBIDDEN"
    anonymous = world.gateway.anonymous()
    assert anonymous.refused(*DECIDE, value)["code"] == "UNAUTHENTICATED"
    assert "approval.voted" not in statuses(world, run)


def test_malformed_bulk_decisions_change_nothing(world: World) -> None:
    run = waiting(world, [refund(225)])
    one = decision(run)
    for decisions, place, code in (
        ([], "/input/decisions", "REQUIRED"),
        ([one] * 51, "/input/decisions", "TOO_MANY"),
        ([one, one], "/input/decisions/1", "DUPLICATE"),
        ([one, decision(run, False, note="no")], "/input/decisions/1", "DUPLICATE"),
        ([decision(run, False)], "/input/decisions/0/note", "REQUIRED"),
        ([decision(run, False, note=" \u200b")], "/input/decisions/0/note", "REQUIRED"),
    ):
        told = world.fiona.refused(*DECIDE, {"decisions": decisions, "decidedBy": "fiona"})
        assert told["code"] == "VALIDATION_FAILED"
        assert (told["problem"]["issues"][0]["path"], told["problem"]["issues"][0]["code"]) == (
            place,
            code,
        )
    silent = {**step_of(run), "rejectedBy": "fiona", "reason": " \u2060"}
    told = world.fiona.refused(*REJECT, silent)
    assert told["problem"]["issues"][0]["path"] == "/input/reason"
    as_other = {"decisions": [one], "decidedBy": "olga"}
    assert world.fiona.refused(*DECIDE, as_other)["code"] == "FORBIDDEN"
    assert statuses(world, run)[-1] == "run.waiting"


def test_known_failing_an_approval_across_workspaces(world: World) -> None:
    run = waiting(world, [refund(226)])
    other = world.gateway.caller("fiona", "admin", "break-glass", workspace="beta")
    (result,) = decided(other, "fiona", decision(run))
    assert (result["decided"], result["status"]) == (False, None)
    assert result["problem"]["code"] == "NOT_FOUND"
    assert other.refused(*APPROVE, {**step_of(run), "approvedBy": "fiona"})["code"] == "NOT_FOUND"
    value = {**step_of(run), "rejectedBy": "fiona", "reason": "no"}
    assert other.refused(*REJECT, value)["code"] == "NOT_FOUND"
    glass = {**step_of(run), "invokedBy": "fiona", "reason": FIRE}
    assert other.refused(*GLASS, glass)["code"] == "NOT_FOUND"
    assert world.execution(run["executionId"])["status"] == "WAITING_APPROVAL"


def test_known_failing_redelivery_that_makes_two_decisions(world: World) -> None:
    run = waiting(world, [refund(227)])
    value = {"decisions": [decision(run)], "decidedBy": "fiona"}

    def deliver(_: int) -> JsonObject:
        return world.fiona._call("mutation", *DECIDE, value, "one-key")  # type: ignore[no-any-return]

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(deliver, range(6)))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["data"]["controlPlaneApprovalDecide"]["results"][0]["decided"] is True
    assert end_of(world, run) == "COMPLETED"
    assert statuses(world, run).count("approval.voted") == 1
    assert len(refunds(world, 22700)) == 1


# --- emergencies


def test_breaking_the_glass_lets_the_step_go_and_is_marked(world: World) -> None:
    run = waiting(world, [refund(231)])
    betty = world.gateway.caller("betty", "break-glass")
    assert run["executionId"] in executions(inbox(betty))
    value = {**step_of(run), "invokedBy": "betty", "reason": FIRE}
    done = betty.mutate(*GLASS, value)
    assert (done["status"], done["runId"]) == ("APPROVED", run["runId"])
    assert end_of(world, run) == "COMPLETED"
    assert len(refunds(world, 23100)) == 1
    marked = [
        entry
        for entry in world.trace(run["executionId"])
        if entry["status"] == "approval.overridden"
    ]
    assert [entry["stage"] for entry in marked] == ["APPROVE"]
    assert (marked[0]["actorId"], marked[0]["metadata"]["reason"]) == ("betty", FIRE)
    (used,) = inbox(world.fiona, executionId=run["executionId"], status="USED")
    assert used["overridden"] == {"by": "betty", "reason": FIRE}
    assert f"of execution {run['executionId']} were overridden" in world.gateway.log()
    assert FIRE not in world.gateway.log()
    wanted = {"filter": {"types": ["controlPlane.execution.override.used"]}}
    announced = world.olga.query("controlPlaneEventList", "items { type payload }", wanted)
    (payload,) = [
        item["payload"]
        for item in announced["items"]
        if item["payload"]["executionId"] == run["executionId"]
    ]
    assert payload == {
        **step_of(run),
        "runId": run["runId"],
        "approvalId": done["approvalId"],
        "invokedBy": "betty",
        "reason": FIRE,
        "usedAt": done["usedAt"],
    }


def test_the_glass_is_broken_by_nobody_else_and_for_nothing_else(world: World) -> None:
    run = waiting(world, [refund(232)])
    betty = world.gateway.caller("betty", "break-glass")
    value = {**step_of(run), "invokedBy": "betty", "reason": FIRE}
    for name, who in (("fiona", world.fiona), ("olga", world.olga)):
        assert who.refused(*GLASS, {**value, "invokedBy": name})["code"] == "FORBIDDEN"
    bot = world.gateway.caller("bot", "break-glass", kind="service")
    assert bot.refused(*GLASS, {**value, "invokedBy": "bot"})["code"] == "FORBIDDEN"
    assert betty.refused(*GLASS, {**value, "invokedBy": "olga"})["code"] == "FORBIDDEN"
    for reason in ("", "too short", "          x ", "\u200b" * 12, "\u00a0too short\u2060\u2060"):
        told = betty.refused(*GLASS, {**value, "reason": reason})
        assert (told["code"], told["problem"]["issues"][0]["path"]) == (
            "VALIDATION_FAILED",
            "/input/reason",
        )
    nowhere = betty.refused(*GLASS, {**value, "stepId": "step_none"})
    assert nowhere["code"] == "NOT_FOUND"
    approve(world.fiona, "fiona", run)
    assert end_of(world, run) == "COMPLETED"
    late = betty.refused(*GLASS, value)
    assert (late["code"], late["problem"]["currentStatus"]) == ("CONFLICT", "COMPLETED")


def test_a_blocked_step_cannot_be_overridden(world: World) -> None:
    planned = world.compile([refund(20_000)])
    world.verify(planned)
    step_id = world.step(planned["executionId"], "refund")["stepId"]
    betty = world.gateway.caller("betty", "break-glass")
    value = {"executionId": planned["executionId"], "stepId": step_id}
    told = betty.refused(*GLASS, {**value, "invokedBy": "betty", "reason": FIRE})
    assert (told["code"], told["problem"]["currentStatus"]) == ("CONFLICT", "BLOCKED")


# --- deadlines


@pytest.fixture(scope="module")
def hasty_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Refunds escalate to a chief after four seconds, when the rest expires."""
    folder = tmp_path_factory.mktemp("hasty")
    edited = policies(
        folder / "policies",
        (OVER_LIMIT, OVER_LIMIT.replace("24h, -", "24h, 4s:chief")),
        (MEDIUM, MEDIUM.replace("24h", "4s")),
    )
    access = Path(edited) / "access.csv"
    rows = "\np, chief, *, controlPlane.execution.approve, call, allow\n"
    rows += "p, chief, *, controlPlane.approval.list, call, allow\n"
    access.write_text(access.read_text() + rows)
    made = make_world(folder, GATEWAY_POLICY_DIR=edited)
    yield made
    end_world(made)


def test_a_request_escalates_by_itself_and_then_either_role_decides(hasty_world: World) -> None:
    world = hasty_world
    run = waiting(world)
    chief = world.gateway.caller("carla", "chief")
    early = chief.refused(*APPROVE, {**step_of(run), "approvedBy": "carla"})
    assert early["code"] == "FORBIDDEN"
    wait_until(lambda: "approval.escalated" in statuses(world, run), 10)
    (asked,) = inbox(chief, mine=True, executionId=run["executionId"])
    assert asked["escalatedTo"] == "chief"
    assert "controlPlane.execution.approve" in asked["allowedActions"]
    assert run["executionId"] in executions(inbox(world.fiona, mine=True))
    assert approve(chief, "carla", run)["status"] == "APPROVED"
    assert end_of(world, run) == "COMPLETED"


def test_deadlines_are_kept_after_a_restart_and_by_a_process_that_was_down(
    hasty_world: World,
) -> None:
    world = hasty_world
    refunded, cancelled = waiting(world), waiting(world, [cancel_subscription()])
    world.gateway.stop()
    time.sleep(4)  # both were asked for before it stopped
    world.gateway.start()
    assert end_of(world, cancelled) == "EXPIRED"
    wait_until(lambda: "approval.escalated" in statuses(world, refunded), 10)
    late = world.fiona.refused(*APPROVE, {**step_of(cancelled), "approvedBy": "fiona"})
    assert (late["code"], late["problem"]["currentStatus"]) == ("CONFLICT", "EXPIRED")


def test_a_deadline_that_comes_after_a_restart_is_kept(hasty_world: World) -> None:
    """A restart neither brings a deadline forward nor puts it off."""
    world = hasty_world
    run = waiting(world, [cancel_subscription()])
    (asked,) = world.approvals(run["executionId"])
    world.gateway.stop()
    world.gateway.start()
    assert end_of(world, run) == "EXPIRED"
    (entry,) = [e for e in world.trace(run["executionId"]) if e["status"] == "approval.expired"]
    late = datetime.fromisoformat(entry["timestamp"]) - datetime.fromisoformat(asked["expiresAt"])
    assert timedelta(0) <= late < timedelta(seconds=10)
    (expired,) = world.approvals(run["executionId"], "EXPIRED")
    assert expired["expiresAt"] == asked["expiresAt"]


def test_a_request_of_a_paused_run_expires_on_time(hasty_world: World) -> None:
    world = hasty_world
    run = waiting(world, [cancel_subscription()])
    paused = {"runId": run["runId"], "pausedBy": "olga"}
    world.olga.mutate("controlPlaneExecutionPause", "status", paused)
    assert end_of(world, run) == "EXPIRED"


def test_the_record_can_be_folded_anew_to_the_last_byte(own_world: World) -> None:
    run = waiting(own_world, [refund(241)])
    betty = own_world.gateway.caller("betty", "break-glass")
    betty.mutate(*GLASS, {**step_of(run), "invokedBy": "betty", "reason": FIRE})
    assert end_of(own_world, run) == "COMPLETED"
    own_world.gateway.stop()
    verified = own_world.gateway.command("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
