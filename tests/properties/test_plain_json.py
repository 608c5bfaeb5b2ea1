"""The quick way to read JSON takes nothing that the careful way refuses, and reads it alike."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.actions import answers
from gateway.model.plain_json import plain_copy, plain_object
from gateway.model.problem import ProblemError
from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.requests import strict_json

DEPTH = Limits().json_depth

_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from([":", "{", '"', "\\", "\ud800", "a:b", "1e5"])
)
_values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)
_pieces = st.lists(
    st.sampled_from(
        ['{', '}', '[', ']', ':', ',', ' ', '"a"', '"b"', '"\\ud800"', '"\\""', '"{:"', '1',
         '-0', '1.0', 'true', 'null', '\n', '\t', '\x00', '1e5',
         '1E400', '99999999999999999999', '0.1234567890123456789', 'NaN']
    ),
    max_size=14,
).map("".join)  # fmt: skip
texts = (
    st.builds(json.dumps, st.dictionaries(st.text(max_size=3), _values, max_size=3))
    | st.builds(
        lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
        st.dictionaries(st.text(max_size=3), _values, max_size=3),
    )
    | _pieces
    | _pieces.map(lambda inner: f'{{"a":{inner or 1}}}')
)


def by_requests(text: str) -> Any:
    """What the careful reader of requests makes of a text."""
    limits = Limits()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strict_json, "plain_object", lambda *_: None)
        return strict_json.parse_json(text, "body", "", limits)


def by_answers(raw: bytes) -> Any:
    """What the careful reader of answers makes of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "plain_object", lambda *_: None)
        return answers.read_object(raw)


@given(texts)
@example('{"a":1,"a":1}')
@example('{"a":{"b":1,"b":2}}')
@example('{"a":1,"\\u0061":2}')
@example('{"a": ":", "a": ":"}')
@example('{"a":123456789012345678901}')
@example('{"a":1.0}')
@example('{"a":-0}')
@example('{"a":"\\ud83d\\ude00"}')
@example('{"a":"\\ud83d"}')
@settings(max_examples=800)
def test_what_is_plain_is_read_alike_by_the_careful_readers(text: str) -> None:
    raw = text.encode("utf-8", "surrogatepass")
    plain = plain_object(raw, DEPTH)
    if plain is None:
        return
    assert repr(by_requests(text)) == repr(plain)
    assert repr(by_answers(raw)) == repr(plain)


@pytest.mark.parametrize(
    "text", ['{"a":[1,{"b":"c"}]}', '{ "a" : [ 1 , { "b" : "c:d{" } ] }', "{}", '{"é":"\\n"}']
)
def test_the_usual_is_plain(text: str) -> None:
    assert plain_object(text.encode(), DEPTH) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        *('{"a":1,"a":1}', '{"a":{"b":1,"b":2}}', '{"a":1,"\\u0061":2}', '{"a": 1, "a": 1}'),
        *("[1]", "1", '{"a":NaN}', '{"a":9007199254740993}', '{"a":1e400}', '{"a":"\\ud800"}', ""),
    ],
)
def test_what_readers_take_differently_is_not_plain(text: str) -> None:
    assert plain_object(text.encode(), DEPTH) is None


@pytest.mark.parametrize("depth", [DEPTH - 1, DEPTH, DEPTH + 1, 200, 2_000])
@pytest.mark.parametrize("pattern", [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("gap", ["", " "])
def test_nesting_is_bounded_to_the_level(depth: int, pattern: tuple[str, str], gap: str) -> None:
    opening, closing = pattern
    text = '{"a":' + gap + opening * (depth - 1) + "1" + closing * (depth - 1) + "}"
    assert (plain_object(text.encode(), DEPTH) is not None) == (depth <= DEPTH)
    try:
        by_requests(text)
    except ProblemError:
        assert depth > DEPTH
    else:
        assert depth <= DEPTH


def test_a_copy_shares_nothing() -> None:
    value = {"a": [{"b": 1}]}
    copy = plain_copy(value, 9)
    assert copy == value
    assert copy["a"] is not value["a"]
    assert copy["a"][0] is not value["a"][0]


_deep = st.recursive(
    st.sampled_from([1, "", "a", "[", "]", "{}", '"', "\\", '["', ":"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "[", '"', "]{"]), inner, max_size=3)
    ),
    max_leaves=20,
)


def nesting(value: Any) -> int:
    """How deep a value is nested, by the definition."""
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(nesting, inner), default=0) if isinstance(value, (dict, list)) else 0


@given(_deep, st.integers(0, 6))
@example([["]", [[]], "["]], 3)
@settings(max_examples=500)
def test_a_copy_is_had_of_what_is_not_nested_too_deep(value: Any, deepest: int) -> None:
    assert plain_copy([value], deepest) == ([value] if nesting([value]) <= deepest else None)
