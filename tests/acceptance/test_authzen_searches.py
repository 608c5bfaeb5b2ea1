"""AuthZEN searches over HTTP, and the same contracts over GraphQL.

Numbers in the names of tests are the sections of the specification.
"""

import json
from collections.abc import Iterator

import pytest

from tests.acceptance.authzen_world import (
    ACTIONS,
    EVALUATIONS,
    RESOURCES,
    SUBJECTS,
    JsonObject,
    Pep,
    action,
    asking,
    resource,
    subject,
)
from tests.world import World

ALICE, BOB, USERS = subject("alice"), subject("bob"), subject(None)
READ, WRITE = action("read"), action("write")
ONE = resource("record-1")
QUESTION = asking(ALICE, READ, ONE)
REFUND = resource("support.refund.issue", "operation")


def test_8_1_results_are_what_an_evaluation_permits(pep: Pep) -> None:
    who = subject("sam", "agent", roles=["user", "auditor"])
    operations = resource(None, "operation")
    for name in ("call", "run"):
        found = pep.ask(RESOURCES, asking(who, operations, action(name)))["results"]
        refs = [one["id"] for one in found]
        assert refs == sorted(refs)
        items = [{"resource": one} for one in found]
        told = pep.ask(EVALUATIONS, {**asking(who, action(name)), "evaluations": items})
        assert {one["decision"] for one in told["evaluations"]} == {True}
        assert "controlPlane.trace.get@1.0.0" in refs
        assert ("support.refund.issue@1.0.0" in refs) is (name == "call")


def test_8_6_actions_on_an_operation(pep: Pep) -> None:
    who = subject("sam", role="user")
    given = {"orderId": "o-1", "amount": 5, "currency": "EUR"}
    full_ = resource("support.refund.issue", "operation", **given)
    assert pep.ask(ACTIONS, asking(who, full_))["results"] == [{"name": "call"}, {"name": "run"}]
    assert pep.ask(ACTIONS, asking(who, REFUND))["results"] == [{"name": "call"}]


def test_8_1_a_search_follows_roles(pep: Pep) -> None:
    """Rick's right to read comes by three roles, one from the other."""
    question = asking(USERS, action("can_read_todos"), resource("todo-1", "todo"))
    found = {one["id"] for one in pep.ask(SUBJECTS, question)["results"]}
    assert found == {"rick", "morty", "summer", "beth", "jerry"}


def pages(pep: Pep, path: str, question: JsonObject, limit: int) -> Iterator[JsonObject]:
    token = None
    while token != "":
        page = {"limit": limit, **({"token": token} if token else {})}
        answer = pep.ask(path, {**question, "page": page})
        yield answer
        assert next(iter(answer)) == "page"  # 8.3: recommended to be the first key
        assert answer["page"]["count"] == len(answer["results"]) <= limit
        token = answer["page"]["next_token"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1_000, 10**12])
def test_8_2_pages_add_up_to_the_whole(pep: Pep, limit: int) -> None:
    question = asking(subject("olga", role="admin"), resource(None, "operation"), action("call"))
    if limit < 3:
        question = asking(USERS, READ, ONE)
    path = RESOURCES if limit >= 3 else SUBJECTS
    whole = pep.ask(path, question)
    found = list(pages(pep, path, question, limit))
    assert [one for page in found for one in page["results"]] == whole["results"]
    assert "page" not in whole


def test_8_2_1_a_page_may_be_empty(pep: Pep) -> None:
    answer = pep.ask(SUBJECTS, {**asking(USERS, READ, ONE), "page": {"limit": 0}})
    assert answer["results"] == []
    assert answer["page"]["next_token"]
    nobody = pep.ask(SUBJECTS, {**asking(USERS, READ, resource("x")), "page": {"limit": 0}})
    assert nobody == {"page": {"next_token": "", "count": 0}, "results": []}


@pytest.mark.parametrize(
    "page",
    [
        {"limit": -1},
        {"limit": 1.0},
        {"limit": True},
        {"limit": "1"},
        {"token": 1},
        {"token": "nonsense"},
        {"token": "WzEsMiwzXQ=="},
        {"token": "é"},
        {"properties": []},
        [],
        "first",
    ],
    ids=json.dumps,
)
def test_8_2_1_a_malformed_page_is_a_bad_request(pep: Pep, page: object) -> None:
    pep.refused(SUBJECTS, {**asking(USERS, READ, ONE), "page": page})


def test_8_2_a_token_belongs_to_its_search(pep: Pep) -> None:
    question = asking(USERS, READ, ONE)
    first = pep.ask(SUBJECTS, {**question, "page": {"limit": 1}})
    page = {"token": first["page"]["next_token"]}
    assert pep.ask(SUBJECTS, {**question, "page": {**page, "limit": 1}})["results"]
    pep.refused(SUBJECTS, {**question, "page": {**page, "limit": 2}})
    for change in (WRITE, resource("record-2"), {"context": {"a": 1}}, subject(None, "agent")):
        pep.refused(SUBJECTS, {**question, **change, "page": page})
    pep.refused(RESOURCES, {**question, **ALICE, "page": page})
    assert pep.ask(SUBJECTS, {**question, **BOB, "page": page})["results"]  # 8.4: id is ignored


def test_the_same_contracts_serve_graphql(authzen: World) -> None:
    asks = authzen.gateway.caller("proxy", "policy-enforcer", kind="service")
    items = [QUESTION, asking(BOB, WRITE, ONE), asking(ALICE, READ)]
    told = asks.query(
        "policyDecisionEvaluate",
        "policyVersion results { decision code message verdict }",
        {"evaluations": items},
    )
    assert [(one["decision"], one["code"]) for one in told["results"]] == [
        (True, None),
        (False, "BLOCKED"),
        (False, "INVALID"),
    ]
    found = asks.query(
        "policyDecisionSearch",
        "next results { type id name }",
        {"kind": "SUBJECT", **asking(USERS, READ, ONE), "limit": 1},
    )
    assert found == {"next": "alice", "results": [{"type": "user", "id": "alice", "name": None}]}
    alice = authzen.gateway.caller("alice", "user")
    refused = alice.refused(
        "policyDecisionEvaluate", "policyVersion", {"evaluations": items}, kind="query"
    )
    assert refused["code"] == "FORBIDDEN"
    for value in ({"subject": {"type": "user"}, "resource": {"type": "record"}}, {"limit": -1}):
        whole = {"kind": "ACTION", "subject": ALICE["subject"], "resource": ONE["resource"]}
        wrong = asks.refused("policyDecisionSearch", "next", {**whole, **value}, kind="query")
        assert wrong["code"] == "VALIDATION_FAILED"
