"""Malformed requests: each gets its status, code and path, and nothing is ever run for it."""

import json
import logging
from typing import Any

import pytest

from tests.unit.graphql.support import FakeDoor, application, refusal, send

JSON = {"content-type": "application/json"}
PREFLIGHT = {"graphql-require-preflight": "1"}
PING = "{ shopPing { done } }"
GET_ORDER = "query ($i: ShopOrderGetInput!) { shopOrderGet(input: $i) { orderId } }"
TWO = "query A { shopPing { done } } query B { shopPing { done } }"

BODIES: list[tuple[bytes, int, str, str]] = [
    (b"", 400, "BAD_REQUEST", "body:1:1"),
    (b"{", 400, "BAD_REQUEST", "body:1:2"),
    (b"query { shopPing }", 400, "BAD_REQUEST", "body:1:1"),
    (b'\xef\xbb\xbf{"query":"{ __typename }"}', 400, "BAD_REQUEST", "body:1:1"),
    (b'{"query":"\xff"}', 400, "BAD_REQUEST", "body"),
    ('{"query":"{ __typename }"}'.encode("utf-16"), 400, "BAD_REQUEST", "body"),
    (b'{"query":"{ __typename }","query":"{ __typename }"}', 400, "BAD_REQUEST", ""),
    (b'{"query":"{ __typename }","variables":{"a":NaN}}', 400, "BAD_REQUEST", "/variables/a"),
    (
        b'{"query":"{ __typename }","variables":{"a":[Infinity]}}',
        400,
        "BAD_REQUEST",
        "/variables/a/0",
    ),
    (b'{"query":"{ __typename }","variables":{"a":1e999}}', 400, "BAD_REQUEST", "/variables/a"),
    (
        b'{"query":"{ __typename }","variables":{"a":%s}}' % (b"9" * 33),
        400,
        "BAD_REQUEST",
        "/variables/a",
    ),
    (b'{"query":"{ __typename }","variables":{"a":"\\ud800"}}', 400, "BAD_REQUEST", "/variables/a"),
    (b'{"query":"\\udfff"}', 400, "BAD_REQUEST", "/query"),
    (b"[" * 65 + b"]" * 65, 400, "BAD_REQUEST", "body:1:65"),
    (b"[" * 20_000, 400, "BAD_REQUEST", "body:1:65"),
    (b"[" * 200_000, 400, "BAD_REQUEST", "body"),
    (b"1", 422, "VALIDATION_FAILED", ""),
    (b"null", 422, "VALIDATION_FAILED", ""),
    (b"true", 422, "VALIDATION_FAILED", ""),
    (b'"x"', 422, "VALIDATION_FAILED", ""),
    (b"[]", 422, "VALIDATION_FAILED", ""),
    (b"[1]", 422, "VALIDATION_FAILED", ""),
    (b'[{"query":"{ __typename }"}]', 422, "VALIDATION_FAILED", ""),
    (b"{}", 422, "VALIDATION_FAILED", "/query"),
    (b'{"query":null}', 422, "VALIDATION_FAILED", "/query"),
    (b'{"query":1}', 422, "VALIDATION_FAILED", "/query"),
    (b'{"query":{}}', 422, "VALIDATION_FAILED", "/query"),
    (b'{"query":"{ __typename }","variables":[]}', 422, "VALIDATION_FAILED", "/variables"),
    (b'{"query":"{ __typename }","variables":"{}"}', 422, "VALIDATION_FAILED", "/variables"),
    (b'{"query":"{ __typename }","operationName":1}', 422, "VALIDATION_FAILED", "/operationName"),
    (b'{"query":"{ __typename }","extensions":7}', 422, "VALIDATION_FAILED", "/extensions"),
    (b'{"query":""}', 400, "GRAPHQL_PARSE_FAILED", "query:1:1"),
    (b'{"query":"{"}', 400, "GRAPHQL_PARSE_FAILED", "query:1:2"),
    (b'{"query":"{ a }\\n}"}', 400, "GRAPHQL_PARSE_FAILED", "query:2:1"),
    (b'{"query":"{ a(b: \\"\\\\uD800\\") }"}', 400, "GRAPHQL_PARSE_FAILED", "query:1:9"),
    (b'{"query":"%s%s"}' % (b"{a" * 500, b"}" * 500), 400, "GRAPHQL_PARSE_FAILED", "query:1:401"),
    (b'{"query":"{ nothing }"}', 422, "GRAPHQL_VALIDATION_FAILED", "query:1:3"),
    (b'{"query":"subscription { a }"}', 422, "GRAPHQL_VALIDATION_FAILED", "query:1:1"),
    (
        b'{"query":"{ ...a } fragment a on Query { ...a }"}',
        422,
        "GRAPHQL_VALIDATION_FAILED",
        "query:1:32",
    ),
    (b'{"query":"type A { b: Int }"}', 422, "GRAPHQL_VALIDATION_FAILED", "query:1:1"),
    (b'{"query":"{ shopPing { %s } }"}' % (b"done " * 1001), 422, "FIELD_LIMIT_EXCEEDED", "/query"),
]


