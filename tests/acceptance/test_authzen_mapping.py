"""How AuthZEN questions map to contracts, principals, workspaces and verdicts."""

import json

import pytest

from tests.acceptance.authzen_world import (
    EVALUATION,
    SUBJECTS,
    JsonObject,
    Pep,
    action,
    asking,
    resource,
    subject,
)
from tests.world import World

ALICE, USERS = subject("alice"), subject(None)
READ = action("read")
ONE = resource("record-1")
REFUND = resource("support.refund.issue", "operation")


def refund(who: JsonObject, amount: object, **more: object) -> JsonObject:
    given = {"orderId": "o-1", "amount": amount, "currency": "EUR", **more}
    return asking(who, REFUND, action("run", **given))


@pytest.mark.parametrize("kind", ["user", "human", "agent", "service", "tool"])
def test_run_permits_only_what_runs_by_itself(pep: Pep, kind: str) -> None:
    who = subject("sam", kind, roles=["user"])
    assert pep.ask(EVALUATION, refund(who, 100)) == {"decision": True}
    told = pep.ask(EVALUATION, refund(who, 101))
    assert told["decision"] is False
    context = told["context"]
    assert context.pop("reason")
    assert context == {
        "code": "APPROVAL_REQUIRED",
        "verdict": "assist",
        "approverRole": "approver",
        "quorum": 1,
    }
    assert pep.permits(who, REFUND, action("call"))


def test_what_is_blocked_is_told_as_blocked(pep: Pep) -> None:
    told = pep.ask(EVALUATION, refund(subject("bot", "agent", roles=["user"]), 10_001))
    assert (told["decision"], told["context"]["verdict"]) == (False, "blocked")


@pytest.mark.parametrize("role", ["user", "caller-only"])
@pytest.mark.parametrize("amount", [1, 101])
def test_what_is_permitted_is_what_the_governed_call_does(
    authzen: World, pep: Pep, role: str, amount: int
) -> None:
    given = {"orderId": "o-1004", "amount": amount, "currency": "EUR"}
    sam = authzen.gateway.caller("sam", role)
    answer = sam._call("mutation", "supportRefundIssue", "refundId", given, None)  # type: ignore[no-untyped-call]  # as Caller has it
    told = pep.ask(EVALUATION, refund(subject("sam", role=role), amount))
    assert told["decision"] is ("errors" not in answer) is (role == "user" and amount == 1)
    assert pep.permits(subject("sam", role=role), REFUND, action("call")) is (role == "user")


def test_a_query_runs_for_whoever_may_call_it(authzen: World, pep: Pep) -> None:
    sam, ticket = authzen.gateway.caller("sam", "caller-only"), {"ticketId": "t-1"}
    assert sam.query("supportTicketRead", "ticketId", ticket) == ticket
    asked = asking(resource("support.ticket.read", "operation"), action("run", **ticket))
    assert pep.permits(subject("sam", role="caller-only"), asked)


def test_a_deny_names_no_role_and_no_rule(pep: Pep) -> None:
    told = pep.ask(EVALUATION, refund(subject("sam"), 1))
    assert told["decision"] is False
    assert told["context"] == {
        "code": "DENIED",
        "reason": "Policy does not let the subject do this.",
    }


@pytest.mark.parametrize("amount", [None, "12", True, [1], {}], ids=str)
def test_a_call_that_would_be_refused_is_not_permitted(pep: Pep, amount: object) -> None:
    told = pep.ask(EVALUATION, refund(subject("sam", role="user"), amount))
    assert told["decision"] is False
    assert "/amount" in told["context"]["error"]["message"]


def test_properties_that_are_no_input_are_ignored(pep: Pep) -> None:
    assert pep.ask(EVALUATION, refund(subject("sam", role="user"), 5, colour="red"))["decision"]


