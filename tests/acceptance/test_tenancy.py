"""Workspaces and roles over HTTP: what belongs to others is not there, and roles bound each act."""

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.acceptance.drafts import (
    APPROVE,
    CANCEL,
    COMPILE,
    REJECT,
    START,
    VERIFY,
    lookup,
    refund,
    verified,
    waiting,
)
from tests.processes import Caller
from tests.world import World

READS = {
    "controlPlaneExecutionGet": "execution { status }",
    "controlPlanePlanGet": "planId",
    "controlPlaneTraceGet": "executionId",
    "controlPlaneTraceReplay": "identical",
    "controlPlanePolicyExplain": "verdict",
}
LISTS = ("controlPlaneExecutionList", "controlPlaneExecutionMine", "controlPlaneApprovalList")


@pytest.fixture
def stranger(world: World) -> Caller:
    """An admin of another workspace."""
    return world.gateway.caller("olga", "admin", "pii.reader", workspace="globex")


def acts(run: dict[str, Any], by: str) -> list[tuple[tuple[str, str], dict[str, Any]]]:
    """Every command that takes an execution's id, with its input."""
    one = {"executionId": run["executionId"]}
    step = {**one, "stepId": run.get("stepId", "step_none")}
    plan = {**one, "planId": run["planId"]}
    draft = {"draft": {"steps": [lookup()]}}
    return [
        (COMPILE, {**one, "intentId": run["intentId"], **draft}),
        (VERIFY, plan),
        (START, plan),
        (APPROVE, {**step, "approvedBy": by}),
        (REJECT, {**step, "rejectedBy": by, "reason": "no"}),
        (CANCEL, {**one, "cancelledBy": by}),
    ]


def test_ids_of_another_workspace_are_not_found_anywhere(world: World, stranger: Caller) -> None:
    run = waiting(world)
    for call, value in acts(run, "olga"):
        assert stranger.refused(*call, value)["code"] == "NOT_FOUND", call
    for field, selection in READS.items():
        value = {"executionId": run["executionId"]}
        refused = stranger.refused(field, selection, value, kind="query")
        assert (refused["code"], refused["http"]["status"]) == ("NOT_FOUND", 404), field
        world.olga.query(field, selection, value)
    assert world.execution(run["executionId"])["status"] == "WAITING_APPROVAL"
    approvals = stranger.query(
        "controlPlaneApprovalList", "total", {"executionId": run["executionId"]}
    )
    assert approvals["total"] == 0
    mine = stranger.query("controlPlaneExecutionMine", "total", {"executionId": run["executionId"]})
    assert mine["total"] == 0


def test_a_missing_id_and_a_foreign_one_are_told_alike(world: World, stranger: Caller) -> None:
    run = world.submit()
    told = [
        stranger.refused(
            "controlPlaneExecutionGet", "execution { status }", {"executionId": one}, kind="query"
        )["problem"]["detail"].replace(one, "")
        for one in (run["executionId"], "exec_none")
    ]
    assert told[0] == told[1]


def test_lists_hold_the_callers_workspace_alone(world: World, stranger: Caller) -> None:
    waiting(world)
    for field in LISTS:
        assert stranger.query(field, "total", {})["total"] == 0, field
    assert world.olga.query("controlPlaneExecutionList", "total", {})["total"] > 0


def test_no_intent_is_submitted_to_another_workspace(world: World, stranger: Caller) -> None:
    submit = ("controlPlaneIntentSubmit", "executionId")
    refused = stranger.refused(*submit, {"workspaceId": "acme", "text": "x"})
    assert refused["code"] == "NOT_FOUND"
    named = {"workspaceId": "globex", "text": "x", "actorId": "agent-7"}
    assert stranger.refused(*submit, named)["code"] == "FORBIDDEN"


def test_mine_are_the_callers_own_executions(world: World) -> None:
    other = world.gateway.caller("agent-8", "user", kind="agent")
    run = world.submit()
    field = ("controlPlaneExecutionMine", "total items { executionId }")
    assert other.query(*field, {"executionId": run["executionId"]})["total"] == 0
    own = world.agent.query(*field, {"executionId": run["executionId"]})
    assert own["items"] == [{"executionId": run["executionId"]}]


# --- who is asked for what


def test_without_a_token_everything_asks_for_one(world: World) -> None:
    run = verified(world, [lookup()])
    nobody = world.gateway.anonymous()
    calls = [*acts(run, "anonymous")]
    calls.append(
        (("controlPlaneIntentSubmit", "executionId"), {"workspaceId": "acme", "text": "x"})
    )
    for call, value in calls:
        refused = nobody.refused(*call, value)
        assert (refused["code"], refused["http"]["status"]) == ("UNAUTHENTICATED", 401), call
    refused = nobody.refused("supportTicketRead", "body", {"ticketId": "t-1"}, kind="query")
    assert refused["code"] == "UNAUTHENTICATED"


