"""AuthZEN messages: whatever comes is answered or refused, and defaults merge as specified."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.problem import ProblemError
from gateway.surfaces.authzen.messages import (
    PageRequest,
    Search,
    read_evaluation,
    read_evaluations,
    read_search,
)
from gateway.surfaces.authzen.pages import position_of, token_for
from tests.acceptance.authzen_world import ENDPOINTS, EVALUATIONS, Pep, authzen_world
from tests.properties.amounts import examples

PARTS = ("subject", "action", "resource", "context")
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False,
    allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner,
    max_size=3), max_leaves=6,
)  # fmt: skip

KINDS = st.sampled_from(["user", "agent", "record", "operation", "todo", ""])
NAMES = st.sampled_from(["alice", "bob", "record-1", "support.refund.issue@1.0.0", "x"])
ENTITY = st.fixed_dictionaries(
    {"type": KINDS, "id": NAMES},
    optional={
        "properties": st.dictionaries(
            st.sampled_from(["role", "roles", "status", "workspace", "capabilities", "a"]),
            ANY_JSON,
            max_size=2,
        )
    },
)
ACTION = st.fixed_dictionaries({"name": st.sampled_from(["read", "write", "call", "run"])})
CONTEXT = st.dictionaries(st.text(max_size=3), ANY_JSON, max_size=2)


def mostly(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What belongs there, or now and then anything at all."""
    return st.one_of(good, good, good, ANY_JSON)


def request_with(subject: st.SearchStrategy[Any], **more: st.SearchStrategy[Any]) -> Any:
    parts = {"subject": subject, "action": ACTION, "resource": ENTITY, "context": CONTEXT}
    return st.fixed_dictionaries(
        {}, optional={**{name: mostly(part) for name, part in parts.items()}, **more}
    )


ITEM = mostly(request_with(ENTITY))
PAGE = st.fixed_dictionaries({}, optional={"limit": mostly(st.integers(0, 3)), "token": ANY_JSON})
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "evaluations_semantic": mostly(
            st.sampled_from(["execute_all", "deny_on_first_deny", "permit_on_first_permit"])
        )
    },
)
REQUEST = mostly(
    request_with(
        ENTITY,
        evaluations=mostly(st.lists(ITEM, max_size=4)),
        options=mostly(OPTIONS),
        page=mostly(PAGE),
        surprise=ANY_JSON,
    )
)


@pytest.fixture(scope="module")
def pep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pep]:
    with authzen_world(tmp_path_factory.mktemp("authzen")) as world:
        yield Pep(world)


@settings(max_examples=examples(150), deadline=None)
@given(path=st.sampled_from(ENDPOINTS), body=REQUEST)
def test_whatever_json_comes_is_answered_or_refused(pep: Pep, path: str, body: object) -> None:
    answer = pep.send(path, body)
    assert answer.status_code in (200, 400), answer.text
    told = answer.json()
    if answer.status_code == 400:
        assert told["detail"]
    elif "evaluations" in told:
        assert path == EVALUATIONS
        assert all(type(one["decision"]) is bool for one in told["evaluations"])
    else:
        assert type(told.get("decision")) is bool or isinstance(told["results"], list)


@settings(max_examples=examples(60), deadline=None)
@given(path=st.sampled_from(ENDPOINTS), body=st.binary(max_size=60))
def test_whatever_bytes_come_are_refused(pep: Pep, path: str, body: bytes) -> None:
    assert pep.send(path, body).status_code == 400


def is_object_or_absent(value: object) -> bool:
    return value is None or isinstance(value, dict)


def is_entity(value: object, *texts: str) -> bool:
    return (
        isinstance(value, dict)
        and all(isinstance(value.get(name), str) for name in texts)
        and is_object_or_absent(value.get("properties"))
    )


def is_question(told: dict[str, Any]) -> bool:
    return (
        is_entity(told.get("subject"), "type", "id")
        and is_entity(told.get("resource"), "type", "id")
        and is_entity(told.get("action"), "name")
        and is_object_or_absent(told.get("context"))
    )


def known(question: dict[str, Any]) -> dict[str, Any]:
    """A question without what the specification does not know, and without nulls."""
    found: dict[str, Any] = {}
    for name in PARTS:
        value = question.get(name)
        if value is not None and name == "context":
            found[name] = value
        elif value is not None:
            members = ("type", "id", "name", "properties")
            found[name] = {
                key: value[key]
                for key in members
                if value.get(key) is not None and (key == "name") <= (name == "action")
                and (key in ("type", "id")) <= (name != "action")
            }  # fmt: skip
    return found


@settings(max_examples=examples(300), deadline=None)
@given(
    body=request_with(
        ENTITY, evaluations=st.lists(ITEM, min_size=1, max_size=4), options=mostly(OPTIONS)
    ).filter(lambda body: "evaluations" in body)
)
def test_defaults_fill_what_an_item_leaves_out(body: dict[str, Any]) -> None:
    """An independent reading of section 7: what an item says replaces the default as a whole."""
    options = body.get("options")
    semantic = options.get("evaluations_semantic") if isinstance(options, dict) else None
    known_semantics = (None, "execute_all", "deny_on_first_deny", "permit_on_first_permit")
    is_whole = all(is_object_or_absent(body.get(name)) for name in (*PARTS, "options"))
    if not is_whole or semantic not in known_semantics:
        with pytest.raises(ProblemError):
            read_evaluations(body)
        return
    batch = read_evaluations(body)
    assert batch is not None
    assert batch.semantic == (semantic or "execute_all")
    assert len(batch.evaluations) == len(body["evaluations"])
    for index, item in enumerate(body["evaluations"]):
        merged = {name: body.get(name) for name in PARTS}
        if isinstance(item, dict):
            merged |= {name: item[name] for name in PARTS if item.get(name) is not None}
        is_good = isinstance(item, dict) and is_question(merged)
        assert (index not in batch.faults) is is_good
        assert batch.evaluations[index] == (known(merged) if is_good else {})


@settings(max_examples=examples(200), deadline=None)
@given(body=request_with(ENTITY, surprise=ANY_JSON))
def test_a_single_evaluation_is_read_or_refused(body: dict[str, Any]) -> None:
    if is_question(body):
        assert read_evaluation(body) == known(body)
        assert read_evaluations({**body, "evaluations": []}) is None
    else:
        with pytest.raises(ProblemError) as refused:
            read_evaluation(body)
        assert refused.value.problem.code == "BAD_REQUEST"


@settings(max_examples=examples(100), deadline=None)
@given(
    parts=st.fixed_dictionaries({"subject": ENTITY, "action": ACTION, "resource": ENTITY}),
    after=st.text(max_size=20),
    limit=st.none() | st.integers(0, 10**9),
)
def test_a_page_token_leads_where_it_was_given_for(
    parts: dict[str, Any], after: str, limit: int | None
) -> None:
    search = read_search("subject", parts)
    token = token_for(search, after, limit)
    assert token
    again = Search(search.kind, search.parts, PageRequest(token))
    position = position_of(again)
    assert (position.after, position.limit) == (after, limit)
    other = Search("resource", search.parts, PageRequest(token))
    with pytest.raises(ProblemError):
        position_of(other)
