"""allowedActions: whatever is listed succeeds, and whatever is not listed is refused."""

from collections.abc import Callable

import pytest

from tests.acceptance.drafts import (
    cancel_subscription,
    ended,
    lookup,
    policies,
    refund,
    reply,
    verified,
    waiting,
)
from tests.processes import Caller, JsonObject
from tests.world import World, wait_until

Make = Callable[[World], JsonObject]

BY = {"cancel": "cancelled", "pause": "paused", "resume": "resumed", "abort": "aborted",
      "retry": "retried", "shutdown": "shutdown", "compensate": "compensated"}  # fmt: skip
STEERING = {f"controlPlane.execution.{name}" for name in BY}
"""What a test can simply try: each takes an id, and who acts."""


def field_of(key: str) -> str:
    first, *rest = key.split(".")
    return first + "".join(part[0].upper() + part[1:] for part in rest)


def allowed(who: Caller, execution_id: str) -> set[str]:
    found = who.query(
        "controlPlaneExecutionGet",
        "execution { allowedActions }",
        {"executionId": execution_id},
    )
    return set(found["execution"]["allowedActions"])


def tried(who: Caller, name: str, key: str, run: JsonObject) -> str:
    """What becomes of a steering command: OK, or the code of its refusal."""
    command = key.rpartition(".")[2]
    value = {f"{BY[command]}By": name}
    if command == "cancel":
        value["executionId"] = run["executionId"]
    else:
        value["runId"] = run.get("runId") or "run_none"
    answer = who._call("mutation", field_of(key), "__typename", value, None)
    if "errors" in answer:
        return str(answer["errors"][0]["extensions"]["code"])
    return "OK"


def made_received(world: World) -> JsonObject:
    return world.submit()


def made_verified(world: World) -> JsonObject:
    return verified(world, [lookup()])


def made_completed(world: World) -> JsonObject:
    run = world.run([lookup()])
    world.wait(run["executionId"], "COMPLETED")
    return run


def made_waiting(world: World) -> JsonObject:
    return waiting(world, [refund(421)])


def made_paused(world: World) -> JsonObject:
    run = waiting(world, [refund(422)])
    value = {"runId": run["runId"], "pausedBy": "olga"}
    world.olga.mutate("controlPlaneExecutionPause", "status", value)
    return run


def made_unresolved(world: World) -> JsonObject:
    world.service.fault("/tickets/*/replies", "cut", after_effect=True)
    run = world.run([reply("allowed?")])
    world.wait(run["executionId"], "UNRESOLVED")
    return run


def made_failed_after_a_refund(world: World) -> JsonObject:
    nowhere = {"orderId": "o-none", "amount": 5, "currency": "EUR"}
    more = {"key": "more", "contract": "support.refund.issue", "input": nowhere}
    run = world.run([refund(1.37), {**more, "dependsOn": ["refund"]}])
    world.wait(run["executionId"], "FAILED")
    return run


def made_cancelled(world: World) -> JsonObject:
    run = waiting(world, [cancel_subscription()])
    value = {"executionId": run["executionId"], "cancelledBy": "olga"}
    world.olga.mutate("controlPlaneExecutionCancel", "status", value)
    return run


MADE: dict[str, Make] = {
    "RECEIVED": made_received,
    "VERIFIED": made_verified,
    "COMPLETED": made_completed,
    "WAITING_APPROVAL": made_waiting,
    "PAUSED": made_paused,
    "UNRESOLVED": made_unresolved,
    "FAILED": made_failed_after_a_refund,
    "CANCELLED": made_cancelled,
}


@pytest.mark.parametrize("state", MADE)
def test_what_is_not_listed_is_refused_and_what_is_listed_succeeds(
    world: World, state: str
) -> None:
    run = MADE[state](world)
    listed = allowed(world.olga, run["executionId"])
    refused = {key: tried(world.olga, "olga", key, run) for key in sorted(STEERING - listed)}
    assert set(refused.values()) <= {"CONFLICT", "NOT_FOUND", "PRECONDITION_FAILED"}, refused
    assert allowed(world.olga, run["executionId"]) == listed  # refusals change nothing
    for key in sorted(STEERING & listed):
        fresh = MADE[state](world)
        assert key in allowed(world.olga, fresh["executionId"])
        assert tried(world.olga, "olga", key, fresh) == "OK", (state, key)
        if key == "controlPlane.execution.retry":  # let it end: faults are for the next run
            ended(world, fresh)


