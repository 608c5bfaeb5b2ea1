"""The variables of conditions: those of the operation itself, whatever else is in its document."""

from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse

from gateway.surfaces.graphql.compiled import condition_variables
from gateway.surfaces.graphql.compiled.conditions import directives_reached
from tests.unit.graphql.support import FakeDoor, application, post

OTHER = "query Other($x: Boolean!) { shopPing { done @skip(if: $x) } }"
FRAGMENTS = "fragment F on Q { ...G } fragment G on Q { x @skip(if: $b) ...F }"


def asked(source: str) -> tuple[str, ...]:
    tree = parse(source)
    (first, *_) = tree.definitions
    assert isinstance(first, OperationDefinitionNode)
    return condition_variables(tree, first)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("{ a }", ()),
        ("{ a @skip(if: true) }", ()),
        ("query ($b: Boolean!, $a: Boolean) { x @skip(if: $a) y { z @include(if: $b) } }", "ba"),
        ("query ($a: Boolean!) { ... @skip(if: $a) { x } }", "a"),
        ("query ($a: Boolean!) { ...F @skip(if: $a) } fragment F on Q { x }", "a"),
        ("query ($a: Int, $b: Boolean!) { ...F }" + FRAGMENTS, "b"),
        ("query ($a: Boolean!) { x } fragment F on Q { x @skip(if: $a) }", ()),
        ("query ($a: Boolean!) { x } query ($a: Boolean!) { x @skip(if: $a) }", ()),
        ("query ($a: [Boolean!]) { x(a: $a) @skip(if: $b) }", ()),
        ("query ($a: [Boolean]) { x @skip(if: $a) }", ()),
        ("query ($a: Int) { x @skip(if: $a) }", ()),
        ("query ($a: Boolean) { x @other(if: $a) }", ()),
    ],
)  # fmt: skip
def test_conditions_are_those_that_the_operation_reaches(source: str, names: Any) -> None:
    assert asked(source) == tuple(names)


def test_every_directive_that_an_operation_reaches_is_looked_at_once() -> None:
    tree = parse(
        "query ($v: Int @a) @b { x @c ... @d { y @e } ...F @f ...F } fragment F on Q @g { z @h }"
        " fragment Apart on Q @i { z @j }"
    )
    (first, *_) = tree.definitions
    assert isinstance(first, OperationDefinitionNode)
    names = [node.name.value for node in directives_reached(tree, first)]
    assert sorted(names) == list("abcdefgh")


@pytest.mark.parametrize("value", [{"orderId": "1"}, {"orderId": "2", "extra": [1]}])
def test_another_operation_may_use_the_name_of_a_variable_for_a_condition(value: Any) -> None:
    door = FakeDoor({"shop.order.get": {"orderId": "1"}})
    source = "query One($x: ShopOrderGetInput!) { shopOrderGet(input: $x) { orderId } }"
    answer = post(
        application(door), f"{source} {OTHER}", variables={"x": value}, operationName="One"
    )
    assert (answer.status_code, answer.json()) == (
        200,
        {"data": {"shopOrderGet": {"orderId": "1"}}},
    )
    assert door.calls[0]["input"] == value


def test_a_null_is_refused_for_a_condition_of_the_operation_itself_alone() -> None:
    door = FakeDoor({"shop.order.get": {"orderId": "1"}})
    given = 'input: {orderId: "1", extra: $x}'
    one = f'query One($x: JSON = "y") {{ shopOrderGet({given}) {{ orderId }} }}'
    app = application(door)
    asked_for = {"variables": {"x": None}, "operationName": "One"}
    assert post(app, f"{one} {OTHER}", **asked_for).status_code == 200
    assert door.calls[0]["input"] == {"orderId": "1", "extra": None}
    own = "query One($x: Boolean = true) { ...F } fragment F on Query { shopPing { ...G } }"
    below = "fragment G on ShopPingOutput { done @skip(if: $x) }"
    refused = post(app, f"{own} {below}", **asked_for)
    assert refused.status_code == 422
    assert "/variables/x: must be true or false, not null" in refused.text
