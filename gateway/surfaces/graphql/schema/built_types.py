"""The declared types of contracts as graphql-core types.

They are made of graphql-core alone: a Strawberry type costs ten times as much to make (see
``docs/decisions/0026-graphql-core-types.md``), and what it would add, Python classes for values,
is not wanted here: arguments and outputs are plain JSON.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
)

from gateway.model.types import TypeRef
from gateway.surfaces.graphql.schema.directives import PiiDirective, applied
from gateway.surfaces.graphql.schema.entities import Entities, EntityType
from gateway.surfaces.graphql.schema.nodes import ID_FIELD, NODE, id_field
from gateway.surfaces.graphql.schema.resolvers import FieldReader
from gateway.surfaces.graphql.schema.scalars import SCALAR_TYPES
from gateway.surfaces.graphql.schema.types import Shape, TypeSet

Leaf = GraphQLScalarType | GraphQLEnumType
Composite = TypeVar("Composite", GraphQLObjectType, GraphQLInputObjectType)


class BuiltTypes:
    """Every type of a set as graphql-core has it, by GraphQL name.

    ``outputs`` are the object types, ``inputs`` the input types; those of ``nodes`` have a global
    id. Fields are made when the schema asks for them, since types may refer to one another in
    circles.
    """

    def __init__(self, declared: TypeSet, nodes: Entities) -> None:
        enums = {name: _enum(name, values) for name, values in declared.enums.items()}
        self._leaves: dict[str, Leaf] = {**SCALAR_TYPES, **enums}
        self.outputs: dict[str, GraphQLObjectType] = {}
        self.inputs: dict[str, GraphQLInputObjectType] = {}
        for name, shape in declared.shapes.items():
            if shape.is_input:
                given = partial(self._input_fields, shape)
                self.inputs[name] = GraphQLInputObjectType(name, given)
            else:
                node = nodes.get(name)
                fields = partial(self._output_fields, shape, node)
                interfaces = [NODE] if node is not None else []
                self.outputs[name] = GraphQLObjectType(name, fields, interfaces)

    @property
    def composites(self) -> Iterator[GraphQLObjectType | GraphQLInputObjectType]:
        """All types that have fields."""
        yield from self.outputs.values()
        yield from self.inputs.values()

    def _output_fields(self, shape: Shape, node: EntityType | None) -> dict[str, GraphQLField]:
        """Fields that read their names; one that is PII may be left out, hence is nullable."""
        known = self._known_in(shape, self.outputs)
        own = {ID_FIELD: id_field(node)} if node is not None else {}
        return own | {
            name: GraphQLField(
                _wrapped(ref, known, ref.required and name not in shape.pii),
                resolve=FieldReader(name),
                extensions=applied(_pii(shape, name)),
            )
            for name, ref in shape.fields.items()
        }

    def _input_fields(self, shape: Shape) -> dict[str, GraphQLInputField]:
        known = self._known_in(shape, self.inputs)
        return {
            name: GraphQLInputField(
                _wrapped(ref, known, ref.required), extensions=applied(_pii(shape, name))
            )
            for name, ref in shape.fields.items()
        }

    def _known_in(
        self, shape: Shape, side: Mapping[str, Composite]
    ) -> Mapping[str, Leaf | Composite]:
        """The types that ``shape`` refers to, by the names that its contract has for them."""
        own = {name: self._leaves.get(known) or side[known] for name, known in shape.names.items()}
        return {**SCALAR_TYPES, **own}


def _wrapped(ref: TypeRef, known: Mapping[str, Any], required: bool) -> Any:
    """The type that ``ref`` writes, with or without its exclamation mark."""
    inner = known[ref.name] if ref.items is None else _list_of(ref.items, known)
    return GraphQLNonNull(inner) if required else inner


def _list_of(items: TypeRef, known: Mapping[str, Any]) -> GraphQLList[Any]:
    return GraphQLList(_wrapped(items, known, items.required))


def _pii(shape: Shape, name: str) -> list[PiiDirective]:
    classes = shape.pii.get(name)
    return [] if classes is None else [PiiDirective(classes=sorted(classes))]


def _enum(name: str, values: tuple[str, ...]) -> GraphQLEnumType:
    """An enum whose values are their names: plain strings both ways."""
    return GraphQLEnumType(name, {value: value for value in values})