def test_nobody_is_shown_what_policy_denies_them(world: World) -> None:
    run = waiting(world, [refund(431)])
    auditor = world.gateway.caller("ada", "user", "auditor")
    assert allowed(auditor, run["executionId"]) == {"controlPlane.execution.evidence.export"}
    shown = allowed(world.gateway.caller("otto", "user", "operator"), run["executionId"])
    assert {"controlPlane.execution.pause", "controlPlane.execution.abort"} <= shown
    assert "controlPlane.execution.evidence.export" not in shown
    (own,) = world.agent.query(
        "controlPlaneExecutionMine",
        "items { allowedActions steps { allowedActions } }",
        {"executionId": run["executionId"]},
    )["items"]
    assert own == {"allowedActions": [], "steps": [{"allowedActions": []}]}


def step_actions(who: Caller, run: JsonObject) -> list[str]:
    """What the caller could do to the first step."""
    found = who.query(
        "controlPlanePlanGet",
        "steps { stepId allowedActions }",
        {"executionId": run["executionId"]},
    )
    return list(found["steps"][0]["allowedActions"])


def test_a_step_lists_decisions_for_who_may_take_them(world: World) -> None:
    run = waiting(world, [refund(441)])
    gus = world.gateway.caller("gus", "admin")
    assert step_actions(gus, run) == [
        "controlPlane.approval.decide",
        "controlPlane.execution.approve",
        "controlPlane.execution.reject",
    ]
    # She started the run, so her approval would be refused; her rejection would not.
    assert "controlPlane.execution.approve" not in step_actions(world.olga, run)
    assert "controlPlane.execution.reject" in step_actions(world.olga, run)
    hero = world.gateway.caller("hero", "admin", "break-glass")
    assert "controlPlane.execution.breakGlass" in step_actions(hero, run)


def test_an_unresolved_step_lists_its_settlement(world: World) -> None:
    run = made_unresolved(world)
    assert step_actions(world.olga, run) == ["controlPlane.step.reconcile"]
    done = made_completed(world)
    assert step_actions(world.olga, done) == []


def test_a_plan_that_policy_blocks_now_does_not_list_its_start(own_world: World) -> None:
    world = own_world
    planned = verified(world, [refund(50)])
    assert "controlPlane.execution.start" in allowed(world.olga, planned["executionId"])
    world.gateway.stop()
    source = world.gateway.folder / "policies"
    rule = "type:agent, *, support.refund.issue?, *, amount <= 100, autonomous, -, -, -"
    world.gateway.lead_by(policies(source, (rule, rule.replace("autonomous", "blocked"))))
    world.gateway.start()
    wait_until(
        lambda: "controlPlane.execution.start" not in allowed(world.olga, planned["executionId"]),
        5,
    )


def test_the_export_is_listed_for_whom_it_succeeds(world: World) -> None:
    export = "controlPlane.execution.evidence.export"
    run = made_completed(world)
    asked = ("controlPlaneExecutionEvidenceExport", "evidenceBundleCount")
    for name, role, may in (("ada", "auditor", True), ("otto", "operator", False)):
        who = world.gateway.caller(name, "user", role)
        assert (export in allowed(who, run["executionId"])) is may
        answer = who._call("mutation", *asked, {"runId": run["runId"], "exportedBy": name}, None)
        assert ("errors" not in answer) is may
    planned = made_verified(world)
    assert export not in allowed(world.olga, planned["executionId"])


def test_runs_in_lanes_and_listed_executions_carry_the_same(world: World) -> None:
    planned = made_verified(world)
    lane = {"executionId": planned["executionId"], "laneKey": "clarify", "assignedBy": "olga"}
    world.olga.mutate("controlPlaneExecutionLaneAssign", "laneKey", lane)
    value = {"executionId": planned["executionId"], "planId": planned["planId"]}
    run = world.olga.mutate("controlPlaneExecutionStart", "runId", value)
    wait_until(lambda: world.step(planned["executionId"], "order")["status"] == "COMPLETED", 10)
    found = world.olga.query("controlPlaneExecutionLaneGet", "run { allowedActions }", run)
    shown = found["run"]["allowedActions"]
    assert "controlPlane.execution.lane.handover" not in shown
    assert set(shown) == allowed(world.olga, planned["executionId"])
    for field, named in (
        ("controlPlaneExecutionLaneList", run),
        ("controlPlaneExecutionList", {"executionId": planned["executionId"]}),
    ):
        ((name, wanted),) = named.items()
        items = world.olga.query(field, f"items {{ {name} allowedActions }}", {"limit": 200})
        (item,) = [one for one in items["items"] if one[name] == wanted]
        assert item["allowedActions"] == shown


def test_an_operator_is_shown_a_compensation_only_where_policy_lets_them_undo(
    world: World,
) -> None:
    run = made_failed_after_a_refund(world)
    compensate = "controlPlane.execution.compensate"
    for roles, code in ((("operator",), "FORBIDDEN"), (("user", "operator"), "OK")):
        who = world.gateway.caller("otto", *roles)
        assert (compensate in allowed(who, run["executionId"])) is (code == "OK")
        assert tried(who, "otto", compensate, run) == code
