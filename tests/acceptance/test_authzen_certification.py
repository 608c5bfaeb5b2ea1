"""The cases of the AuthZEN certification scenario for decision points, and of the todo interop.

Numbers such as C-2-2-1 are those of the scenario's tests: Basic (C-2), Batch (C-3), Search (C-4)
and Discovery (C-6).
"""

import pytest

from tests.acceptance.authzen_world import (
    ACTIONS,
    ENDPOINTS,
    EVALUATION,
    EVALUATIONS,
    METADATA,
    RESOURCES,
    SUBJECTS,
    JsonObject,
    Pep,
    action,
    asking,
    resource,
    subject,
)

ALICE, BOB, USERS = subject("alice"), subject("bob"), subject(None)
READ, WRITE = action("read"), action("write")
ONE, TWO, RECORDS = resource("record-1"), resource("record-2"), resource(None)
ACTIVE = resource("record-1", status="active")
ARCHIVED = resource("record-2", status="archived")
BOB_AS_ADMIN = subject("bob", role="admin")
BOTH = {"record-1", "record-2"}
SOFT, HARD = action("delete", soft=True), action("delete", soft=False)
CONTEXT = {"context": {"time": "2026-01-02T03:04-07:00", "ip": "192.0.2.1"}}


@pytest.mark.parametrize(
    ("case", "question", "permitted"),
    [
        ("C-2-2-1: rule 1", asking(ALICE, READ, ONE), True),
        ("C-1-4: rule 2", asking(ALICE, WRITE, ONE), True),
        ("C-1-4: rule 3", asking(BOB, READ, ONE), True),
        ("C-2-2-2: rule 4", asking(BOB, WRITE, ONE), False),
        ("C-2-2-3: context", asking(ALICE, READ, ONE, CONTEXT), True),
        ("C-2-2-4: rule 5", asking(ALICE, WRITE, ARCHIVED), False),
        ("C-2-2-5: rule 6", asking(BOB_AS_ADMIN, WRITE, ARCHIVED), True),
        ("C-1-4: rule 6 for anybody", asking(subject("eve", role="admin"), WRITE, ARCHIVED), True),
        ("C-2-2-6: rule 7", asking(ALICE, SOFT, ONE), True),
        ("C-2-2-7: rule 8", asking(ALICE, HARD, ONE), False),
        (
            "C-2-2-8: further properties",
            asking(
                subject("alice", department="Sales", role="manager"),
                action("read", method="GET"),
                resource("record-1", status="active", owner="bob"),
            ),
            True,
        ),
        ("C-2-2-9: unknown members", {**asking(ALICE, READ, ONE), "foo": "bar", "new": {}}, True),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_evaluation_is_decided(
    pep: Pep, case: str, question: JsonObject, permitted: bool
) -> None:
    answer = pep.ask(EVALUATION, question)
    assert answer["decision"] is permitted, case
    assert isinstance(answer.get("context", {}), dict)
    assert pep.ask(EVALUATIONS, question)["decision"] is permitted  # C-3-4-2
    assert pep.ask(EVALUATIONS, {**question, "evaluations": []})["decision"] is permitted  # C-3-4-3


def without(part: str, member: str | None = None) -> JsonObject:
    question = asking(ALICE, READ, ONE)
    if member is None:
        del question[part]
    else:
        question[part] = {key: value for key, value in question[part].items() if key != member}
    return question


@pytest.mark.parametrize(
    "question",
    [
        pytest.param(without("subject"), id="C-2-4-1 subject"),
        pytest.param(without("action"), id="C-2-4-1 action"),
        pytest.param(without("resource"), id="C-2-4-1 resource"),
        pytest.param(without("subject", "type"), id="C-2-4-2 subject.type"),
        pytest.param(without("subject", "id"), id="C-2-4-2 subject.id"),
        pytest.param(without("action", "name"), id="C-2-4-2 action.name"),
        pytest.param(without("resource", "type"), id="C-2-4-2 resource.type"),
        pytest.param(without("resource", "id"), id="C-2-4-2 resource.id"),
        pytest.param(b"{nope", id="C-2-4-4 malformed"),
        pytest.param(b"", id="C-2-4-5 empty"),
        pytest.param({**asking(READ, ONE), "subject": "alice"}, id="C-2-4-6 subject"),
        pytest.param({**asking(ALICE, ONE), "action": {"name": 123}}, id="C-2-4-6 action.name"),
    ],
)
def test_a_malformed_evaluation_is_a_bad_request(pep: Pep, question: object) -> None:
    pep.refused(EVALUATION, question)
    pep.refused(EVALUATIONS, question)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_another_content_type_is_a_bad_request(pep: Pep, path: str) -> None:
    """C-2-4-3"""
    pep.refused(path, asking(ALICE, READ, ONE), content_type="text/plain")
    pep.refused(path, asking(ALICE, READ, ONE), content_type="")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_the_request_identifier_comes_back(pep: Pep, path: str) -> None:
    """C-2-5-1, C-2-5-2"""
    question = asking(ALICE, READ, ONE)
    assert pep.send(path, question, x_request_id="r-1/x y").headers["x-request-id"] == "r-1/x y"
    assert pep.send(path, b"nope", x_request_id="r-2").headers["x-request-id"] == "r-2"
    assert pep.send(path, question).status_code == 200


def test_the_same_question_has_the_same_answer(pep: Pep) -> None:
    """C-2-6"""
    assert {pep.permits(ALICE, READ, ONE) for _ in range(5)} == {True}
    assert {pep.permits(BOB, WRITE, ONE) for _ in range(5)} == {False}


@pytest.mark.parametrize(
    ("defaults", "items", "decisions"),
    [
        pytest.param(asking(ALICE, READ), [ONE, TWO], [True, True], id="C-3-2-1"),
        pytest.param(asking(BOB, ONE), [READ, WRITE], [True, False], id="C-3-2-2"),
        pytest.param(asking(ALICE, WRITE), [ACTIVE, ARCHIVED], [True, False], id="C-3-2-3"),
        pytest.param(asking(WRITE, ARCHIVED), [ALICE, BOB_AS_ADMIN], [False, True], id="C-3-2-4"),
        pytest.param(
            {},
            [asking(ALICE, READ, ONE), asking(BOB, WRITE, ONE)],
            [True, False],
            id="C-3-2-5",
        ),
        pytest.param(
            asking(ALICE, READ, CONTEXT),
            [ONE, {**TWO, "context": {"source": "own"}}],
            [True, True],
            id="C-3-2-6",
        ),
        pytest.param(asking(ALICE, WRITE, ACTIVE), [{}, ARCHIVED], [True, False], id="C-3-2-7"),
        pytest.param(
            {**asking(ALICE, READ), "options": {"evaluations_semantic": "execute_all"}},
            [ONE, {}],
            [True, False],
            id="C-3-4-1",
        ),
    ],
)
def test_a_batch_is_decided_in_its_order(
    pep: Pep, defaults: JsonObject, items: list[JsonObject], decisions: list[bool]
) -> None:
    """C-3-3: as many answers as questions, each with a decision, in their order."""
    answer = pep.ask(EVALUATIONS, {**defaults, "evaluations": items})
    assert [one["decision"] for one in answer["evaluations"]] == decisions
    assert "decision" not in answer


@pytest.mark.parametrize(
    ("path", "question", "expected"),
    [
        pytest.param(SUBJECTS, asking(USERS, READ, ONE), {"alice", "bob"}, id="C-4-2-1"),
        pytest.param(SUBJECTS, asking(USERS, READ, ONE, CONTEXT), {"alice", "bob"}, id="C-4-2-2"),
        pytest.param(SUBJECTS, asking(ALICE, READ, ONE), {"alice", "bob"}, id="C-4-2-3"),
        pytest.param(SUBJECTS, asking(USERS, WRITE, ARCHIVED), {"bob"}, id="C-4-2-4"),
        pytest.param(RESOURCES, asking(ALICE, READ, RECORDS), BOTH, id="C-4-3-1"),
        pytest.param(
            RESOURCES, asking(ALICE, READ, RECORDS, CONTEXT), BOTH, id="C-4-3-2"
        ),
        pytest.param(RESOURCES, asking(ALICE, READ, ONE), BOTH, id="C-4-3-3"),
        pytest.param(ACTIONS, asking(ALICE, ONE), {"read", "write"}, id="C-4-4-1"),
        pytest.param(ACTIONS, asking(ALICE, ONE, CONTEXT), {"read", "write"}, id="C-4-4-2"),
        pytest.param(ACTIONS, asking(BOB_AS_ADMIN, ARCHIVED), {"read", "write"}, id="C-4-4-3"),
        pytest.param(ACTIONS, asking(subject("nobody"), ONE), set(), id="C-4-6-1 action"),
        pytest.param(RESOURCES, asking(subject("nobody"), READ, RECORDS), set(), id="C-4-6-1 res"),
        pytest.param(SUBJECTS, asking(USERS, READ, resource("none")), set(), id="C-4-6-1 subject"),
        pytest.param(
            SUBJECTS, asking(subject(None, "spaceship"), READ, ONE), set(), id="C-4-6-2 subject"
        ),
        pytest.param(
            RESOURCES, asking(ALICE, READ, resource(None, "planet")), set(), id="C-4-6-2 resource"
        ),
        pytest.param(
            ACTIONS, asking(ALICE, resource("x", "planet")), set(), id="C-4-6-2 action"
        ),
    ],
)  # fmt: skip
def test_a_search_finds_what_is_permitted(
    pep: Pep, path: str, question: JsonObject, expected: set[str]
) -> None:
    answer = pep.ask(path, question)
    kind = {SUBJECTS: "subject", RESOURCES: "resource"}.get(path)
    if kind:
        assert all(set(one) == {"type", "id"} for one in answer["results"])
        assert {one["type"] for one in answer["results"]} <= {question[kind]["type"]}
    found = [one["id" if kind else "name"] for one in answer["results"]]
    assert set(found) == expected
    assert len(found) == len(expected)
    assert "page" not in answer


def test_pages_lead_through_the_results(pep: Pep) -> None:
    """C-4-5"""
    question = asking(USERS, READ, ONE)
    whole = pep.ask(SUBJECTS, question)["results"]
    first = pep.ask(SUBJECTS, {**question, "page": {"limit": 1}})
    token = first["page"]["next_token"]
    second = pep.ask(SUBJECTS, {**question, "page": {"token": token}})
    assert first["results"] + second["results"] == whole
    assert token
    assert second["page"]["next_token"] == ""


@pytest.mark.parametrize(
    ("path", "question"),
    [
        pytest.param(SUBJECTS, asking(USERS, ONE), id="C-4-7-1 action"),
        pytest.param(RESOURCES, asking(READ, RECORDS), id="C-4-7-1 subject"),
        pytest.param(ACTIONS, asking(ALICE), id="C-4-7-1 resource"),
        pytest.param(SUBJECTS, asking(USERS, READ, RECORDS), id="C-4-7-2 resource.id"),
        pytest.param(RESOURCES, asking(USERS, READ, RECORDS), id="C-4-7-2 subject.id"),
        pytest.param(ACTIONS, asking(USERS, ONE), id="C-4-7-2 subject.id of actions"),
    ],
)
def test_a_search_without_what_it_needs_is_a_bad_request(
    pep: Pep, path: str, question: JsonObject
) -> None:
    pep.refused(path, question)


def test_the_metadata_names_the_endpoints(pep: Pep) -> None:
    """C-6"""
    answer = pep.send(METADATA, b"", "GET", authorization="", host="pdp.example.com")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    told = answer.json()
    assert told.pop("policy_decision_point") == "https://pdp.example.com"
    assert set(told.values()) == {f"https://pdp.example.com{path}" for path in ENDPOINTS}
    assert told["access_evaluation_endpoint"].endswith(EVALUATION)


MAY = {
    "rick": (True, True, True, True, True, True, True, True),
    "morty": (True, True, True, True, False, True, False, True),
    "summer": (True, True, True, True, False, True, False, True),
    "beth": (True, True, True, False, False, False, False, False),
    "jerry": (True, True, True, False, False, False, False, False),
}
"""For each person: reads Beth, reads another, reads the todos, creates one, updates Rick's, updates
their own (Rick: Morty's), deletes Rick's, deletes their own (Rick: Morty's)."""


@pytest.mark.parametrize("who", MAY)
def test_the_todo_list_decides_as_at_the_interop_events(pep: Pep, who: str) -> None:
    own = "morty" if who == "rick" else who
    ricks = resource("7240d0db-92", "todo", ownerID="rick@example.com")
    owned = resource("7240d0db-91", "todo", ownerID=f"{own}@example.com")
    asked = [
        (action("can_read_user"), resource("beth@example.com", "user")),
        (action("can_read_user"), resource(f"{who}@example.com", "user")),
        (action("can_read_todos"), resource("todo-1", "todo")),
        (action("can_create_todo"), resource("todo-1", "todo")),
        (action("can_update_todo"), ricks),
        (action("can_update_todo"), owned),
        (action("can_delete_todo"), ricks),
        (action("can_delete_todo"), owned),
    ]
    assert tuple(pep.permits(subject(who), *parts) for parts in asked) == MAY[who]
    items = [asking(*parts) for parts in asked]
    together = pep.ask(EVALUATIONS, {**subject(who), "resource": {}, "evaluations": items})
    assert tuple(one["decision"] for one in together["evaluations"]) == MAY[who]
