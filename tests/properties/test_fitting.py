"""What is held to a contract at once is what pydantic makes of it."""

import uuid
from collections import OrderedDict
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.contracts.fitting import Fitting, is_long
from gateway.contracts.io import Io
from gateway.model.contract import EnumType, NamedType, ObjectType
from gateway.model.problem import ProblemError
from gateway.model.types import parse_type

FIELDS = {
    name: parse_type(text)
    for name, text in {
        "id": "ID!", "name": "String", "size": "Int!", "ratio": "Float", "open": "Boolean!",
        "state": "State!", "at": "DateTime", "north": "Latitude", "any": "JSON",
        "anys": "[JSON!]", "some": "[[JSONObject]!]", "tags": "[String!]", "parts": "[Part!]",
    }.items()
}  # fmt: skip
TYPES: dict[str, NamedType] = {
    "State": EnumType("State", ("OPEN", "CLOSED")),
    "Part": ObjectType("Part", {"id": parse_type("ID!"), "leaves": parse_type("[[Leaf]!]")}),
    "Leaf": ObjectType("Leaf", {"at": parse_type("DateTime"), "size": parse_type("Float!")}),
    "Row": ObjectType("Row", FIELDS),
}
MOMENT = {"at": parse_type("DateTime")}
OUTPUT = {"rows": parse_type("[Row!]!")}
IO = Io("Rows", OUTPUT, TYPES)
FITTING = Fitting(OUTPUT, TYPES)

_moment = st.sampled_from([None, "2026-01-31T12:00:00Z", "2026-02-28T12:00:00+01:00"])
_leaf = st.none() | st.fixed_dictionaries(
    {"at": _moment, "size": st.floats(-1, 1) | st.integers(0, 9)}
)
_part = st.fixed_dictionaries(
    {"id": st.text(max_size=2)},
    optional={"leaves": st.none() | st.lists(st.lists(_leaf, max_size=3), max_size=2)},
)
GOOD: dict[str, st.SearchStrategy[Any]] = {
    "id": st.text(max_size=3), "name": st.none() | st.text(max_size=3),
    "size": st.integers(-(2**31), 2**31 - 1), "ratio": st.floats(-1e3, 1e3) | st.none(),
    "open": st.booleans(), "state": st.sampled_from(["OPEN", "CLOSED"]),
    "at": st.sampled_from(["2026-01-31T12:00:00Z", None]), "north": st.sampled_from([1.5, None]),
    "any": st.sampled_from([None, 1, {"a": [1]}]),
    "anys": st.lists(st.sampled_from([1, "a", {"a": [None]}]), max_size=2),
    "some": st.lists(st.lists(st.none() | st.just({"a": 1}), max_size=2), max_size=2),
    "tags": st.lists(st.text(max_size=2), max_size=2), "parts": st.lists(_part, max_size=2),
}  # fmt: skip
BAD: dict[str, list[Any]] = {
    "id": [1, None, "\ud800"], "name": ["\udc00", 1], "size": [2**31, True, 1.0],
    "ratio": [1, float("nan")],
    "open": [1, None], "state": ["open", None, []], "at": ["now", 1], "north": [91.0, 1],
    "any": [float("inf"), (1,)], "anys": [[None], [1, None]], "some": [[None], [[1]], [[None, 1]]],
    "tags": [["a", None], "a"],
    "parts": [[{}], [{"id": "a", "more": 1}], [{"id": "a", "leaves": [[{"at": 1, "size": 1}]]}]],
}  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> Any:
    """Rows that mostly fit, all with the same members, with a flaw here and there."""
    optional = [name for name, ref in FIELDS.items() if not ref.required]
    absent = set(draw(st.lists(st.sampled_from(optional), max_size=3)))
    names = [name for name in FIELDS if name not in absent]
    if draw(st.integers(0, 9)) == 0:
        names = draw(st.permutations(names))
    rows = [{name: draw(GOOD[name]) for name in names} for _ in range(draw(st.integers(8, 10)))]
    flaw = draw(st.none() | st.sampled_from(names))
    if flaw is not None:
        rows[draw(st.integers(0, 7))][flaw] = draw(st.sampled_from(BAD[flaw]))
    return {"rows": rows}