def ask(body: Any = None, headers: dict[str, str] | None = None, **rest: Any) -> Any:
    """Send to a door that must not be called; gives the response."""
    door = FakeDoor()
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = send(application(door), content=content, headers=headers or JSON, **rest)
    assert door.calls == []
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["vary"] == "accept"
    assert response.headers["content-type"] == "application/graphql-response+json; charset=utf-8"
    return response


def check(response: Any, status: int, code: str, path: str) -> None:
    """The response is one refusal with this status, code and issue path, and has a remedy."""
    error = refusal(response)
    problem = error["extensions"]["problem"]
    assert (response.status_code, problem["code"]) == (status, code)
    assert [issue["path"] for issue in problem["issues"]] == [path]
    assert len(problem["detail"]) > 20


@pytest.mark.parametrize(("body", "status", "code", "path"), BODIES)
def test_a_malformed_body_is_refused(
    body: bytes, status: int, code: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "gateway"):
        check(ask(body), status, code, path)
        check(ask(body, {**JSON, "accept": "application/json"}), status, code, path)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    ("variables", "path"),
    [
        ({}, "/variables/i"),
        ({"i": None}, "/variables/i"),
        ({"i": "x"}, "/variables/i"),
        ({"i": []}, "/variables/i/orderId"),
        ({"i": {}}, "/variables/i/orderId"),
        ({"i": {"orderId": None}}, "/variables/i/orderId"),
        ({"i": {"orderId": 1.5}}, "/variables/i/orderId"),
        ({"i": {"orderId": {"a": 1}}}, "/variables/i/orderId"),
        ({"i": {"orderId": "1", "limit": 2**31}}, "/variables/i/limit"),
        ({"i": {"orderId": "1", "limit": "5"}}, "/variables/i/limit"),
        ({"i": {"orderId": "1", "status": "open"}}, "/variables/i/status"),
        ({"i": {"orderId": "1", "status": 1}}, "/variables/i/status"),
        ({"i": {"orderId": "1", "a/b~c": 1}}, "/variables/i/?"),
    ],
)
def test_variables_that_do_not_fit_are_refused_by_pointer(
    variables: dict[str, Any], path: str
) -> None:
    response = ask({"query": GET_ORDER, "variables": variables})
    if variables == {"i": []}:  # GraphQL takes a list of none for no value of an object type
        path = "/variables/i"
    check(response, 422, "VALIDATION_FAILED", path)


def test_every_issue_of_the_variables_is_told_at_once_and_no_value_is_quoted() -> None:
    secret = "ada@example.org"
    given = {"limit": secret, "status": secret, "nope": secret}
    response = ask({"query": GET_ORDER, "variables": {"i": given}})
    issues = refusal(response)["extensions"]["problem"]["issues"]
    assert {(issue["path"], issue["code"]) for issue in issues} == {
        ("/variables/i/orderId", "REQUIRED"),
        ("/variables/i/limit", "WRONG_TYPE"),
        ("/variables/i/status", "NOT_ALLOWED"),
        ("/variables/i/nope", "UNKNOWN_FIELD"),
    }
    assert secret not in response.text


