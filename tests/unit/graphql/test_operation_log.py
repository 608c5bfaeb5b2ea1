"""The log line of an operation: when it is told, and with what."""

import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.model.principal import ANONYMOUS, Principal, PrincipalType
from gateway.model.problem import refuse
from gateway.surfaces.graphql import Limits, shapes
from gateway.surfaces.graphql.errors import RequestRefusedError
from gateway.surfaces.graphql.operations.documents import Documents
from gateway.surfaces.graphql.operations.execution import Operation, choose_operation
from gateway.surfaces.graphql.operations.operation_log import OperationLine
from gateway.surfaces.graphql.requests.parameters import Parameters
from gateway.surfaces.graphql.server.lifetime import PeerGoneError
from gateway.telemetry import sparing
from gateway.telemetry.deciding import note_decision
from gateway.telemetry.sparing import EACH_SECOND
from tests.unit.graphql.support import closed, open_, shipped_schema
from tests.unit.telemetry.records import listening

SCHEMA = shipped_schema()
ALICE = Principal(PrincipalType.HUMAN, "alice@example.com", "acme")
QUERY = "query ShopPing { alice: shopPing { done } }"
ID, TRACE = "0123456789abcdef", "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def lines() -> Iterator[Any]:
    """What is told meanwhile."""
    with listening("gateway.operations") as (_, stream):
        yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def line_for(principal: Principal = ALICE, query: str = QUERY) -> OperationLine:
    return OperationLine("http", ID, TRACE, Parameters(query, {"a": "alice"}), principal)


def operation() -> Operation:
    document = Documents(SCHEMA, Limits()).prepare(QUERY, open_)
    context: Any = None
    definition = choose_operation(document, None)
    return Operation(SCHEMA, document, definition, Parameters(QUERY), context, Limits(), open_, 1)


def test_what_was_done_and_for_which_kind_of_principal_but_not_for_whom(lines: Any) -> None:
    with line_for() as line:
        line.operation = operation()
        line.answered({"data": {"alice": {"done": True}}})
    (told,) = lines()
    assert told["duration_ms"] >= 0
    assert {name: told[name] for name in told if name not in ("time", "duration_ms", "digest")} == {
        "level": "info",
        "logger": "gateway.operations",
        "message": "operation",
        "transport": "http",
        "operation_type": "query",
        "operation_name": "ShopPing",
        "document": "query{shopPing{done}}",
        "status": 200,
        "results": 1,
        "principal_type": "human",
        "workspace": "acme",
        "request_id": ID,
        "trace_id": TRACE,
    }


def test_problems_of_fields_are_told_by_code_and_number(lines: Any) -> None:
    entry = {"extensions": {"code": "NOT_FOUND"}}
    with line_for(ANONYMOUS) as line:
        line.operation = operation()
        line.answered({"data": None, "errors": [entry, entry]})
    (told,) = lines()
    assert (told["problem"], told["problems"], told["status"]) == ("NOT_FOUND", 2, 200)
    assert told["principal_type"] == "anonymous"
    assert "workspace" not in told


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (refuse("RATE_LIMITED", "alice"), "RATE_LIMITED", 429),
        (ValueError("alice"), "INTERNAL_ERROR", 500),
        (PeerGoneError(), None, 200),
        (KeyboardInterrupt(), None, 200),
    ],
)
def test_why_an_operation_was_not_run_is_told_by_its_code(
    lines: Any, error: BaseException, code: str | None, status: int
) -> None:
    with pytest.raises(type(error)), line_for():
        raise error
    (told,) = lines()
    assert (told.get("problem"), told["status"]) == (code, status)
    assert told["unparsed_bytes"] == len(QUERY)


@pytest.mark.parametrize(
    ("query", "document"),
    [
        ("{ alice }", "query{_}"),
        (
            "query a { shopPing { done } } query b { shopPing { done } }",
            "query{shopPing{done}} query{shopPing{done}}",
        ),
        (
            "{ shopPing { done }" + " __typename" * 30 + "}",
            "query{shopPing{done}" + " __typename" * 30 + "}",
        ),
    ],
)
def test_a_refused_document_that_parses_is_told_normalised(
    lines: Any, query: str, document: str
) -> None:
    documents = Documents(SCHEMA, Limits())
    with pytest.raises(RequestRefusedError), line_for(query=query):
        choose_operation(documents.prepare(query, open_), None)
    (told,) = lines()
    assert told["document"] == document
    assert told["status"] == 422


def test_an_introspection_that_is_refused_later_is_told_normalised(lines: Any) -> None:
    query = "{ __schema { types { name } } }"
    documents = Documents(SCHEMA, Limits())
    documents.prepare(query, open_)
    with pytest.raises(RequestRefusedError), line_for(query=query):
        documents.prepare(query, closed)
    assert lines()[0]["document"] == "query{__schema{types{name}}}"


def test_of_many_calls_that_are_put_off_a_few_are_told(
    lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = 7.0
    monkeypatch.setattr(sparing, "time", SimpleNamespace(monotonic=lambda: second))

    def told(*codes: str) -> tuple[str, bool]:
        with line_for() as line:
            line.answered({"errors": [{"extensions": {"code": code}} for code in codes]})
        return lines()[-1]["level"], line.is_spared

    put_off = ("SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE")
    assert {told(*put_off) for _ in range(EACH_SECOND)} == {("info", False)}
    assert {told(*put_off) for _ in range(3)} == {("debug", True)}
    assert told("SERVICE_UNAVAILABLE", "CONFLICT") == ("info", False)  # something came of it
    assert told() == ("info", False)
    with line_for() as line:  # one of its fields was called, and only the other was put off
        note_decision("dec_" + 32 * "0")
        line.answered({"data": {"a": 1}, "errors": [{"extensions": {"code": put_off[0]}}]})
    assert (lines()[-1]["level"], line.is_spared) == ("info", False)
    refusal = [{"extensions": {"code": put_off[0]}}]
    with line_for() as line:  # one of its fields, that decides nothing, was answered
        line.answered({"data": {"a": {"b": 1}, "c": None}, "errors": refusal})
    assert (lines()[-1]["level"], line.is_spared) == ("info", False)
    with line_for() as line:  # events came until the gateway stopped
        line.answered({"data": {"event": {"cursor": "1"}}})
        line.answered({"data": None, "errors": refusal})
    assert (lines()[-1]["level"], line.is_spared) == ("info", False)
    with line_for() as line:
        line.answered({"data": {"a": None}, "errors": refusal})
    assert (lines()[-1]["level"], line.is_spared) == ("debug", True)
    second += 1
    assert told(*put_off) == ("info", False)


def test_an_operation_that_goes_on_is_told_once_at_its_end(lines: Any) -> None:
    line = line_for()
    with line:
        line.hand_on()
    assert lines() == []
    with line:
        line.answered({"data": {}})
        line.answered({"data": {}})
        line.failed(refuse("UNAUTHENTICATED", "alice"))
    (told,) = lines()
    assert (told["results"], told["problem"]) == (2, "UNAUTHENTICATED")


def test_nothing_is_made_where_the_level_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(*_: Any) -> str:
        raise AssertionError("a document was normalised")

    monkeypatch.setattr(shapes, "normalised", made)
    log = logging.getLogger("gateway.operations")
    monkeypatch.setattr(log, "level", logging.WARNING)
    log._cache.clear()  # type: ignore[attr-defined]  # what a logger keeps of its level
    with line_for() as line:
        line.operation = operation()
    log._cache.clear()  # type: ignore[attr-defined]