_ROW = {
    "id": "a", "name": None, "size": 1, "ratio": 0.5, "open": True, "state": "OPEN",
    "at": "2026-01-31T12:00:00Z", "north": 1.5, "any": {"a": 1}, "anys": [1], "some": [[None]],
    "tags": ["a"], "parts": [{"id": "p"}],
}  # fmt: skip


@given(tables())
@example({"rows": [{**_ROW, "id": "\ud800"}, *([_ROW] * 7)]})
@example({"rows": [{**_ROW, "tags": ("a",)}, *([_ROW] * 7)]})
@example({"rows": [{**_ROW, "anys": [None]}, *([_ROW] * 7)]})
@settings(max_examples=200, deadline=None)
def test_what_fits_is_what_pydantic_makes_of_it(value: Any) -> None:
    assert is_long(value)
    validated: Any = None
    try:
        model = IO.model.__pydantic_validator__.validate_python(value)
        validated = IO.model.__pydantic_serializer__.to_python(
            model, by_alias=True, exclude_unset=True
        )
    except ValueError:
        pass
    found = FITTING.fitted(value)
    if found is not None:
        assert repr(validated) == repr(found.copy)
        assert found.is_whole == all(map(has_everything, found.copy["rows"]))


def has_everything(row: Any) -> bool:
    parts = row.get("parts") or ()
    return list(row) == list(FIELDS) and all(list(part) == ["id", "leaves"] for part in parts)


@given(tables())
@settings(max_examples=100, deadline=None)
def test_a_long_value_is_checked_as_a_short_one_is(value: Any) -> None:
    def checked(rows: list[Any]) -> Any:
        return IO.check({"rows": rows})["rows"]

    try:
        one_by_one = [checked([row])[0] for row in value["rows"]]
    except ProblemError:
        one_by_one = None
    try:
        at_once = checked(value["rows"])
    except ProblemError:
        at_once = None
    assert repr(at_once) == repr(one_by_one)


def test_what_fits_is_found_where_it_should_be() -> None:
    assert FITTING.fitted({"rows": [_ROW] * 9}) is not None
    assert FITTING.fitted({"rows": [dict(reversed(_ROW.items()))] * 9}) is not None
    assert FITTING.fitted({"rows": [_ROW] * 9, "more": 1}) is None


class Nowhere(tzinfo):
    """A time zone that cannot say anything."""


@pytest.mark.parametrize(
    "odd",
    [
        {"ratio": 2**53},
        {"ratio": Decimal(1)},
        {"at": datetime(2026, 1, 31, tzinfo=Nowhere())},
        {"at": datetime(2026, 1, 31, tzinfo=UTC)},
        {"any": OrderedDict(a=1)},
        {"tags": {"a"}},
        {"tags": ("a",)},
        {"anys": [None]},
        {"id": uuid.UUID(int=1)},
    ],
)
def test_what_is_no_exact_json_is_not_taken(odd: dict[str, Any]) -> None:
    assert IO.take({"rows": [_ROW] * 9}) is not None
    assert IO.take({"rows": [*[_ROW] * 8, {**_ROW, **odd}]}) is None


def test_types_that_share_others_cost_no_more_than_they_are() -> None:
    """A type with two members of the next, twelve times: four thousand places."""
    types: dict[str, NamedType] = {
        f"T{at}": ObjectType(
            f"T{at}", dict.fromkeys(("left", "right"), parse_type(f"T{at + 1}")) | MOMENT
        )
        for at in range(12)
    }
    types["T12"] = ObjectType("T12", MOMENT)
    fitting = Fitting({"rows": parse_type("[T0!]!")}, types)
    value = {"rows": [{"left": {"at": "2026-01-31T12:00:00Z"}}] * 9}
    assert fitting.fitted(value) == (value, False)
    value["rows"][0]["left"]["at"] = "now"
    assert fitting.fitted(value) is None


def test_a_type_that_holds_itself_is_left_to_pydantic() -> None:
    tree = ObjectType("Tree", {"trees": parse_type("[Tree!]"), "size": parse_type("Int")})
    io = Io("Trees", {"trees": parse_type("[Tree!]!")}, {"Tree": tree})
    value = {"trees": [{"trees": [{"size": 1}]}] * 9}
    for _ in range(2):
        assert io.check(value) == value
        assert io.take(value) is None
    with pytest.raises(ProblemError):
        io.check({"trees": [*value["trees"], {"size": "1"}]})
