"""What counts as JSON in an answer, whichever way it is found out."""

import math
from datetime import UTC, datetime
from enum import Enum, IntEnum, StrEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.actions import answers
from gateway.actions.answers import MAX_DEPTH, exact_copy

WRITTEN = 254
"""How deep orjson writes."""


class Colour(StrEnum):
    RED = "red"


class Number(IntEnum):
    ONE = 1


class Plain(Enum):
    RED = "red"


_odd = st.sampled_from(
    [
        *(math.nan, math.inf, 2**53, -(2**53), "\ud800", b"x", (1, 2), {1: 2}, {"\udc00": 1}, {3}),
        *(Colour.RED, Number.ONE, Plain.RED, UUID(int=1), datetime(2026, 1, 1, tzinfo=UTC)),
    ]
)
_plain = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=5)
)
_values = st.recursive(
    _plain | _odd,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


def told(check: Any, value: Any) -> str | None:
    try:
        check(value)
    except ValueError as error:
        return str(error)
    return None


@settings(max_examples=500)
@given(_values)
def test_the_quick_look_and_the_thorough_one_agree(value: Any) -> None:
    assert told(exact_copy, value) == told(answers._look_through, value)


@pytest.mark.parametrize("depth", [MAX_DEPTH, WRITTEN, 300, 5_000])
@pytest.mark.parametrize("inner", [[], {}, 1, [1] * 100])
def test_the_depth_is_bounded_by_what_can_be_written(depth: int, inner: Any) -> None:
    value = inner
    for level in range(depth - isinstance(inner, (list, dict))):
        value = [value, 1] if level % 2 else {"a": value, "b": 1}
    expected = None if depth <= WRITTEN else told(answers._look_through, value)
    assert told(exact_copy, value) == expected
    assert (expected is None) == (depth <= WRITTEN)
