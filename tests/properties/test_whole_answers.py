"""What is whole by its contract is answered as it is where all of it is asked for, and graphql-core
makes the same of it, whatever is asked for."""

import asyncio
from typing import Any

import orjson
import pytest
from graphql import execute, parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.actions.answers import exact_copy
from gateway.contracts.io import output_io
from gateway.model.contract import EnumType, ObjectType
from gateway.model.problem import ProblemError
from gateway.model.whole import Held, Whole
from gateway.surfaces.graphql import build_schema
from gateway.surfaces.graphql.compiled import CompiledOperations, Request, is_coroutine
from gateway.surfaces.graphql.door import CallContext
from tests.unit.graphql.support import ADMIN, Catalogue, FakeDoor, fields, operation

PART = ObjectType("Part", fields(id="ID!", label="String", sizes="[Int!]"))
ROW = ObjectType(
    "Row",
    fields(
        id="ID!", name="String", size="Int!", ratio="Float", open="Boolean!", state="State!",
        at="DateTime", any="JSON", tags="[String!]", main="Part", parts="[Part!]!",
    ),
)  # fmt: skip
TYPES = (ROW, PART, EnumType("State", ("OPEN", "CLOSED")))
CONTRACT = operation(
    "shop.rows.list", answer=fields(rows="[Row!]!", best="Row", total="Int"), types=TYPES
)
SCHEMA = build_schema(Catalogue({"shopRowsList": CONTRACT}))
IO = output_io(CONTRACT)

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "id": st.text(max_size=3), "label": st.none() | st.text(max_size=3),
    "sizes": st.none() | st.lists(st.integers(-5, 2**31 - 1), max_size=3),
    "name": st.none() | st.text(max_size=3), "size": st.integers(-(2**31), 2**31 - 1),
    "ratio": st.none() | st.floats(-1e300, 1e300), "open": st.booleans(),
    "state": st.sampled_from(["OPEN", "CLOSED"]),
    "at": st.sampled_from(["2026-01-31T12:00:00Z", None]),
    "tags": st.none() | st.lists(st.text(max_size=2), max_size=2),
    "any": st.none() | st.sampled_from([1, "a", {"a": [1.5, None]}, []]),
}  # fmt: skip


@st.composite
def objects(draw: st.DrawFn, kind: ObjectType, left_out: set[str]) -> dict[str, Any]:
    """An object of a type, without the fields that are left out."""
    made: dict[str, Any] = {}
    for name in kind.fields:
        if name == "parts":
            made[name] = draw(st.lists(objects(PART, left_out), max_size=2))
        elif name not in left_out:
            inner = st.none() | objects(PART, left_out) if name == "main" else VALUES[name]
            made[name] = draw(inner)
    return made


@st.composite
def outputs(draw: st.DrawFn) -> tuple[dict[str, Any], set[str]]:
    """An output that fits the contract, mostly with all fields, and what was left out."""
    optional = ["name", "ratio", "at", "any", "tags", "main", "label", "sizes"]
    left_out = draw(st.just(set()) | st.sets(st.sampled_from(optional), max_size=2))
    rows = draw(st.lists(objects(ROW, left_out), min_size=8, max_size=9))
    best = draw(st.none() | objects(ROW, left_out))
    return {"rows": rows, "best": best, "total": draw(st.none() | st.integers(0, 9))}, left_out


@st.composite
def selections(draw: st.DrawFn, kind: str, names: list[str]) -> str:
    """Fields of a type: all in their order, or some in another, or under other names."""
    chosen = names
    if draw(st.integers(0, 3)) == 0:
        chosen = draw(st.permutations(names))[: draw(st.integers(1, len(names)))]
    inner = {"rows": ROW, "best": ROW, "main": PART, "parts": PART}
    written = [
        f"{name} {draw(selections(inner[name].name, list(inner[name].fields)))}"
        if name in inner
        else name
        for name in chosen
    ]
    more = draw(st.sampled_from(["", "", "", "__typename", f"other: {chosen[0]}"]))
    if more.startswith("other") and chosen[0] in inner:
        more = "__typename"
    return f"{{ {' '.join(written)} {more} }}"


DOCUMENTS = selections("Output", list(CONTRACT.output)).map(
    lambda chosen: f"{{ shopRowsList {chosen} }}"
)
ALL = (
    "{ shopRowsList { rows { %s } best { %s } total } }"
    % (("id name size ratio open state at any tags main { %s } parts { %s }",) * 2)
    % (("id label sizes",) * 4)
)


class Document:
    """A valid document under the digest of its text."""

    size = 1000

    def __init__(self, text: str) -> None:
        self.digest = text.encode()
        self.tree = parse(text)
        assert not validate(SCHEMA, self.tree)


def context(output: dict[str, Any]) -> CallContext:
    return CallContext(FakeDoor({"shop.rows.list": output}), ADMIN, None)


async def answered(text: str, output: dict[str, Any]) -> Any:
    """What the compiled form answers, without help."""
    compiled, document = CompiledOperations(SCHEMA, 1 << 20), Document(text)
    (definition,) = document.tree.definitions
    result = await compiled.execute(document, definition, Request({}, context(output)))  # type: ignore[arg-type] # an operation
    assert not result.errors
    assert compiled.interpreted == 0
    return result.data


async def interpreted(text: str, output: dict[str, Any]) -> Any:
    """What graphql-core answers."""
    told = execute(SCHEMA, parse(text), context_value=context(output), is_awaitable=is_coroutine)
    result = await told  # type: ignore[misc] # a root field is awaited
    assert not result.errors
    return result.data


