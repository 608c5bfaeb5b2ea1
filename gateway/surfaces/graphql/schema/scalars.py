"""The scalars of contracts as GraphQL scalars.

The gateway's own scalars let every JSON value through: whether a value is a date or an e-mail
address is checked once, by the pipeline, for every door alike.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from graphql import (
    GraphQLScalarType,
    Undefined,
    ValueNode,
    specified_scalar_types,
    value_from_ast_untyped,
)

from gateway.contracts.reference import SCALAR_NOTES
from gateway.model.json import JsonValue
from gateway.model.plain_json import plain_copy
from gateway.model.types import SCALARS
from gateway.surfaces.graphql.limits import Limits

_LIMITS = Limits()
_LARGEST = 10**_LIMITS.json_integer_digits


class UnreadableError(ValueError):
    """A value of an argument that not every reader of JSON keeps."""


def json_input(value: JsonValue) -> JsonValue:
    """``value`` itself, if it is JSON that every reader keeps.

    Variables were checked when the body was read; this stops what only a literal in the
    document can hold: ``1e999``, endless integers and endless nesting, be it with the help of a
    variable in it.

    Raises:
        UnreadableError: a number or a nesting beyond the limits.
    """
    if plain_copy(value, _LIMITS.json_depth) is not None:
        return value
    todo = [(value, 1)]
    while todo:
        item, depth = todo.pop()
        if isinstance(item, float) and not isfinite(item):
            raise UnreadableError("a number beyond a double")
        if isinstance(item, int) and abs(item) >= _LARGEST:
            raise UnreadableError(f"an integer of more than {_LIMITS.json_integer_digits} digits")
        if isinstance(item, dict | list):
            if depth > _LIMITS.json_depth:
                raise UnreadableError(f"nesting deeper than {_LIMITS.json_depth}")
            inner = item.values() if isinstance(item, dict) else item
            todo.extend((child, depth + 1) for child in inner)
    return value


def json_literal(node: ValueNode, variables: Mapping[str, Any] | None = None) -> JsonValue:
    """The JSON of a literal in a document. A member whose variable was left out is left out too,
    an item of a list is null, as in literals of GraphQL's own types.

    Raises:
        UnreadableError: as ``json_input``.
    """
    return _without_absent(json_input(value_from_ast_untyped(node, dict(variables or {}))))


def _without_absent(value: Any) -> JsonValue:
    """A value without what stands in it for variables that were left out. It is not deep."""
    if isinstance(value, dict):
        present = ((name, one) for name, one in value.items() if one is not Undefined)
        return {name: _without_absent(one) for name, one in present}
    if isinstance(value, list):
        return [None if one is Undefined else _without_absent(one) for one in value]
    return value


def as_it_is(value: JsonValue) -> JsonValue:
    """The value itself: it was checked before."""
    return value


def _scalar(name: str) -> GraphQLScalarType:
    description = SCALAR_NOTES[name].meaning
    return GraphQLScalarType(name, as_it_is, json_input, json_literal, description=description)


SCALAR_TYPES: dict[str, GraphQLScalarType] = {
    name: specified_scalar_types.get(name) or _scalar(name) for name in sorted(SCALARS)
}
"""Each scalar of contracts, by its name; GraphQL's own are graphql-core's."""
