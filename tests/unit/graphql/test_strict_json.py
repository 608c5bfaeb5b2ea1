"""Strict JSON: every text that two readers could take differently is refused, with its place."""

import contextlib
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.problem import ProblemError
from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.requests.strict_json import parse_json


def read(text: bytes | str) -> Any:
    return parse_json(text, "body", "", Limits())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": [1, -2.5, true, null, "x"]}', {"a": [1, -2.5, True, None, "x"]}),
        ('"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        ('"\N{GRINNING FACE}"', "\N{GRINNING FACE}"),
        (b"9" * 32, int("9" * 32)),
        (b"1e308", 1e308),
        (b"[" * 64 + b"]" * 64, None),
        (b'"' + b"[{" * 500 + b'"', "[{" * 500),
        (b"[" + b"{}," * 19_998 + b"{}]", None),
        (b'"' + b"[{" * 50_000 + b'"', None),
        (b'"\\\\\\"' + b"[" * 100 + b'"', '\\"' + "[" * 100),
    ],
)
def test_json_within_the_limits_is_read(text: bytes | str, value: object) -> None:
    found = read(text)
    assert value is None or found == value


@pytest.mark.parametrize(
    ("text", "path", "code"),
    [
        (b"", "body:1:1", "INVALID_JSON"),
        (b"{", "body:1:2", "INVALID_JSON"),
        (b'{"a":1,\n b}', "body:2:2", "INVALID_JSON"),
        (b'{"a":1} x', "body:1:9", "INVALID_JSON"),
        (b"{'a':1}", "body:1:2", "INVALID_JSON"),
        (b'"\x01"', "body:1:2", "INVALID_JSON"),
        (b"\xef\xbb\xbf{}", "body:1:1", "INVALID_JSON"),
        (b'{"a":"\xff"}', "body", "INVALID_JSON"),
        (b'"\xed\xa0\x80"', "body", "INVALID_JSON"),
        ('{"a":1}'.encode("utf-16"), "body", "INVALID_JSON"),
        ('{"a":1}'.encode("utf-16-le"), "body:1:2", "INVALID_JSON"),
        (b'{"v":{"a/b":{"a":1,"a":2}}}', "/v/?", "DUPLICATE_KEY"),
        (b'{"a":1,"\\u0061":2}', "", "DUPLICATE_KEY"),
        (b'{"v":NaN}', "/v", "OUT_OF_RANGE"),
        (b'{"v":[0,-Infinity]}', "/v/1", "OUT_OF_RANGE"),
        (b'{"v":1e999}', "/v", "OUT_OF_RANGE"),
        (b'{"v":-1e999}', "/v", "OUT_OF_RANGE"),
        (b'{"v":' + b"9" * 33 + b"}", "/v", "OUT_OF_RANGE"),
        (b'{"v":-' + b"9" * 20_000 + b"}", "/v", "OUT_OF_RANGE"),
        (b'{"v":"\\ud800"}', "/v", "INVALID_FORMAT"),
        (b'{"v":"a\\uDC00\\uD800"}', "/v", "INVALID_FORMAT"),
        (b'{"v":{"\\ud800":1}}', "/v", "INVALID_FORMAT"),
        (b"[" * 65 + b"]" * 65, "body:1:65", "TOO_DEEP"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "body:1:321", "TOO_DEEP"),
        (b"[" * 20_000, "body:1:65", "TOO_DEEP"),
        (b'{"a":"[","b":' + b"[" * 64 + b"]" * 64 + b"}", "body:1:77", "TOO_DEEP"),
        (b"[" * 100_000, "body", "TOO_MANY"),
        (b"[" + b"{}," * 20_000 + b"1]", "body", "TOO_MANY"),
    ],
)
def test_what_is_not_strict_json_is_refused_at_its_place(text: bytes, path: str, code: str) -> None:
    with pytest.raises(ProblemError) as caught:
        read(text)
    told = caught.value.problem
    assert told.code == "BAD_REQUEST"
    assert [(issue.path, issue.code) for issue in told.issues] == [(path, code)]


def test_all_findings_are_told_at_once_in_the_order_of_the_text() -> None:
    with pytest.raises(ProblemError) as caught:
        read(b'{"a":NaN,"b":[{"x":1,"x":2},"\\ud800"],"c":1e999}')
    assert [issue.path for issue in caught.value.problem.issues] == ["/a", "/b/0", "/b/1", "/c"]


def test_findings_are_bounded() -> None:
    with pytest.raises(ProblemError) as caught:
        read(b"[" + b"NaN," * 5000 + b"1]")
    assert len(caught.value.problem.issues) == Limits().issues


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":"' + b'x\\"' * 80_000 + b'"}',
        b'"' + b"\\" * 250_000,
        b'{"a":[' + b"[]," * 80_000 + b"[]]}",
        b'"' * 250_000,
    ],
)
def test_the_largest_bodies_take_little_time(text: bytes) -> None:
    started = time.process_time()
    with contextlib.suppress(ProblemError):
        read(text)
    assert time.process_time() - started < 1


@given(
    st.integers(-(10**40), 10**40).map(str)
    | st.floats().map(str)
    | st.from_regex(
        r"-?(0|[1-9][0-9]{0,330})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?", fullmatch=True
    )
)
def test_numbers_are_read_alike_whether_or_not_they_are_looked_at_one_by_one(number: str) -> None:
    def told(text: str) -> object:
        try:
            return read(text)
        except ProblemError as error:
            return [(issue.path, issue.code) for issue in error.problem.issues]

    alone = told(f"[{number}]")
    beside = told(f'[{number}, "{"9" * 16}"]')  # what looks like a long number has all looked at
    assert alone == (beside[:1] if isinstance(beside, list) and len(beside) == 2 else beside)


@given(st.text(alphabet='[]{}"\\a,', max_size=40), st.integers(1, 6))
def test_nesting_is_bounded_to_the_level_whatever_stands_in_texts(text: str, depth: int) -> None:
    deepest, level, inside, escaped = 0, 0, False, False
    for sign in text:
        if inside:
            inside, escaped = sign != '"' or escaped, sign == "\\" and not escaped
        elif sign == '"':
            inside = True
        else:
            level += (sign in "[{") - (sign in "]}")
            deepest = max(deepest, level)
    codes = set()
    try:
        parse_json(text, "body", "", Limits(json_depth=depth))
    except ProblemError as error:
        codes = {issue.code for issue in error.problem.issues}
    assert ("TOO_DEEP" in codes) is (deepest > depth)