def test_all_malformed_parameters_are_told_at_once() -> None:
    response = ask({"query": 1, "variables": 1, "operationName": 1, "extensions": 1})
    issues = refusal(response)["extensions"]["problem"]["issues"]
    assert [issue["path"] for issue in issues] == [
        "/query",
        "/variables",
        "/operationName",
        "/extensions",
    ]


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({}, "/operationName"),
        ({"operationName": None}, "/operationName"),
        ({"operationName": ""}, "/operationName"),
        ({"operationName": "C"}, "/operationName"),
    ],
)
def test_an_ambiguous_or_unknown_operation_is_not_run(members: dict[str, Any], path: str) -> None:
    check(ask({"query": TWO, **members}), 422, "OPERATION_RESOLUTION_FAILURE", path)


def test_a_null_condition_is_refused_before_the_command_that_it_is_part_of_runs() -> None:
    query = "mutation ($x: Boolean = true) { shopReset { done @include(if: $x) } }"
    response = ask({"query": query, "variables": {"x": None}})
    check(response, 422, "VALIDATION_FAILED", "/variables/x")


@pytest.mark.parametrize(
    ("headers", "status", "code", "path", "told"),
    [
        (
            {"content-type": "text/plain"},
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "header:content-type",
            "accept",
        ),
        ({}, 415, "UNSUPPORTED_MEDIA_TYPE", "header:content-type", "accept"),
        (
            {"content-type": "application/x-www-form-urlencoded"},
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "header:content-type",
            "accept",
        ),
        (
            {"content-type": "multipart/form-data; boundary=x"},
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "header:content-type",
            "accept",
        ),
        (
            {"content-type": "application/json; charset=utf-16"},
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "header:content-type",
            "accept",
        ),
        (
            {**JSON, "content-encoding": "gzip"},
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "header:content-encoding",
            "accept-encoding",
        ),
        ({**JSON, "accept": "text/csv"}, 406, "NOT_ACCEPTABLE", "header:accept", "vary"),
        (
            {"content-type": "application/json; charset=utf-8; charset=utf-16"},
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "header:content-type",
            "accept",
        ),
        (
            {**JSON, "accept": "application/json;charset=utf-16"},
            406,
            "NOT_ACCEPTABLE",
            "header:accept",
            "vary",
        ),
        ({**JSON, "accept": "*/*;q=0"}, 406, "NOT_ACCEPTABLE", "header:accept", "vary"),
        ({**JSON, "content-length": "300000"}, 413, "PAYLOAD_TOO_LARGE", "body", "connection"),
        ({**JSON, "content-length": "-1"}, 413, "PAYLOAD_TOO_LARGE", "body", "connection"),
        ({**JSON, "content-length": "9" * 9000}, 413, "PAYLOAD_TOO_LARGE", "body", "connection"),
    ],
)
def test_headers_that_do_not_do_are_refused(
    headers: dict[str, str], status: int, code: str, path: str, told: str
) -> None:
    body = json.dumps({"query": PING}).encode()
    response = ask(body, headers or {"x-nothing": "1"})
    check(response, status, code, path)
    assert told in response.headers


def test_a_header_that_comes_twice_is_refused() -> None:
    headers = [("content-type", "application/json"), ("authorization", "a"), ("authorization", "b")]
    response = ask({"query": PING}, headers)
    check(response, 400, "BAD_REQUEST", "header:authorization")


@pytest.mark.parametrize("size", [256 * 1024 + 1, 1_000_000])
def test_a_body_over_the_limit_is_refused(size: int) -> None:
    check(ask(b" " * size), 413, "PAYLOAD_TOO_LARGE", "body")


