"""The endpoint as clients meet it: answers, errors, introspection, tracing, real sockets."""

import asyncio
import json
import logging
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
from graphql import build_client_schema, get_introspection_query

from gateway.model.principal import Principal
from gateway.model.problem import problem, refuse
from gateway.surfaces.graphql import Introspection, Limits
from tests.processes import HTTP
from tests.unit.graphql.support import (
    ADMIN,
    FakeDoor,
    application,
    post,
    refusal,
    send,
    serving,
)

PING = "{ shopPing { done } }"
ORDER = '{ shopOrderGet(input: {orderId: "7"}) { orderId status } shopPing { done } }'
TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
AS_ADMIN = {"authorization": "Bearer admin"}


def test_a_query_is_answered_and_the_door_knows_who_asks() -> None:
    door = FakeDoor()
    answer = post(application(door), PING, headers={**AS_ADMIN, "traceparent": TRACEPARENT})
    assert answer.json() == {"data": {"shopPing": {"done": True}}}
    (call,) = door.calls
    assert call == {
        "ref": "shop.ping@1.0.0",
        "input": {},
        "principal": ADMIN,
        "idempotency_key": None,
        "trace_id": TRACE,
    }


def test_a_command_passes_its_idempotency_key() -> None:
    door = FakeDoor()
    post(application(door), 'mutation { shopReset(idempotencyKey: "k1") { done } }')
    post(application(door), "mutation { shopReset(idempotencyKey: null) { done } }")
    post(application(door), "mutation { shopReset { done } }")
    assert [call["idempotency_key"] for call in door.calls] == ["k1", None, None]


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "rubbish",
        f"ff-{TRACE}-b7ad6b7169203331-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-b7ad6b7169203331-01",
        f"00-{TRACE}-b7ad6b7169203331",
        f"00-{TRACE}-b7ad6b7169203331-01-extra",
        f"00-{TRACE}-b7ad6b7169203331-zz",
    ],
)
def test_an_invalid_traceparent_is_ignored(traceparent: str) -> None:
    door = FakeDoor()
    post(application(door), PING, headers={"traceparent": traceparent})
    assert door.calls[0]["trace_id"] is None


def test_a_refusal_carries_the_trace() -> None:
    for query in ("{", "{ nothing }"):
        error = refusal(post(application(), query, headers={"traceparent": TRACEPARENT}))
        assert error["extensions"]["problem"]["traceId"] == TRACE
    answer = send(application(), "PUT", headers={"traceparent": TRACEPARENT})
    assert refusal(answer)["extensions"]["problem"]["traceId"] == TRACE


def test_a_problem_of_the_door_is_the_error_of_its_field_alone() -> None:
    told = refuse("CONFLICT", "It is running. Wait.", extra={"state": "RUNNING"})
    answer = post(application(FakeDoor({"shop.order.get": told})), ORDER)
    assert answer.status_code == 294
    assert answer.json() == {
        "data": {"shopOrderGet": None, "shopPing": {"done": True}},
        "errors": [
            {
                "message": "It is running. Wait.",
                "locations": [{"line": 1, "column": 3}],
                "path": ["shopOrderGet"],
                "extensions": {
                    "code": "CONFLICT",
                    "http": {"status": 409},
                    "problem": told.problem.to_json(),
                },
            }
        ],
    }


