"""What is found of whole columns is so of each of their values."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.contracts.fitting import fits, is_long
from gateway.contracts.io import Io
from gateway.model.columns import columns_of, nullable
from gateway.model.contract import EnumType, NamedType, ObjectType
from gateway.model.problem import ProblemError
from gateway.model.types import parse_type

_names = st.lists(st.sampled_from("abc"), unique=True, min_size=1)


@given(_names, st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 9)), max_size=5))
@settings(max_examples=400)
def test_objects_have_columns_where_all_have_just_these_members(
    names: list[str], objects: list[dict[str, int]]
) -> None:
    found = columns_of(objects, names)
    if all(list(one) == names for one in objects):
        assert found == [[one[name] for one in objects] for name in names]
    else:
        assert found is None


def test_nullable_passes_over_null_alone() -> None:
    seen: list[Any] = []
    assert nullable(lambda column: not seen.append(column))([0, None, False, ""])  # type: ignore[func-returns-value]
    assert seen == [[0, False, ""]]


FIELDS = {
    name: parse_type(text)
    for name, text in {
        "id": "ID!", "name": "String", "size": "Int!", "ratio": "Float", "open": "Boolean!",
        "state": "State!", "at": "DateTime", "north": "Latitude", "any": "JSON",
        "tags": "[String!]", "parts": "[Part!]",
    }.items()
}  # fmt: skip
TYPES: dict[str, NamedType] = {
    "State": EnumType("State", ("OPEN", "CLOSED")),
    "Part": ObjectType("Part", {"id": parse_type("ID!"), "parts": parse_type("[Part!]")}),
    "Row": ObjectType("Row", FIELDS),
}
OUTPUT = {"rows": parse_type("[Row!]!")}
IO = Io("Rows", OUTPUT, TYPES)

_part: st.SearchStrategy[Any] = st.recursive(
    st.just({"id": "p"}) | st.just({"id": 1}),
    lambda inner: st.fixed_dictionaries({"id": st.just("q"), "parts": st.lists(inner, max_size=3)}),
    max_leaves=6,
)
GOOD: dict[str, st.SearchStrategy[Any]] = {
    "id": st.text(max_size=3), "name": st.none() | st.text(max_size=3),
    "size": st.integers(-(2**31), 2**31 - 1), "ratio": st.floats(-1e3, 1e3) | st.none(),
    "open": st.booleans(), "state": st.sampled_from(["OPEN", "CLOSED"]),
    "at": st.sampled_from(["2026-01-31T12:00:00Z", None]), "north": st.sampled_from([1.5, None]),
    "any": st.sampled_from([None, 1, {"a": [1]}]),
    "tags": st.lists(st.text(max_size=2), max_size=2), "parts": st.lists(_part, max_size=2),
}  # fmt: skip
BAD: dict[str, list[Any]] = {
    "id": [1, None, "\ud800"], "name": ["\udc00", 1], "size": [2**31, True, 1.0],
    "ratio": [1, float("nan")],
    "open": [1, None], "state": ["open", None, []], "at": ["now", 1], "north": [91.0, 1],
    "any": [float("inf"), (1,)],
    "tags": [["a", None], "a"], "parts": [[{}], [{"id": "a", "more": 1}]],
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


_ROW: dict[str, Any] = {"id": "a", "size": 0, "open": False, "state": "OPEN"}


@given(tables())
@example({"rows": [{**_ROW, "id": "\ud800"}, *([_ROW] * 7)]})
@settings(max_examples=150, deadline=None)
def test_what_fits_by_its_columns_is_what_pydantic_makes_of_it(value: Any) -> None:
    assert is_long(value)
    validated: Any = None
    try:
        model = IO.model.__pydantic_validator__.validate_python(value)
        validated = IO.model.__pydantic_serializer__.to_python(
            model, by_alias=True, exclude_unset=True
        )
    except ValueError:
        pass
    if fits(OUTPUT, TYPES)([value]):
        assert repr(validated) == repr(value)


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


def test_columns_are_found_where_they_should_be() -> None:
    assert fits(OUTPUT, TYPES)([{"rows": [_ROW] * 9}])
    assert not fits(OUTPUT, TYPES)([{"rows": [_ROW] * 9, "more": 1}])


_ROW = {
    "id": "a", "name": None, "size": 1, "ratio": 0.5, "open": True, "state": "OPEN",
    "at": "2026-01-31T12:00:00Z", "north": 1.5, "any": {"a": 1}, "tags": ["a"],
    "parts": [{"id": "p"}],
}  # fmt: skip
