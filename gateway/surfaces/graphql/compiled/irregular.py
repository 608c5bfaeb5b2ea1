"""What the compiled form takes as it is, and what it leaves to graphql-core."""

from collections.abc import Awaitable
from inspect import iscoroutine
from typing import Any, TypeGuard

from graphql import GraphQLType, Undefined, is_leaf_type, is_non_null_type

PLAIN = frozenset({str, int, float, bool, list, dict})
"""The types of JSON values other than null; all else is looked at by graphql-core."""

REQUIRED = object()
"""Stands for the default of what has none that the compiled form may use."""

_UNCHANGEABLE = frozenset({str, int, float, bool, type(None)})


EXACT: dict[str, type] = {"String": str, "ID": str, "Boolean": bool}
"""The scalars whose values are what they are, coming and going, and the type of those values."""


class Never:
    """Stands for the type that no value has."""


def exact_type(declared: GraphQLType) -> type:
    """The type of values that need no coercion; ``Never`` where each needs it."""
    inner = declared.of_type if is_non_null_type(declared) else declared
    return EXACT.get(inner.name, Never) if is_leaf_type(inner) else Never


class UnsupportedError(Exception):
    """An operation, or a part of it, that is not compiled: graphql-core sees to it, each time."""


class IrregularError(Exception):
    """A value that graphql-core must judge: it may be wrong, or only unusual."""


def is_shareable(value: object) -> bool:
    """Whether requests may share a value: nobody can change it."""
    return type(value) in _UNCHANGEABLE


def usable_default(value: object) -> object:
    """A coerced default or ``Undefined``; ``REQUIRED`` where requests must not share it."""
    return value if value is Undefined or is_shareable(value) else REQUIRED


def is_coroutine(value: object) -> TypeGuard[Awaitable[Any]]:
    """Only resolvers of root fields are asynchronous here, so nothing else need be looked for."""
    return iscoroutine(value)
