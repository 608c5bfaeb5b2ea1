"""What is written of a long list at once is what its items, one by one, are answered with."""

from typing import Any

import orjson
from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLString,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.surfaces.graphql.compiled.writing import (
    WRITTEN_ID,
    Written,
    list_writer,
    written_leaf,
    written_list,
    written_object,
    written_typename,
)

STATE = GraphQLEnumType("State", {"OPEN": "OPEN", "CLOSED": "CLOSED", "GONE": "gone"})
LEAVES = [GraphQLBoolean, GraphQLFloat, GraphQLID, GraphQLInt, GraphQLString, STATE]

_some = st.sampled_from(
    [None, True, False, 0, 1, -1, 2**31, -(2**31), 2**31 - 1, 1.5, 1.0, 1e308, float("inf")]
) | st.sampled_from([float("nan"), "", "OPEN", "gone", "GONE", "\ud800", "x" * 70_000, [], {}])
_alike = st.one_of(
    *(
        st.lists(st.sampled_from(values), max_size=9)
        for values in (
            *([True, False, None], [1.5, 1e300, None], [1.5, -0.0], [0, -1, 2**31 - 1]),
            *(["a", "b"], ["a", None], [0, 2**31], [1.5, 1], [True, 1], ["a", 1]),
            *(["OPEN", "CLOSED"], ["OPEN", "gone"], ["OPEN", None]),
        )
    )
)
columns = st.lists(_some, max_size=6) | _alike


def written(item: Written | None, items: list[Any]) -> bytes | None:
    assert item is not None
    found = list_writer(item)(items)
    return None if found is None else orjson.dumps(found)


@given(st.sampled_from(LEAVES), columns, st.booleans())
@settings(max_examples=600)
def test_leaves_that_are_written_are_answered_so(
    leaf: Any, column: list[Any], is_nullable: bool
) -> None:
    found = written(written_leaf(leaf, is_nullable=is_nullable), column)
    if found is not None:
        answered = [
            None if value is None and is_nullable else leaf.coerce_output_value(value)
            for value in column
        ]
        assert found == orjson.dumps(answered)


@given(st.floats() | st.floats(-1e18, 1e18))
@example(1e16)
@example(-1e16)
@example(2.0**53)
@example(2.0**53 - 1)
@example(5e-324)
@settings(max_examples=1000)
def test_floats_are_written_as_everywhere(number: float) -> None:
    found = written(written_leaf(GraphQLFloat, is_nullable=False), [number])
    assert found == (orjson.dumps([number]) if abs(number) < 2.0**53 else None)


@given(st.integers(-(2**54), 2**54))
@example(2**53 + 1)
@example(-(2**53) - 1)
@example(2**53 - 1)
@settings(max_examples=1000)
def test_no_integer_is_rounded_where_a_float_is_told(number: int) -> None:
    found = written(written_leaf(GraphQLFloat, is_nullable=False), [number])
    assert found == (orjson.dumps([float(number)]) if abs(number) < 2**53 else None)


@given(st.text())
@settings(max_examples=1000)
def test_texts_are_written_as_everywhere(text: str) -> None:
    found = written(written_leaf(GraphQLString, is_nullable=False), [text])
    assert found == orjson.dumps([text])


ROW = written_object(
    [
        ("kind", written_typename("Row")),
        ("id", WRITTEN_ID),
        ("size", written_leaf(GraphQLInt, is_nullable=True)),
        ("tags", written_list(written_leaf(GraphQLString, is_nullable=False), is_nullable=True)),
        ("class", written_leaf(GraphQLBoolean, is_nullable=False)),
    ],
    is_nullable=True,
)


def test_objects_are_written_in_the_order_of_their_members_and_without_others() -> None:
    assert ROW is not None
    row = ROW._replace(ids=[("id", lambda source: f"row {source['size']}")])
    items: list[Any] = [{"class": True, "more": [{}], "size": 1, "tags": ["a"]}, None]
    items.append({"class": False, "size": 2})
    assert written(row, items) == (
        b'[{"kind":"Row","id":"row 1","size":1,"tags":["a"],"class":true},null,'
        b'{"kind":"Row","id":"row 2","size":2,"tags":null,"class":false}]'
    )


def test_objects_that_lack_what_must_be_are_not_written() -> None:
    assert written(ROW, [{"class": True}]) is not None
    wrongs: list[Any] = [{}, {"class": None}, {"class": True, "kind": "Other"}, {1: 2}, []]
    for wrong in wrongs:
        assert written(ROW, [{"class": True}, wrong]) is None


def test_what_has_ids_below_its_items_is_not_written() -> None:
    assert ROW is not None
    with_id = ROW._replace(ids=[("id", repr)])
    assert written_list(with_id, is_nullable=False) is None
    assert written_object([("row", with_id)], is_nullable=False) is None
    assert written_object([("row", ROW), ("other", None)], is_nullable=False) is None


def test_what_never_ends_is_not_written() -> None:
    endless: list[Any] = []
    endless.append(endless)
    leaf = written_leaf(GraphQLString, is_nullable=False)
    assert written(written_list(leaf, is_nullable=False), endless) is None