def test_the_action_s_properties_come_before_the_resource_s(pep: Pep) -> None:
    given = {"orderId": "o-1", "amount": 5, "currency": "EUR"}
    operation = resource("support.refund.issue", "operation", **given)
    who = subject("sam", role="user")
    assert pep.permits(who, operation, action("run"))
    assert not pep.permits(who, operation, action("run", amount=500))


@pytest.mark.parametrize(
    ("question", "permitted"),
    [
        (asking(resource("support.refund.issue@1.0.0", "operation"), action("call")), True),
        (asking(resource("support.refund.issue@9.0.0", "operation"), action("call")), False),
        (asking(resource("support.refund.nothing", "operation"), action("call")), False),
        (asking(resource("", "operation"), action("call")), False),
        (asking(REFUND, action("read")), False),
        (asking(REFUND, action("")), False),
        (asking(resource("x", ""), action("")), False),
        (asking(resource("x", "support.refund"), action("issue")), False),  # inputs are missing
        (asking(resource("x", "support.refund"), action("Issue")), False),
        (asking(resource("controlPlane.intent.submit", "operation"), action("run")), True),
        (asking(resource("e-1", "controlPlane.execution"), action("get")), False),
    ],
)
def test_resource_and_action_name_a_contract(
    pep: Pep, question: JsonObject, permitted: bool
) -> None:
    assert pep.permits(subject("sam", role="user"), question) is permitted


def test_a_contract_of_the_gateway_itself_is_only_called(pep: Pep) -> None:
    execution = resource("e-1", "controlPlane.execution")
    assert pep.permits(subject("olga", role="admin"), execution, action("get"))


@pytest.mark.parametrize(
    "who",
    [
        subject("alice", "customer"),
        subject("alice", "anonymous"),
        subject("alice", "User"),
        subject("", "user"),
        subject("", roles=["member"]),
        subject("a\n", roles=["member"]),
        subject("x" * 257, roles=["member"]),
        subject("sam", roles=["user:alice"]),
        subject("user:alice"),
        subject("ALICE"),
        subject("alice", capabilities=["other.core"]),
        subject("alice", capabilities=[]),
        subject("alice", workspace="other"),
    ],
    ids=json.dumps,
)
def test_subjects_that_are_not_alice_are_not_permitted(pep: Pep, who: JsonObject) -> None:
    assert not pep.permits(who, READ, ONE)


@pytest.mark.parametrize(
    "properties",
    [{"workspace": "acme"}, {"capabilities": ["record.core"]}, {"roles": []}, {"roles": None}],
    ids=json.dumps,
)
def test_properties_of_a_subject_are_looked_at(pep: Pep, properties: JsonObject) -> None:
    assert pep.permits(subject("alice", **properties), READ, ONE)


@pytest.mark.parametrize(
    "properties",
    [{"roles": "admin"}, {"roles": [1]}, {"role": ["x"]}, {"capabilities": {}}, {"workspace": 1}],
    ids=json.dumps,
)
def test_properties_that_cannot_be_read_deny(pep: Pep, properties: JsonObject) -> None:
    told = pep.ask(EVALUATION, asking(subject("alice", **properties), READ, ONE))
    assert told["decision"] is False
    assert told["context"]["error"]["status"] == 400


def test_a_workspace_asks_about_itself_alone(authzen: World, pep: Pep) -> None:
    elsewhere = Pep(authzen, "other")
    todos = resource("todo-1", "todo")
    assert pep.permits(subject("rick"), todos, action("can_create_todo"))
    assert not elsewhere.permits(subject("rick"), todos, action("can_create_todo"))
    claimed = elsewhere.ask(
        EVALUATION, asking(subject("rick", workspace="acme"), todos, action("can_create_todo"))
    )
    ghost = elsewhere.ask(EVALUATION, asking(subject("x", "y"), todos, action("can_create_todo")))
    assert claimed == ghost
    people = asking(USERS, action("can_read_todos"), todos)
    assert {one["id"] for one in elsewhere.ask(SUBJECTS, people)["results"]} == {"stranger"}
    assert "stranger" not in {one["id"] for one in pep.ask(SUBJECTS, people)["results"]}
