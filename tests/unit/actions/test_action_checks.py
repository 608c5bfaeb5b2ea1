"""What is found out about handlers at start, and the runner that picks who performs them."""

import asyncio
from pathlib import Path

import pytest

from gateway.actions import ActionRunner, HttpActions, PythonActions, Secrets, check_handlers
from gateway.model.action import Answered, Declined
from gateway.model.contract import Handler, HttpHandler, ObjectType, PythonHandler
from gateway.model.problem import ProblemError
from gateway.model.types import parse_type
from tests.unit.actions import sample_handlers
from tests.unit.actions.raw_server import TLS, make_call, make_contract, running, says

URL = "https://shop.example/orders"


def make_runner(**http: object) -> ActionRunner:
    given = {"tls": TLS, "secrets": Secrets({}), **http}
    return ActionRunner(HttpActions(**given), PythonActions())  # type: ignore[arg-type] # passed on


def found(handler: Handler | None, runner: ActionRunner | None = None, **given: str) -> list[str]:
    nested = ObjectType("Filter", {"a": parse_type("String")})
    contract = make_contract(handler, given=given, types={"Filter": nested})
    issues = check_handlers([contract], runner or make_runner())
    assert all(issue.path == "place.yaml" for issue in issues)
    assert all(issue.message.startswith("shop.order.place@1.0.0: ") for issue in issues)
    return [issue.code for issue in issues]


@pytest.mark.parametrize(
    "handler",
    [
        None,
        PythonHandler(f"{sample_handlers.__name__}:on_loop"),
        HttpHandler("POST", URL, {"Authorization": "Basic abc"}),
        HttpHandler("GET", "http://93.184.216.34/orders"),
    ],
)
def test_a_handler_that_can_be_performed_is_not_complained_of(handler: Handler | None) -> None:
    assert found(handler) == []


@pytest.mark.parametrize("target", ["no_such_module:f", f"{sample_handlers.__name__}:NOT_CALLABLE"])
def test_a_target_that_cannot_be_called_is_found(target: str) -> None:
    assert found(PythonHandler(target)) == ["ACTION_HANDLER_INVALID"]


def test_a_module_that_would_end_the_process_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "handlers_of_a_script.py").write_text("import sys\nsys.exit('usage: ...')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert found(PythonHandler("handlers_of_a_script:f")) == ["ACTION_HANDLER_INVALID"]


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_authorities_that_cannot_be_read_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(ProblemError) as refused:
        HttpActions()
    told = refused.value.problem
    assert told.code == "SETTINGS_INVALID"
    assert f"SSL_CERT_FILE names {file}" in told.detail


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/", "http://localhost/", "https://[::1]/"])
def test_a_private_host_that_no_setting_allows_is_found(url: str) -> None:
    assert found(HttpHandler("POST", url)) == ["ACTION_HOST_REFUSED"]


def test_a_host_that_is_not_on_the_list_is_found() -> None:
    runner = make_runner(hosts=["other.example"])
    assert found(HttpHandler("POST", URL), runner) == ["ACTION_HOST_REFUSED"]


def test_the_place_of_a_logical_origin_is_judged() -> None:
    places = {"https://shop.example": "http://127.0.0.1:8080"}
    assert found(HttpHandler("POST", URL), make_runner(origins=places)) == ["ACTION_HOST_REFUSED"]
    allowed = make_runner(origins=places, hosts=["127.0.0.1:8080"])
    assert found(HttpHandler("POST", URL), allowed) == []


@pytest.mark.parametrize("url", ["ftp://a/", "https://u:p@a/", "https://{id}.example/", "/orders"])
def test_an_address_that_cannot_be_called_is_found(url: str) -> None:
    assert found(HttpHandler("POST", url), id="ID!") == ["ACTION_HANDLER_INVALID"]


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("String", []),
        ("[ID!]!", []),
        ("JSON", ["ACTION_HANDLER_INVALID"]),
        ("[JSONObject!]", ["ACTION_HANDLER_INVALID"]),
        ("[[String!]!]", ["ACTION_HANDLER_INVALID"]),
        ("Filter!", ["ACTION_HANDLER_INVALID"]),
        ("[Filter!]", ["ACTION_HANDLER_INVALID"]),
    ],
)
def test_an_input_that_cannot_be_a_query_parameter_is_found(
    type_: str, expected: list[str]
) -> None:
    assert found(HttpHandler("GET", URL), q=type_) == expected
    assert found(HttpHandler("POST", URL), q=type_) == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Traceparent", "x", ["ACTION_HANDLER_INVALID"]),
        ("Accept-Encoding", "gzip", ["ACTION_HANDLER_INVALID"]),
        ("X-Name", "tök", ["ACTION_HANDLER_INVALID"]),
        ("X-A", "${secret:A} ${secret:B}", ["SECRET_MISSING", "SECRET_MISSING"]),
    ],
)
def test_a_header_that_cannot_be_sent_is_found(name: str, value: str, expected: list[str]) -> None:
    assert found(HttpHandler("POST", URL, {name: value})) == expected


def test_everything_is_found_at_once() -> None:
    handler = HttpHandler("GET", "http://127.0.0.1/", {"X-A": "${secret:A}", "Traceparent": "x"})
    codes = found(handler, q="JSON")
    assert sorted(codes) == [
        *("ACTION_HANDLER_INVALID", "ACTION_HANDLER_INVALID"),
        *("ACTION_HOST_REFUSED", "SECRET_MISSING"),
    ]


def test_the_runner_picks_by_the_kind_of_handler() -> None:
    async def scenario() -> list[object]:
        async with running(says(200, b'{"by": "http"}')) as server:
            runner = make_runner(hosts=["127.0.0.1"])
            handlers: list[Handler | None] = [
                HttpHandler("POST", server.url),
                PythonHandler(f"{sample_handlers.__name__}:emits"),
                None,
            ]
            calls = [make_call(make_contract(handler)) for handler in handlers]
            outcomes: list[object] = [await runner.perform(call) for call in calls]
            await runner.close()
            return outcomes

    by_http, by_python, by_none = asyncio.run(scenario())
    assert by_http == Answered({"by": "http"})
    assert isinstance(by_python, Answered)
    assert isinstance(by_none, Declined)
    assert by_none.code == "NOT_IMPLEMENTED"