@given(outputs(), DOCUMENTS)
@settings(max_examples=300, deadline=None)
def test_whatever_is_asked_of_it_is_what_graphql_core_answers(
    given: tuple[dict[str, Any], set[str]], text: str
) -> None:
    output, _ = given
    checked = IO.check(output)
    found = asyncio.run(answered(text, checked))
    assert orjson.dumps(found) == orjson.dumps(asyncio.run(interpreted(text, output)))


@given(outputs())
@settings(max_examples=200, deadline=None)
def test_whole_is_what_has_every_field_in_every_object(
    given: tuple[dict[str, Any], set[str]],
) -> None:
    output, _ = given
    checked = IO.check(output)
    assert checked == output
    assert isinstance(checked, Held)
    assert isinstance(checked, Whole) == is_whole(output, CONTRACT.output)
    assert IO.check(checked) is checked


def is_whole(value: Any, of: Any) -> bool:
    """By the definition, one object after the other."""
    if list(value) != list(of):
        return False
    kinds = {"Row": ROW, "Part": PART}
    for name, ref in of.items():
        kind = kinds.get(ref.named)
        inner = value[name] if isinstance(value[name], list) else [value[name]]
        if kind and not all(one is None or is_whole(one, kind.fields) for one in inner):
            return False
    return True


def test_it_is_answered_as_it_is_where_all_of_it_is_asked_for() -> None:
    row = {
        "id": "a", "name": None, "size": 1, "ratio": 1.5, "open": True, "state": "OPEN",
        "at": None, "any": None, "tags": [], "main": None, "parts": [],
    }  # fmt: skip
    output = IO.check({"rows": [row] * 8, "best": None, "total": 8})
    assert asyncio.run(answered(ALL, output))["shopRowsList"] is output
    swapped = ALL.replace("id name", "name id")
    assert asyncio.run(answered(swapped, output))["shopRowsList"] is not output


class Row(dict[str, Any]):
    """What looks like an object of JSON."""


ODD: list[Any] = [
    *(None, "\ud800", "x" * 70_000, float("nan"), float("inf"), 2**60, True, 1, 1.5, b"a", "AJAR"),
    *((), (1, 2), {1}, [[]], [None], ["a"], {}, {"a": 1}, Row(id="a"), [Row()], object()),
]
"""What a handler in Python might put anywhere."""


@st.composite
def answers(draw: st.DrawFn) -> dict[str, Any]:
    """An output that fits the contract, or nearly."""
    output, _ = draw(outputs())
    row = draw(st.sampled_from(output["rows"]))
    for where in draw(st.lists(st.sampled_from([output, row, *row["parts"]]), max_size=2)):
        where[draw(st.sampled_from([*where, "more"]))] = draw(st.sampled_from(ODD))
    if draw(st.booleans()):
        row["parts"] = draw(st.sampled_from([tuple(row["parts"]), [None], [row], output["rows"]]))
    return output


@given(answers())
@settings(max_examples=150, deadline=None)
def test_what_is_taken_is_what_a_copy_by_json_is_checked_to_be(answer: dict[str, Any]) -> None:
    taken = IO.take(answer)
    if taken is None:
        return
    checked = IO.check(exact_copy(answer))
    assert (repr(taken), type(taken)) == (repr(checked), type(checked))
    assert IO.check(taken) == taken
    before = repr(taken)
    spoil(answer)
    assert repr(taken) == before


def spoil(value: Any) -> None:
    """Change whatever of it can be changed."""
    for inner in list(value.values() if isinstance(value, dict) else value):
        if isinstance(inner, dict | list):
            spoil(inner)
    value.clear()


@given(outputs())
@settings(max_examples=50, deadline=None)
def test_what_fits_its_contract_is_taken(given: tuple[dict[str, Any], set[str]]) -> None:
    output, _ = given
    checked = IO.check(exact_copy(output))
    taken = IO.take(output)
    assert (taken, type(taken)) == (checked, type(checked))


def test_what_never_ends_is_left() -> None:
    row: dict[str, Any] = dict.fromkeys(ROW.fields)
    row["parts"] = [row]
    endless: list[Any] = []
    endless.append(endless)
    for answer in ({"rows": [row] * 8}, {"rows": [endless] * 8}, {"rows": endless}, row):
        assert IO.take(answer) is None


def test_a_whole_value_of_another_contract_is_looked_at() -> None:
    other = output_io(CONTRACT)
    output = IO.check({"rows": [], "best": None, "total": 8})
    whole = Whole({"rows": "none", "best": None, "total": 8}, IO)
    assert IO.check(whole) is whole  # it says that it was found to be so
    with pytest.raises(ProblemError):
        other.check(whole)
    assert other.check(output) == output


@pytest.mark.parametrize("flaw", [{"size": "1"}, {"state": "AJAR"}, {"more": 1}, {"id": None}])
def test_what_does_not_fit_is_never_whole(flaw: dict[str, Any]) -> None:
    row = dict.fromkeys(ROW.fields) | {
        "id": "a", "size": 1, "open": True, "state": "OPEN", "parts": [],
    }  # fmt: skip
    rows = [row] * 8
    assert isinstance(IO.check({"rows": rows, "best": None, "total": None}), Whole)
    with pytest.raises(ProblemError):
        IO.check({"rows": [*rows, row | flaw], "best": None, "total": None})
