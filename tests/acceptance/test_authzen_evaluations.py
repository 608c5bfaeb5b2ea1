"""AuthZEN evaluations over HTTP: the information model, single questions and batches.

Numbers in the names of tests are the sections of the specification.
"""

import json
import sqlite3
import time
from contextlib import closing

import pytest

from tests.acceptance.authzen_world import (
    EVALUATION,
    EVALUATIONS,
    JsonObject,
    Pep,
    action,
    asking,
    resource,
    subject,
)
from tests.world import World

ALICE, BOB = subject("alice"), subject("bob")
READ, WRITE = action("read"), action("write")
ONE = resource("record-1")
QUESTION = asking(ALICE, READ, ONE)


def test_10_1_1_null_stands_for_an_absent_optional_member(pep: Pep) -> None:
    nulls = {**asking(ALICE, WRITE), "context": None, "evaluations": None, "options": None}
    nulls["resource"] = {**ONE["resource"], "properties": None}
    assert pep.ask(EVALUATIONS, nulls) == {"decision": True}
    item = {"resource": None, "context": None}
    assert pep.ask(EVALUATIONS, {**nulls, "evaluations": [item]})["evaluations"] == [
        {"decision": True}
    ]
    pep.refused(EVALUATION, {**QUESTION, "subject": None})


@pytest.mark.parametrize(
    "change",
    [
        {"context": "now"},
        {"context": []},
        {"subject": {"type": "user", "id": 7}},
        {"subject": {"type": ["user"], "id": "alice"}},
        {"subject": {"type": "user", "id": "alice", "properties": []}},
        {"action": {"name": "read", "properties": "none"}},
        {"resource": {"type": "record", "id": None}},
    ],
    ids=json.dumps,
)
def test_5_a_member_of_another_type_is_a_bad_request(pep: Pep, change: JsonObject) -> None:
    answer = pep.refused(EVALUATION, {**QUESTION, **change})
    name = next(iter(change))
    assert [issue["path"].split("/")[1] for issue in answer.json()["issues"]] == [name]


def test_a_bad_request_tells_all_at_once(pep: Pep) -> None:
    issues = pep.refused(EVALUATION, {"subject": {}, "resource": 1}).json()["issues"]
    told = {issue["path"]: issue["code"] for issue in issues}
    assert told == {
        "/subject/type": "REQUIRED",
        "/subject/id": "REQUIRED",
        "/action": "REQUIRED",
        "/resource": "WRONG_TYPE",
    }


@pytest.mark.parametrize(
    ("semantic", "expected"),
    [
        (None, [True, False, True, False]),
        ("execute_all", [True, False, True, False]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_7_1_2_1_semantics_end_a_batch(
    pep: Pep, semantic: str | None, expected: list[bool]
) -> None:
    options = {
        "another_option": "value",
        **({"evaluations_semantic": semantic} if semantic else {}),
    }
    body = {**asking(ONE), "options": options, "evaluations": [
        asking(BOB, READ), asking(BOB, WRITE), asking(ALICE, WRITE), {},
    ]}  # fmt: skip
    answer = pep.ask(EVALUATIONS, body)
    assert [one["decision"] for one in answer["evaluations"]] == expected


def test_7_1_2_1_a_failure_counts_as_a_deny(pep: Pep) -> None:
    body = {**asking(ALICE, READ), "evaluations": [{}, ONE, ONE]}
    first = pep.ask(
        EVALUATIONS, {**body, "options": {"evaluations_semantic": "deny_on_first_deny"}}
    )
    assert [one["decision"] for one in first["evaluations"]] == [False]
    permit = {"evaluations_semantic": "permit_on_first_permit"}
    second = pep.ask(EVALUATIONS, {**body, "options": permit})
    assert [one["decision"] for one in second["evaluations"]] == [False, True]


def test_7_2_1_an_item_that_cannot_be_read_is_an_error_of_its_own(pep: Pep) -> None:
    items = [ONE, 1, None, [], {"resource": "record-1"}, {"resource": {"type": "record"}}, ONE]
    answer = pep.ask(EVALUATIONS, {**asking(ALICE, READ), "evaluations": items})
    told = answer["evaluations"]
    assert [one["decision"] for one in told] == [True, *[False] * 5, True]
    assert {one["context"]["error"]["status"] for one in told[1:6]} == {400}
    assert "/resource/id is required" in told[5]["context"]["error"]["message"]


@pytest.mark.parametrize(
    "change",
    [
        {"evaluations": {}},
        {"evaluations": "all"},
        {"options": []},
        {"options": {"evaluations_semantic": "all"}},
        {"options": {"evaluations_semantic": ["execute_all"]}},
        {"subject": "alice"},
        {"evaluations": [{}] * 101},
    ],
    ids=lambda change: json.dumps(change)[:60],
)
def test_7_2_1_what_concerns_the_whole_batch_is_a_bad_request(pep: Pep, change: JsonObject) -> None:
    pep.refused(EVALUATIONS, {**QUESTION, "evaluations": [{}], **change})


def test_7_1_1_defaults_are_replaced_whole(pep: Pep) -> None:
    """An item's subject brings its own properties, and never those of the default."""
    archived = resource("record-2", status="archived")
    body = {
        **asking(subject("eve", role="admin"), WRITE, archived),
        "evaluations": [{}, subject("eve"), {**subject("eve"), "context": {"role": "admin"}}],
    }
    answer = pep.ask(EVALUATIONS, body)
    assert [one["decision"] for one in answer["evaluations"]] == [True, False, False]


def test_a_hundred_evaluations_are_one_recorded_call(authzen: World, pep: Pep) -> None:
    def recorded() -> list[JsonObject]:
        path = authzen.gateway.data_dir / "gateway.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            found = database.execute(
                "SELECT body FROM entry WHERE type = 'query.answered' AND workspace = 'batches'"
            ).fetchall()
        assert not any("alice" in body for (body,) in found)
        return [json.loads(body) for (body,) in found]

    asks = Pep(authzen, "batches")
    items = [{}, subject("eve")] * 50
    answered = asks.send(EVALUATIONS, {**QUESTION, "evaluations": items})
    told = [one["decision"] for one in answered.json()["evaluations"]]
    assert told == [True, False] * 50
    deadline = time.monotonic() + 5
    while not recorded():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (kept,) = recorded()
    revision = answered.headers["policy-revision"]
    assert kept["answer"] == {"decisions": told, "policyVersion": revision}
