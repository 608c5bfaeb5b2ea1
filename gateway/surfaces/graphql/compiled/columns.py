"""Columns of values that answer as they are, by being what their type asks for."""

from collections.abc import Sequence

from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    GraphQLEnumType,
    GraphQLLeafType,
    is_enum_type,
)

from gateway.model.columns import (
    Column,
    Holds,
    among,
    are_objects,
    columns_of,
    finite,
    integers,
    lists,
    never,
    nullable,
    typed,
)
from gateway.surfaces.graphql.compiled.irregular import EXACT
from gateway.surfaces.graphql.schema.scalars import as_it_is

_NUMBERS: dict[str, Holds] = {"Int": integers(GRAPHQL_MIN_INT, GRAPHQL_MAX_INT), "Float": finite}


def leaves_unchanged(declared: GraphQLLeafType, *, is_nullable: bool) -> Holds:
    """For values of a scalar or an enum; texts are such for the gateway's own scalars."""
    holds = _enum(declared) if is_enum_type(declared) else _scalar(declared)
    return nullable(holds) if is_nullable else holds


def lists_unchanged(inner: Holds, *, is_nullable: bool) -> Holds:
    """For lists of values for which ``inner`` tells it."""
    return nullable(lists(inner)) if is_nullable else lists(inner)


def objects_unchanged(members: Sequence[tuple[str, Holds]], *, is_nullable: bool) -> Holds:
    """For objects whose selected fields are all that they have, in the same order."""
    names = [name for name, _ in members]
    inners = [inner for _, inner in members]
    if not members or never in inners:
        return never

    def holds(column: Column) -> bool:
        columns = columns_of(column, names) if are_objects(column) else None
        if columns is None:
            return False
        return all(inner(values) for inner, values in zip(inners, columns, strict=True))

    return nullable(holds) if is_nullable else holds


def _scalar(declared: GraphQLLeafType) -> Holds:
    if declared.name in EXACT:
        return typed(EXACT[declared.name])
    if declared.name in _NUMBERS:
        return _NUMBERS[declared.name]
    return typed(str) if declared.coerce_output_value is as_it_is else never


def _enum(declared: GraphQLEnumType) -> Holds:
    values = [item.value for item in declared.values.values() if type(item.value) is str]
    return among(frozenset(text for text in values if declared.coerce_output_value(text) == text))
