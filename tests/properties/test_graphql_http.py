"""Whatever bytes come as headers, address and body: an answer of GraphQL's form, never a 5xx."""

import asyncio
import json
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from gateway.surfaces.graphql import HttpProfile
from tests.unit.graphql.support import application

GRAPHQL, PLAIN = "application/graphql-response+json", "application/json"
STREAM, HTML = "text/event-stream", "text/html"
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Answer:
    """What an ASGI application sent."""

    status: int
    headers: dict[str, str]
    body: bytes


@cache
def app(profile: HttpProfile) -> Starlette:
    return application(profile=profile)


def ask(
    profile: HttpProfile, method: str, headers: Headers, query_string: bytes, parts: list[bytes]
) -> Answer:
    """One request straight to the application, which must bear what any server lets through."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "query_string": query_string,
        "headers": headers,
    }
    left = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    left.append({"type": "http.request", "body": b"", "more_body": False})
    sent: list[Any] = []

    async def receive() -> Any:
        return left.pop(0) if left else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(profile)(scope, receive, send))
    named = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], named, content)


def check(answer: Answer) -> None:
    """The answer has the form that its media type promises, and a status that fits."""
    media = answer.headers["content-type"].removesuffix("; charset=utf-8")
    assert answer.status < 500
    assert answer.headers["cache-control"] == "no-store"
    if media == HTML:
        assert answer.status == 200
        return
    if media == STREAM:
        assert answer.status == 200
        assert answer.body.endswith(b"event: complete\ndata: \n\n")
        return
    body = json.loads(answer.body)
    assert body.keys() <= {"data", "errors", "extensions"}
    assert ("data" in body) or body["errors"]
    assert all(
        error["message"] and error["extensions"]["problem"] for error in body.get("errors", [])
    )
    assert media == (GRAPHQL if answer.status >= 300 else media)
    assert media in (GRAPHQL, PLAIN)
    assert ("allow" in answer.headers) is (answer.status == 405)


def latin(least: int = 0) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=least, max_size=60)


MEDIA = st.sampled_from(
    [
        GRAPHQL,
        PLAIN,
        STREAM,
        HTML,
        "*/*",
        "application/*",
        "text/*",
        "image/png",
        "*",
        "",
        "/",
        "a/b/c",
    ]
)
PARAMETER = st.sampled_from(
    ["q=0", "q=1", "q=0.5", "q=1.5", "q=", "q=-1", "q=x", "q=0.0001", "charset=utf-8",
     'charset="utf-8"', "charset=utf-16", "charset", "=", "v=1", '"'],
)  # fmt: skip
RANGES = st.lists(
    st.tuples(MEDIA, st.lists(PARAMETER, max_size=3)).map(lambda r: ";".join([r[0], *r[1]])),
    max_size=6,
)
ACCEPT = RANGES.map(lambda ranges: ", ".join(ranges).encode()) | latin()
CONTENT_TYPE = (
    RANGES.map(lambda ranges: (ranges or [""])[0].encode()) | latin() | st.just(b"application/json")
)
NAMES = [b"authorization", b"content-length", b"content-encoding", b"last-event-id", b"traceparent",
         b"graphql-require-preflight"]  # fmt: skip
OTHERS = st.lists(st.tuples(st.sampled_from(NAMES), latin()), max_size=3)


@st.composite
def headers(draw: st.DrawFn) -> Headers:
    found = [(b"accept", value) for value in draw(st.lists(ACCEPT, max_size=2))]
    found += [(b"content-type", value) for value in draw(st.lists(CONTENT_TYPE, max_size=2))]
    return found + draw(OTHERS)


QUERIES = st.sampled_from(
    ["{ shopPing { done } }", "{ __typename }", "mutation { shopReset { done } }", "{", "{ no }",
     "query A { __typename } query B { __typename }", "subscription { x }", "", "\ud800",
     "query ($i: ShopOrderGetInput!) { shopOrderGet(input: $i) { total } }"],
) | st.text(max_size=30)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["\ud800", 10**40, float("nan"), float("-inf")]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "query": QUERIES | VALUES,
        "variables": st.dictionaries(st.sampled_from(["i", "x"]), VALUES, max_size=2) | VALUES,
        "operationName": st.sampled_from(["A", "B", "C", "", None]) | VALUES,
        "extensions": VALUES,
        "more": VALUES,
    },
)
JSON_BODIES = (REQUESTS | VALUES).map(lambda value: json.dumps(value).encode())
BROKEN = st.tuples(JSON_BODIES, st.integers(0, 200), st.binary(max_size=4)).map(
    lambda t: t[0][: t[1]] + t[2] + t[0][t[1] :]
)
DEEP = st.tuples(st.sampled_from([b"[", b'{"a":', b'{"query":[']), st.integers(50, 5000)).map(
    lambda t: t[0] * t[1]
)
BODIES = JSON_BODIES | BROKEN | DEEP | st.binary(max_size=200)
QUERY_STRINGS = st.binary(max_size=200) | st.lists(
    st.tuples(
        st.sampled_from(["query", "variables", "operationName", "extensions", "more"]),
        QUERIES.filter(lambda text: "\ud800" not in text) | JSON_BODIES.map(bytes.decode),
    ),
    max_size=5,
).map(lambda pairs: urlencode(pairs, quote_via=quote, errors="surrogatepass").encode())  # fmt: skip
PROFILES = st.sampled_from(list(HttpProfile))
METHODS = st.sampled_from(["POST", "GET", "PUT", "HEAD", "OPTIONS", "POST\x00", ""])


@settings(max_examples=300, deadline=None)
@given(PROFILES, METHODS, headers(), QUERY_STRINGS, st.lists(BODIES, max_size=2))
def test_any_request_at_all_is_answered_in_order(
    profile: HttpProfile, method: str, given_: Headers, query_string: bytes, parts: list[bytes]
) -> None:
    check(ask(profile, method, given_, query_string, parts))


@settings(max_examples=300, deadline=None)
@given(PROFILES, BODIES)
def test_any_body_of_a_request_that_is_in_order_else_is_answered(
    profile: HttpProfile, body: bytes
) -> None:
    answer = ask(profile, "POST", [(b"content-type", b"application/json")], b"", [body])
    check(answer)
    assert answer.status in (200, 294, 400, 422)


@settings(max_examples=200, deadline=None)
@given(PROFILES, QUERY_STRINGS)
def test_any_query_string_is_answered_and_runs_no_command(
    profile: HttpProfile, query_string: bytes
) -> None:
    answer = ask(profile, "GET", [(b"graphql-require-preflight", b"")], query_string, [])
    check(answer)
    assert b"shopReset" not in answer.body


def weight(accept: list[tuple[str, str]], media: str) -> float:
    """How much ``media`` is wanted, by the most specific range that fits (RFC 9110, 12.5.1)."""
    for fits in (media, "application/*", "*/*"):
        found = [float(q) for named, q in accept if named == fits]
        if found:
            return max(found)
    return 0.0


WANTED = st.lists(
    st.tuples(
        st.sampled_from([GRAPHQL, PLAIN, "application/*", "*/*", "image/png"]),
        st.sampled_from(["0", "0.001", "0.5", "0.9", "1", "1.000"]),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=300, deadline=None)
@given(PROFILES, WANTED)
def test_the_type_of_an_answer_is_one_of_those_that_are_wanted_most(
    profile: HttpProfile, accept: list[tuple[str, str]]
) -> None:
    text = ", ".join(f"{media};q={q}" for media, q in accept).encode()
    asked = [(b"content-type", b"application/json"), (b"accept", text)]
    answer = ask(profile, "POST", asked, b"", [b'{"query":"{ __typename }"}'])
    weights = {media: weight(accept, media) for media in (GRAPHQL, PLAIN)}
    if not max(weights.values()):
        assert answer.status == 406
        return
    media = answer.headers["content-type"].removesuffix("; charset=utf-8")
    assert (answer.status, weights[media]) == (200, max(weights.values()))