def test_a_token_that_is_not_ours_is_refused(world: World) -> None:
    good = world.olga.token
    assert good is not None
    header, payload, signature = good.split(".")
    flipped = signature[:10] + ("A" if signature[10] != "A" else "B") + signature[11:]
    for bad in ("nonsense", f"{header}.{payload}.{flipped}", f"{header}.{payload}."):
        answer = Caller(world.gateway, bad).send("{ __typename }")
        assert answer.status_code == 401, bad
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["errors"][0]["extensions"]["http"]["status"] == 401


def test_a_user_cannot_call_what_is_for_admins(world: World) -> None:
    run = waiting(world)
    ulla = world.gateway.caller("ulla", "user")
    for call, value in acts(run, "ulla"):
        assert ulla.refused(*call, value)["code"] == "FORBIDDEN", call
    for field, selection in READS.items():
        refused = ulla.refused(field, selection, {"executionId": run["executionId"]}, kind="query")
        assert refused["code"] == "FORBIDDEN", field
        assert refused["problem"]["decisionId"]
    assert world.execution(run["executionId"])["status"] == "WAITING_APPROVAL"


def test_an_auditor_reads_and_does_not_act(world: World) -> None:
    run = waiting(world)
    auditor = world.gateway.caller("august", "auditor")
    for field, selection in READS.items():
        auditor.query(field, selection, {"executionId": run["executionId"]})
    auditor.query("controlPlaneApprovalList", "total", {})
    auditor.query("controlPlaneExecutionList", "total", {})
    for call, value in acts(run, "august"):
        assert auditor.refused(*call, value)["code"] == "FORBIDDEN", call
    action = {"orderId": "o-1004", "amount": 1, "currency": "EUR"}
    assert auditor.refused("supportRefundIssue", "status", action)["code"] == "FORBIDDEN"


def test_a_planner_compiles_and_verifies_and_nothing_more(world: World) -> None:
    planner = world.gateway.caller("pia", "planner")
    run = waiting(world)
    for call, value in acts(run, "pia"):
        expected = "CONFLICT" if call in (COMPILE, VERIFY) else "FORBIDDEN"
        assert planner.refused(*call, value)["code"] == expected, call
    planned = world.compile([refund(1)], who=planner, submitter=world.agent)
    assert world.verify(planned, planner)["verdict"] == "AUTONOMOUS"


def test_a_run_decides_for_its_submitter_not_for_its_starter(world: World) -> None:
    close = {
        "key": "close",
        "contract": "support.account.close",
        "input": {"accountId": "c-1", "customerEmail": "a@example.com", "reason": "ABUSE"},
    }
    assert world.verify(world.compile([close]))["verdict"] == "BLOCKED"
    human = world.compile([close], who=world.olga, submitter=world.olga)
    assert world.verify(human)["verdict"] == "ASSIST"


def test_the_executions_of_another_workspace_cannot_be_listed(world: World) -> None:
    for named, code in (("other", "NOT_FOUND"), ("acme", None)):
        query = f'{{ controlPlaneExecutionList(input: {{workspaceId: "{named}"}}) {{ total }} }}'
        answer = world.olga.send(query).json()
        if code is None:
            assert "errors" not in answer
        else:
            assert answer["errors"][0]["extensions"]["code"] == code


def test_events_of_the_control_plane_are_recorded_with_the_call(world: World) -> None:
    intent = world.submit()
    with closing(sqlite3.connect(world.gateway.data_dir / "gateway.db")) as database:
        rows = database.execute(
            "SELECT body FROM entry WHERE type = 'call.completed' AND body LIKE ?",
            (f"%{intent['executionId']}%",),
        ).fetchall()
    (event,) = json.loads(rows[0][0])["events"]
    assert event["event"] == "controlPlane.intent.received@1.0.0"
    assert event["payload"]["executionId"] == intent["executionId"]


def test_tokens_that_do_not_hold_are_counted(own_world: World) -> None:
    for _ in range(3):
        assert Caller(own_world.gateway, "not.a.token").send("{ __typename }").status_code == 401
    own_world.gateway.stop()
    with closing(sqlite3.connect(own_world.gateway.data_dir / "gateway.db")) as database:
        rows = database.execute("SELECT body FROM entry WHERE type = 'calls.denied'").fetchall()
    counts = [json.loads(body)["counts"] for (body,) in rows]  # of two minutes, if one just ended
    assert all(count.keys() == {"authentication"} for count in counts)
    assert sum(count["authentication"] for count in counts) == 3
