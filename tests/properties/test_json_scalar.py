"""What counts as JSON in a value, whichever way it is found out."""

from typing import Any

import pytest
from hypothesis import given, settings
from pydantic_core import PydanticCustomError

from gateway.contracts import scalars
from gateway.contracts.scalars import MAX_JSON_DEPTH, MAX_TEXT, RESERVED_KEYS, check_json
from tests.properties.test_answers import _values


def told(check: Any, *given: Any) -> tuple[str, Any] | None:
    try:
        check(*given)
    except PydanticCustomError as error:
        return error.type, error.context
    return None


@settings(max_examples=500)
@given(_values)
def test_the_quick_look_and_the_thorough_one_agree(value: Any) -> None:
    found = told(check_json, value)
    expected = ("WRONG_TYPE", {"inner": ""}) if value is None else told(scalars._walk, value, [])
    if isinstance(value, tuple) or found is None:
        assert (found is None) == (expected is None)
    else:
        assert found == expected


@pytest.mark.parametrize(
    ("value", "code", "inner"),
    [
        ({"a": [0, {"b": "x" * (MAX_TEXT + 1)}]}, "TOO_LONG", "/a/1/b"),
        ({"a": ["é" * MAX_TEXT, {"x" * (MAX_TEXT + 1): 1}]}, "TOO_LONG", "/a/1"),
        *(({"a": [{key: 1}]}, "NOT_ALLOWED", "/a/0") for key in sorted(RESERVED_KEYS)),
        ([1] * 70_000 + [2**53], "OUT_OF_RANGE", "/70000"),
        ([[[[]]]] * 5 + ["\ud800"], "INVALID_FORMAT", "/5"),
    ],
)
def test_the_place_of_what_is_wrong_is_told(value: Any, code: str, inner: str) -> None:
    found = told(check_json, value)
    assert found is not None
    assert (found[0], found[1]["inner"]) == (code, inner)


@pytest.mark.parametrize(
    "value",
    ["x" * MAX_TEXT, {"a": ["é" * MAX_TEXT, '"' * MAX_TEXT]}, [1] * 70_000, sorted(RESERVED_KEYS)],
)
def test_what_is_long_and_in_order_is_taken(value: Any) -> None:
    assert check_json(value) is value


@pytest.mark.parametrize("depth", [MAX_JSON_DEPTH, MAX_JSON_DEPTH + 1, 100])
def test_the_depth_is_bounded_to_the_level(depth: int) -> None:
    value: Any = []
    for level in range(depth - 1):
        value = [value, 1] if level % 2 else {"a": value, "b": 1}
    found = told(check_json, value)
    assert (found is None) == (depth <= MAX_JSON_DEPTH)
    assert found is None or found[0] == "TOO_DEEP"