def test_a_body_at_the_limit_is_read() -> None:
    body = json.dumps({"query": PING}).encode()
    response = send(application(), content=body + b" " * (256 * 1024 - len(body)), headers=JSON)
    assert response.json() == {"data": {"shopPing": {"done": True}}}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_other_methods_are_not_allowed(method: str) -> None:
    response = ask({"query": PING}, method=method)
    check(response, 405, "METHOD_NOT_ALLOWED", "method")
    assert response.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    ("url", "status", "code", "path"),
    [
        ("/graphql", 422, "VALIDATION_FAILED", "/query"),
        ("/graphql?query=", 400, "GRAPHQL_PARSE_FAILED", "query:1:1"),
        ("/graphql?query=%ff", 400, "BAD_REQUEST", "uri"),
        ("/graphql?query=a&query=b", 400, "BAD_REQUEST", "uri"),
        ("/graphql?query=a" + "&a=1" * 30, 400, "BAD_REQUEST", "uri"),
        ("/graphql?query=%7Ba%7D&variables=%7B", 400, "BAD_REQUEST", "variables:1:2"),
        (
            "/graphql?query=%7Ba%7D&variables=%7B%22a%22%3ANaN%7D",
            400,
            "BAD_REQUEST",
            "/variables/a",
        ),
        ("/graphql?query=%7Ba%7D&variables=1", 422, "VALIDATION_FAILED", "/variables"),
        ("/graphql?query=%7Ba%7D&extensions=%5B%5D", 422, "VALIDATION_FAILED", "/extensions"),
        ("/graphql?query=mutation%7BshopReset%7Bdone%7D%7D", 405, "METHOD_NOT_ALLOWED", "method"),
        ("/graphql?query=" + "a" * 17_000, 414, "URI_LIMIT_EXCEEDED", "uri"),
    ],
)
def test_a_malformed_get_is_refused(url: str, status: int, code: str, path: str) -> None:
    response = ask(b"", PREFLIGHT, method="GET", url=url)
    check(response, status, code, path)
    assert status != 405 or response.headers["allow"] == "POST"


def test_a_get_that_another_site_could_send_is_refused() -> None:
    url = "/graphql?query=%7BshopPing%7Bdone%7D%7D"
    response = ask(b"", {"x-nothing": "1"}, method="GET", url=url)
    check(response, 400, "BAD_REQUEST", "header:graphql-require-preflight")


def test_a_bad_token_is_refused_before_the_body_is_looked_at() -> None:
    response = ask(b"rubbish", {**JSON, "authorization": "Bearer rubbish"})
    error = refusal(response)
    assert (response.status_code, error["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("literal", "variables", "received"),
    [
        ("{a: $v, b: 1}", {}, {"b": 1}),
        ("{a: {c: $v}, b: [{d: $v}]}", {}, {"a": {}, "b": [{}]}),
        ("[$v, 1]", {}, [None, 1]),
        ("{a: $v, b: [$v]}", {"v": None}, {"a": None, "b": [None]}),
        ("{a: $v, b: [$v]}", {"v": {"x": [1]}}, {"a": {"x": [1]}, "b": [{"x": [1]}]}),
    ],
)
def test_what_a_literal_of_json_has_of_a_variable_that_is_left_out_is_left_out(
    literal: str, variables: dict[str, object], received: object
) -> None:
    door = FakeDoor(answers={"shop.order.get": {"orderId": "1"}})
    given = f"{{orderId: 1, extra: {literal}}}"
    query = f"query ($v: JSON) {{ shopOrderGet(input: {given}) {{ orderId }} }}"
    body = json.dumps({"query": query, "variables": variables})
    answer = send(application(door), content=body, headers=JSON).json()
    assert answer == {"data": {"shopOrderGet": {"orderId": "1"}}}
    assert json.dumps([call["input"]["extra"] for call in door.calls]) == json.dumps([received])


def test_a_variable_that_makes_a_literal_too_deep_is_the_callers_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    door = FakeDoor()
    literal = "{a: " * 40 + "$m" + "}" * 40
    given = f"{{orderId: 1, extra: {literal}}}"
    query = f"query ($m: JSON) {{ shopOrderGet(input: {given}) {{ orderId }} }}"
    variable = json.loads('{"a": ' * 40 + "1" + "}" * 40)
    body = json.dumps({"query": query, "variables": {"m": variable}})
    answer = send(application(door), content=body, headers=JSON).json()
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "VALIDATION_FAILED"
    assert error["path"] == ["shopOrderGet"]
    assert door.calls == []
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []
