"""Which structured fields logs, metrics and spans may carry."""

import re
from pathlib import Path
from typing import Any

import pytest

from gateway.telemetry import SAFE_FIELDS, fields
from tests.unit.telemetry.records import line_of, listening

ROOT = Path(__file__).resolve().parents[3]
RESERVED = {"time", "level", "logger", "message", "place", "failure"}
VALUES: dict[str, Any] = {
    "method": "POST",
    "route": "/access/v1/evaluation",
    "status": 200,
    "close_code": 4403,
    "duration_ms": 1.25,
    "bytes": 0,
    "request_id": "73163cf4ddb76a45",
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "transport": "websocket",
    "operation_type": "subscription",
    "operation_name": "ExecutionGet",
    "document": "query($1: [ID!]! = ?){executionGet(input: $1){...F1 ... on A @skip(if: ?){_}}}",
    "digest": f"sha256:{'0' * 64}",
    "document_id": f"sha256:{'0' * 64}",
    "unparsed_bytes": 19,
    "unparsed_mark": "38d9e7194c11f8e2",
    "problem": "NOT_FOUND",
    "problems": 1,
    "results": 2,
    "principal_type": "agent",
    "workspace": "acme-1.eu",
    "calls": 3,
    "decision_id": f"dec_{'0a' * 16}",
    "contract": "support.order.lookup@1.0.0-beta.1",
    "outcome": "waiting_approval",
    "decision": "verdict",
    "execution_id": f"exec_{'0a' * 16}",
    "run_id": f"run_{'0a' * 16}",
    "step_id": f"step_{'0a' * 16}",
    "attempt": 2,
    "entry_type": "privacy.erasure.requested",
    "reason": "delay",
    "part": "writer",
    "target_kind": "witness",
    "revision": f"sha256:{'0' * 64}",
    "version": "0.1.0",
    "python": "3.11.7",
}
FREE = [
    "Alice Smith", "alice@example.com", '{"a": 1}', "a\nb", "+49 151 1234", "", "x" * 3000,
    {"a": 1}, ["a"], None, True, b"a", object(),
]  # fmt: skip


@pytest.mark.parametrize("name", ["subject", "email", "query", "variables", "literal", "token"])
def test_a_field_outside_of_the_list_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"not a field that may be logged: {name}"):
        fields(**{name: "x"}, status=200)


def test_every_field_has_an_example_and_takes_it() -> None:
    assert VALUES.keys() == SAFE_FIELDS.keys()
    assert {name for name, value in VALUES.items() if not SAFE_FIELDS[name].fits(value)} == set()
    assert not RESERVED & SAFE_FIELDS.keys()


@pytest.mark.parametrize("name", SAFE_FIELDS)
def test_no_field_takes_free_text(name: str) -> None:
    assert [value for value in FREE if SAFE_FIELDS[name].fits(value)] == []
    with listening("gateway.test") as (log, stream):
        log.info("hello", extra=fields(**{name: "alice@example.com"}))
    assert line_of(stream)[name] == "(withheld)"


def test_fields_without_a_value_are_left_out() -> None:
    assert fields(status=200, trace_id=None) == {"fields": {"status": 200}}


def test_every_field_is_documented() -> None:
    page = (ROOT / "docs" / "logging.md").read_text(encoding="utf-8")
    assert (
        set(re.findall(r"^\| `([a-z_]+)` \|", page, re.MULTILINE)) == SAFE_FIELDS.keys() | RESERVED
    )