@pytest.mark.parametrize(
    "broken",
    [
        ValueError("secret-in-exception"),
        KeyError("secret-in-exception"),
        lambda given: {"status": "OPEN"},
        lambda given: {"orderId": "7", "status": "secret-in-exception"},
        lambda given: 5,
    ],
)
def test_an_unexpected_failure_is_an_error_id_and_the_log_has_no_values(
    broken: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = application(FakeDoor({"shop.order.get": broken}))
    query = 'query ($s: ID!) { shopOrderGet(input: {orderId: $s, extra: "secret-literal"}) {'
    with caplog.at_level(logging.DEBUG, "gateway"):
        answer = post(app, query + " orderId status } }", variables={"s": "secret-variable"})
    (error,) = answer.json()["errors"]
    told = error["extensions"]["problem"]
    assert (answer.status_code, told["code"], told["status"]) == (294, "INTERNAL_ERROR", 500)
    assert told["errorId"] in error["message"]
    assert told["errorId"] in caplog.text
    assert "secret" not in answer.text + caplog.text


def test_a_failure_outside_the_fields_is_a_500_with_an_error_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(_authorization: str | None, /) -> Principal:
        raise RuntimeError("secret-in-exception")

    answer = post(application(who=broken), PING)
    error = refusal(answer)
    assert (answer.status_code, error["extensions"]["code"]) == (500, "INTERNAL_ERROR")
    assert "secret" not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text


def test_a_problem_with_a_wait_tells_it_in_a_header() -> None:
    async def busy(_authorization: str | None, /) -> Principal:
        raise refuse("SERVICE_UNAVAILABLE", "No keys at hand. Try later.", retry_after=2.5)

    answer = post(application(who=busy), PING)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")


def test_mutations_run_one_after_another_and_queries_together() -> None:
    running: list[str] = []
    seen: list[int] = []

    class Slow(FakeDoor):
        async def call(self, contract: Any, given: Any, **rest: Any) -> dict[str, Any]:
            running.append(contract.key)
            seen.append(len(running))
            await asyncio.sleep(0.01)
            running.remove(contract.key)
            return {"done": True}

    app = application(Slow())
    post(app, "mutation { a: shopReset { done } b: shopReset { done } c: shopReset { done } }")
    assert seen == [1, 1, 1]
    seen.clear()
    post(app, "{ a: shopPing { done } b: shopPing { done } c: shopPing { done } }")
    assert seen == [1, 2, 3]


def test_the_named_operation_is_the_one_that_runs() -> None:
    door = FakeDoor({"shop.reset": {"done": False}})
    query = "query A { shopPing { done } } mutation B { shopReset { done } }"
    assert post(application(door), query, operationName="B").json() == {
        "data": {"shopReset": {"done": False}}
    }
    assert [call["ref"] for call in door.calls] == ["shop.reset@1.0.0"]


def test_response_errors_are_capped() -> None:
    def many(_given: Any) -> dict[str, Any]:
        return {"orderId": "7", "items": [{"count": "x", "sku": "s"}] * 80, "status": "OPEN"}

    app = application(FakeDoor({"shop.order.get": many}), limits=Limits(response_errors=4))
    query = '{ shopOrderGet(input: {orderId: "7"}) { items { sku } } }'
    assert len(post(app, query).json()["data"]["shopOrderGet"]["items"]) == 80
    fields = "".join(f"a{i}: shopOrderGet(input: {{orderId: 1}}) {{ total }} " for i in range(6))
    failing = FakeDoor({"shop.order.get": refuse("CONFLICT", "No.")})
    body = post(application(failing, limits=Limits(response_errors=4)), f"{{ {fields} }}").json()
    assert len(body["errors"]) == 4
    assert body["extensions"] == {"errorsOmitted": 2}


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, "application/graphql-response+json"),
        ("*/*", "application/graphql-response+json"),
        ("application/*;q=0.5", "application/graphql-response+json"),
        ("application/json", "application/json"),
        ("application/json, */*;q=0.1", "application/json"),
        (
            "application/json;q=0.5, application/graphql-response+json",
            "application/graphql-response+json",
        ),
        ("application/graphql-response+json;q=0, */*", "application/json"),
        ("application/graphql-response+json;q=1.5, application/json;q=0.1", "application/json"),
        ("application/json;charset=utf-16, */*;q=0.1", "application/graphql-response+json"),
        (
            "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
            "application/graphql-response+json",
        ),
        ("Application/JSON; charset=UTF-8", "application/json"),
        (" , ,", "application/graphql-response+json"),
        ("text/html, application/json;q=0.9", "application/json"),
        (
            "multipart/mixed, application/graphql-response+json, application/json",
            "application/graphql-response+json",
        ),
    ],
)
def test_the_answer_has_the_type_that_the_caller_prefers(accept: str | None, media: str) -> None:
    answer = post(application(), PING, headers={"accept": accept} if accept is not None else {})
    assert answer.headers["content-type"] == f"{media}; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["vary"] == "accept"


