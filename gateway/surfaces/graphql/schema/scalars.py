"""The scalars of contracts as GraphQL scalars.

The gateway's own scalars let every JSON value through: whether a value is a date or an e-mail
address is checked once, by the pipeline, for every door alike.
"""

from math import isfinite

from graphql import GraphQLScalarType, specified_scalar_types

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


def as_it_is(value: JsonValue) -> JsonValue:
    """The value itself: it was checked before."""
    return value


def _scalar(name: str) -> GraphQLScalarType:
    description = SCALAR_NOTES[name].meaning
    return GraphQLScalarType(name, as_it_is, json_input, description=description)


SCALAR_TYPES: dict[str, GraphQLScalarType] = {
    name: specified_scalar_types.get(name) or _scalar(name) for name in sorted(SCALARS)
}
"""Each scalar of contracts, by its name; GraphQL's own are graphql-core's."""
