"""What an http handler sends."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from gateway.actions import Secrets
from gateway.model.action import Answered, Declined
from gateway.model.contract import HttpHandler, Kind
from tests.unit.actions.raw_server import (
    RawServer,
    Seen,
    exchange,
    make_call,
    make_contract,
    opened,
    running,
    says,
)

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def sent(given: dict[str, Any], path: str = "/orders", **more: Any) -> Seen:
    result = exchange(says(200), given, path, **more)
    assert result.outcome == Answered({})
    (seen,) = result.seen
    return seen


def refused(given: dict[str, Any], path: str = "/orders", **more: Any) -> str:
    result = exchange(says(200), given, path, **more)
    assert isinstance(result.outcome, Declined)
    assert (result.outcome.code, result.outcome.status) == ("VALIDATION_FAILED", 422)
    assert result.seen == []
    return result.outcome.detail


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_the_input_goes_as_a_json_object(method: str) -> None:
    given = {"orderId": "o 1/ä", "amount": 2.5, "note": None, "parts": [{"n": 1}]}
    seen = sent(given, method=method)
    assert seen.method == method
    assert seen.headers["content-type"] == "application/json"
    assert json.loads(seen.body) == given


def test_an_empty_input_is_an_empty_object() -> None:
    assert sent({}).body == b"{}"


def test_what_stands_in_the_address_leaves_the_body() -> None:
    seen = sent({"orderId": "o-1", "part": 3, "amount": 2}, "/orders/{orderId}/parts/{part}")
    assert seen.target == "/orders/o-1/parts/3"
    assert json.loads(seen.body) == {"amount": 2}


@pytest.mark.parametrize(
    ("value", "target"),
    [
        ("a/b", "/orders/a%2Fb/x"),
        ("../admin", "/orders/..%2Fadmin/x"),
        ("%2e%2e", "/orders/%252e%252e/x"),
        ("a?b=c&d#e", "/orders/a%3Fb%3Dc%26d%23e/x"),
        ("ä €", "/orders/%C3%A4%20%E2%82%AC/x"),
        ("a\r\nHost: evil", "/orders/a%0D%0AHost%3A%20evil/x"),
        ("{other}", "/orders/%7Bother%7D/x"),
        ("@evil.example", "/orders/%40evil.example/x"),
        ("...", "/orders/.../x"),
    ],
)
def test_a_value_in_the_address_stays_one_segment(value: str, target: str) -> None:
    assert sent({"orderId": value, "other": "y"}, "/orders/{orderId}/x").target == target


@pytest.mark.parametrize("value", ["", ".", "..", None, ["a"], {"a": 1}])
def test_a_value_that_would_change_the_address_is_refused(value: object) -> None:
    assert "'orderId'" in refused({"orderId": value}, "/orders/{orderId}/x")


def test_a_field_that_the_address_needs_must_be_there() -> None:
    assert "'orderId'" in refused({}, "/orders/{orderId}")


def test_a_value_may_stand_in_the_query_of_the_address() -> None:
    seen = sent({"id": "a&b", "dry": True}, "/orders?id={id}&dry={dry}")
    assert (seen.target, seen.body) == ("/orders?id=a%26b&dry=true", b"{}")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_without_a_body_the_input_goes_as_query_parameters(method: str) -> None:
    given = {"id": "o-1", "q": "a b&c", "n": 2.5, "on": False, "tags": ["x", "y"], "none": None}
    seen = sent(given, "/orders/{id}", method=method)
    assert seen.target == "/orders/o-1?q=a%20b%26c&n=2.5&on=false&tags=x&tags=y"
    assert seen.body == b""
    assert "content-type" not in seen.headers


def test_query_parameters_are_added_to_those_of_the_address() -> None:
    seen = sent({"q": "a"}, "/orders?fixed=1", method="GET", kind=Kind.QUERY)
    assert seen.target == "/orders?fixed=1&q=a"


@pytest.mark.parametrize("value", [{"a": 1}, [{"a": 1}], [["a"]]])
def test_nested_values_are_refused_as_query_parameters(value: object) -> None:
    assert "'filter'" in refused({"filter": value}, method="GET")


def test_an_address_beyond_reason_is_refused_before_anything_is_sent() -> None:
    assert "too long" in refused({"q": "x" * 70_000}, method="GET")


def test_text_that_is_not_unicode_is_refused_before_anything_is_sent() -> None:
    assert "cannot be sent" in refused({"q": "\ud800"})
    assert "cannot be sent" in refused({"q": "\ud800"}, "/orders/{q}")


def test_a_refusal_names_the_field_and_never_the_value() -> None:
    detail = refused({"email": {"of": "alice@example.com"}}, "/orders/{email}")
    assert "alice" not in detail


def test_the_idempotency_key_is_sent_where_the_service_honours_it() -> None:
    assert sent({}, idempotency_key=True).headers["idempotency-key"] == "key-1"
    assert "idempotency-key" not in sent({}).headers


def test_a_valid_trace_id_is_sent_on() -> None:
    version, trace, parent, flags = sent({}, trace_id=TRACE).headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert len(parent) == 16
    assert int(parent, 16) > 0


@pytest.mark.parametrize("trace_id", ["0" * 32, TRACE.upper(), TRACE[:-1], "x", f"{TRACE}\r\nA: b"])
def test_an_invalid_trace_id_is_not_sent_on(trace_id: str) -> None:
    assert "traceparent" not in sent({}, trace_id=trace_id).headers


def test_the_gateway_says_who_it_is_and_what_it_reads() -> None:
    headers = sent({}).headers
    assert headers["accept"] == "application/json"
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"] == "contract-gateway"
    assert "cookie" not in headers


def test_a_contract_may_name_its_media_types() -> None:
    given = {"accept": "application/vnd.shop+json", "Content-Type": "application/vnd.shop+json"}
    headers = sent({}, headers=given).headers
    assert headers["accept"] == headers["content-type"] == "application/vnd.shop+json"


def test_connections_are_reused_and_cookies_are_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def scenario() -> RawServer:
        answer = says(200, b"{}", "set-cookie: session=1; Path=/")
        async with running(answer) as server, opened() as actions:
            handler = HttpHandler("GET", f"{server.url}/people")
            call = make_call(make_contract(handler, Kind.QUERY), {"email": "alice@example.com"})
            for _ in range(3):
                assert await actions.perform(call, handler) == Answered({})
            assert len(actions._client.cookies) == 0
            return server

    server = asyncio.run(scenario())
    assert server.connections == 1
    assert len(server.seen) == 3
    assert all("cookie" not in seen.headers for seen in server.seen)
    assert "alice" not in caplog.text


def test_the_environments_proxies_have_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert sent({}).target == "/orders"


def with_secrets(environment: dict[str, str], **headers: str) -> tuple[Any, list[Seen]]:
    async def scenario() -> tuple[Any, list[Seen]]:
        async with running(says(200)) as server, opened(secrets=Secrets(environment)) as actions:
            handler = HttpHandler("POST", server.url, headers=headers)
            return await actions.perform(make_call(make_contract(handler)), handler), server.seen

    return asyncio.run(scenario())


def test_secrets_are_filled_into_headers(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from file\n")
    environment = {"A": "s3cret", "B_FILE": str(tmp_path / "token")}
    outcome, seen = with_secrets(environment, Authorization="Bearer ${secret:A}.${secret:B}")
    assert outcome == Answered({})
    assert seen[0].headers["authorization"] == "Bearer s3cret.from file"


@pytest.mark.parametrize("secret", ["s3cret ", " s3cret", "  s3cret  "])
def test_spaces_around_a_secret_do_not_keep_it_from_being_sent(secret: str) -> None:
    """Else nothing is sent, and yet the outcome is unknown."""
    outcome, seen = with_secrets({"A": secret}, Authorization="${secret:A}")
    assert outcome == Answered({})
    assert seen[0].headers["authorization"] == "s3cret"


def test_a_secret_of_spaces_is_none() -> None:
    outcome, seen = with_secrets({"A": "  "}, Authorization="Bearer ${secret:A}")
    assert (outcome.code, seen) == ("SECRET_MISSING", [])


def test_a_missing_secret_declines_the_call_before_anything_is_sent() -> None:
    outcome, seen = with_secrets({}, Authorization="Bearer ${secret:TOKEN}")
    assert (outcome.code, outcome.status, outcome.retryable) == ("SECRET_MISSING", 500, False)
    assert "TOKEN" in outcome.detail
    assert seen == []


def test_a_rotated_secret_needs_no_restart(tmp_path: Path) -> None:
    file = tmp_path / "token"

    async def scenario() -> list[str]:
        secrets = Secrets({"T_FILE": str(file)})
        async with running(says(200)) as server, opened(secrets=secrets) as actions:
            handler = HttpHandler("POST", server.url, headers={"X-Token": "${secret:T}"})
            for value in ("one", "two"):
                file.write_text(value)
                await actions.perform(make_call(make_contract(handler)), handler)
            return [seen.headers["x-token"] for seen in server.seen]

    assert asyncio.run(scenario()) == ["one", "two"]
