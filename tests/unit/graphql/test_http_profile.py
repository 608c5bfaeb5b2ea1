"""The status of every kind of answer, in both profiles and both media types."""

import json
from typing import Any

import httpx
import pytest

from gateway.model.problem import refuse
from gateway.surfaces.graphql import HttpProfile, Limits
from tests.unit.graphql.support import FakeDoor, application, post, send

GRAPHQL, PLAIN = "application/graphql-response+json", "application/json"
SPEC, AUDIT = HttpProfile.SPEC, HttpProfile.AUDIT
PING = "{ shopPing { done } }"
TWO = "query A { shopPing { done } } query B { shopPing { done } }"
ORDER = "query ($i: ShopOrderGetInput!) { shopOrderGet(input: $i) { total } }"
JSON = {"content-type": PLAIN}


def ask(profile: HttpProfile, media: str, **request: Any) -> httpx.Response:
    """Ask a door whose orders are all in conflict, and whose documents may have 3 aliases."""
    door = FakeDoor({"shop.order.get": refuse("CONFLICT", "It is running. Wait.")})
    app = application(door, profile=profile, limits=Limits(aliases=3))
    return send(app, **{**request, "headers": {**request.get("headers", JSON), "accept": media}})


def body(**members: Any) -> dict[str, Any]:
    return {"content": json.dumps(members).encode()}


EXECUTED = body(query=PING)
ALIASES = body(query="{ a: __typename b: __typename c: __typename d: __typename }")
CASES: list[tuple[str, dict[str, Any], tuple[int, int, int, int]]] = [
    # What is asked, and the statuses: spec (own type, plain JSON), audit (the same).
    ("data", EXECUTED, (200, 200, 200, 200)),
    ("a field fails", body(query=ORDER, variables={"i": {"orderId": 1}}), (294, 200, 200, 200)),
    ("no JSON", {"content": b"{"}, (400, 400, 400, 400)),
    ("no UTF-8", {"content": b'{"query":"\xff"}'}, (400, 400, 400, 400)),
    ("a key twice", {"content": b'{"query":"{a}","query":"{a}"}'}, (400, 400, 400, 400)),
    ("no object", {"content": b"1"}, (422, 422, 400, 400)),
    ("a batch", {"content": b"[]"}, (422, 422, 400, 400)),
    ("no query", body(), (422, 422, 400, 400)),
    ("wrong parameters", body(query=PING, variables=[]), (422, 422, 400, 400)),
    ("does not parse", body(query="{"), (400, 400, 400, 200)),
    ("does not validate", body(query="{ nothing }"), (422, 422, 400, 200)),
    ("over a limit", ALIASES, (422, 422, 400, 200)),
    ("which operation", body(query=TWO), (422, 422, 400, 200)),
    ("wrong variables", body(query=ORDER), (422, 422, 400, 200)),
    ("no such method", {**EXECUTED, "method": "PUT"}, (405, 405, 405, 405)),
    (
        "a mutation by GET",
        {
            "method": "GET",
            "params": {"query": "mutation { shopReset { done } }"},
            "headers": {"graphql-require-preflight": "1"},
        },
        (405, 405, 405, 405),
    ),
    ("no JSON type", {**EXECUTED, "headers": {"content-type": "text/plain"}}, (415,) * 4),
    ("too large", {"content": b" " * 300_000}, (413, 413, 413, 413)),
    ("a bad token", {**EXECUTED, "headers": {**JSON, "authorization": "x"}}, (401,) * 4),
    (
        "a long address",
        {
            "method": "GET",
            "params": {"query": "a" * 17_000},
            "headers": {"graphql-require-preflight": "1"},
        },
        (414, 414, 414, 414),
    ),
]


@pytest.mark.parametrize(
    ("request_", "statuses"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_each_kind_of_answer_has_its_status(
    request_: dict[str, Any], statuses: tuple[int, int, int, int]
) -> None:
    pairs = [(SPEC, GRAPHQL), (SPEC, PLAIN), (AUDIT, GRAPHQL), (AUDIT, PLAIN)]
    answers = [ask(profile, media, **request_) for profile, media in pairs]
    assert tuple(answer.status_code for answer in answers) == statuses
    for (_, media), answer in zip(pairs, answers, strict=True):
        told = media if answer.is_success else GRAPHQL
        assert answer.headers["content-type"] == f"{told}; charset=utf-8"
        assert ("allow" in answer.headers) is (answer.status_code == 405)
    assert all(answer.json() == answers[0].json() for answer in answers), "the body stays the same"


@pytest.mark.parametrize("profile", HttpProfile)
def test_what_cannot_be_accepted_is_406(profile: HttpProfile) -> None:
    answer = ask(profile, "text/csv", **EXECUTED)
    assert (answer.status_code, answer.headers["content-type"]) == (
        406,
        f"{GRAPHQL}; charset=utf-8",
    )


@pytest.mark.parametrize(
    ("profile", "accept", "media"),
    [
        (SPEC, None, GRAPHQL),
        (SPEC, "*/*", GRAPHQL),
        (AUDIT, None, PLAIN),
        (AUDIT, "*/*", PLAIN),
        (AUDIT, "application/*;q=0.3", PLAIN),
        (AUDIT, "application/json, application/graphql-response+json", GRAPHQL),
        (AUDIT, "application/graphql-response+json, */*", GRAPHQL),
        (AUDIT, "application/json;q=0.5, application/graphql-response+json;q=0.9", GRAPHQL),
    ],
)
def test_who_does_not_care_gets_the_type_of_the_profile(
    profile: HttpProfile, accept: str | None, media: str
) -> None:
    answer = post(application(profile=profile), PING, {"accept": accept} if accept else {})
    assert answer.headers["content-type"] == f"{media}; charset=utf-8"


def test_a_command_whose_only_field_fails_is_a_partial_success_too() -> None:
    door = FakeDoor({"shop.reset": refuse("FORBIDDEN", "Not you.")})
    answer = post(application(door), "mutation { shopReset { done } }")
    assert (answer.status_code, answer.json()["data"]) == (294, {"shopReset": None})