@pytest.mark.parametrize("headers", [{"graphql-require-preflight": ""}, AS_ADMIN])
def test_a_get_runs_a_query(headers: dict[str, str]) -> None:
    door = FakeDoor({"shop.order.get": {"orderId": "7", "status": "OPEN"}})
    query = "query ($i: ShopOrderGetInput!) { shopOrderGet(input: $i) { status } }"
    answer = send(
        application(door),
        "GET",
        headers=headers,
        params={"query": query, "variables": '{"i":{"orderId":"7"}}', "operationName": ""},
    )
    assert answer.json() == {"data": {"shopOrderGet": {"status": "OPEN"}}}


@pytest.mark.parametrize(
    ("mode", "headers", "told"),
    [
        (Introspection.ON, {}, True),
        (Introspection.ADMIN, {}, False),
        (Introspection.ADMIN, AS_ADMIN, True),
        (Introspection.OFF, AS_ADMIN, False),
    ],
)
def test_introspection_is_for_those_whom_the_setting_allows(
    mode: Introspection, headers: dict[str, str], told: bool
) -> None:
    app = application(introspection=mode)
    answer = post(app, get_introspection_query(), headers=headers)
    if told:
        assert build_client_schema(answer.json()["data"]).query_type is not None
    else:
        assert answer.status_code == 422
        assert refusal(answer)["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    typename = post(app, "{ __typename shopPing { __typename } }", headers=headers)
    assert typename.json()["data"]["__typename"] == "Query"
    mistyped = post(app, "{ shopPing { doen } }", headers=headers).json()["errors"][0]["message"]
    assert ("Did you mean" in mistyped) is told


def test_the_problem_that_the_door_tells_is_never_altered() -> None:
    told = problem("TIMEOUT", "It took too long.", retry_after=3.0, trace_id="t")
    door = FakeDoor({"shop.ping": refuse("TIMEOUT", "x", retry_after=3.0)})
    body = post(application(door), PING, headers={"traceparent": TRACEPARENT}).json()
    assert body["errors"][0]["extensions"]["problem"]["retryAfter"] == told.retry_after


@pytest.mark.parametrize(("wait", "header"), [(0.1, "1"), (3.0, "3"), (6.7, "7"), (None, None)])
def test_a_field_that_was_refused_for_a_while_says_so_in_the_header(
    wait: float | None, header: str | None
) -> None:
    door = FakeDoor({"shop.ping": refuse("RATE_LIMITED", "x", retry_after=wait)})
    answer = post(application(door), PING)
    assert answer.status_code == 294
    assert answer.headers.get("retry-after") == header


def raw(url: str, request: bytes) -> bytes:
    """Send bytes to a server and read until it closes."""
    parts = urlsplit(url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=30) as sock:
        sock.sendall(request)
        received = b""
        while block := sock.recv(65536):
            received += block
    return received


def test_over_real_sockets_requests_are_answered_and_bounds_hold() -> None:
    door = FakeDoor()
    with serving(application(door, limits=Limits(body_seconds=1))) as url:
        answer = HTTP.post(f"{url}/graphql", json={"query": PING})
        assert answer.json() == {"data": {"shopPing": {"done": True}}}

        chunks = (b" " * 8192 for _ in range(64))
        json_type = {"content-type": "application/json"}
        large = HTTP.post(f"{url}/graphql", content=chunks, headers=json_type)
        assert large.status_code == 413

        head = b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
        slow = raw(url, head + b"content-length: 50\r\n\r\n{")
        assert slow.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in slow
        assert (
            json.loads(slow.partition(b"\r\n\r\n")[2])["errors"][0]["extensions"]["code"]
            == "TIMEOUT"
        )

        long = HTTP.get(f"{url}/graphql?query={'a' * 20_000}", headers=AS_ADMIN)
        assert long.status_code == 414

        chunked = raw(
            url,
            head + b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n"
            b'b\r\n{"query":"{\r\ne\r\n __typename }"\r\n1\r\n}\r\n0\r\n\r\n',
        )
        assert chunked.endswith(b'{"data":{"__typename":"Query"}}')
    assert len(door.calls) == 1


def test_a_caller_who_hangs_up_is_not_answered_and_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with serving(application()) as url:
        parts = urlsplit(url)
        with socket.create_connection((str(parts.hostname), int(parts.port or 0))) as sock:
            sock.sendall(
                b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
                b"content-length: 50\r\n\r\n{"
            )
        assert HTTP.post(f"{url}/graphql", json={"query": PING}).status_code == 200
    assert "internal error" not in caplog.text
