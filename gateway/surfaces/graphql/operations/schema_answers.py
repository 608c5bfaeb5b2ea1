"""Answers about the schema, kept: the same question always has the same answer, and it is dear.

Tools ask for the whole schema, which takes a tenth of a second to tell, and anybody who may ask can
go on asking. Recent answers are kept, each for the very document that was kept as well, and for the
very schema: callers see schemas of their own.
"""

import sys
from dataclasses import dataclass

from graphql import FieldNode, GraphQLSchema, OperationDefinitionNode, OperationType

from gateway.model.json import JsonObject, JsonValue
from gateway.surfaces.graphql.kept import KeptBySize
from gateway.surfaces.graphql.limiting.guards import INTROSPECTION
from gateway.surfaces.graphql.schema.sight import bytes_of_view

_OF_THE_SCHEMA = INTROSPECTION | {"__typename"}
_BYTES_AN_ANSWER = 1000
"""What an answer takes beside its data and all that it is kept with."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer, with that whose identity it is found by: while it is kept, no other has that."""

    schema: GraphQLSchema
    operation: OperationDefinitionNode
    data: JsonObject


class SchemaAnswers:
    """The answers to recent questions about a schema and the views of it.

    With the documents and schemas that they keep alive they take at most ``most_bytes``; those used
    longest ago make room.
    """

    def __init__(self, most_bytes: int) -> None:
        self.kept: KeptBySize[_Kept] = KeptBySize(most_bytes)

    def find(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> JsonObject | None:
        """The data that answers an operation on a schema, if it is kept. It must not be changed."""
        kept = self.kept.get((id(schema), id(operation)))
        return kept.data if kept is not None else None

    def keep(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        data: JsonObject,
        document_bytes: int,
    ) -> None:
        """Keep the data that answers an operation on a schema, if it is about that alone.

        ``document_bytes`` is what the operation's document takes.
        """
        if _is_about_the_schema(operation):
            size = _BYTES_AN_ANSWER + _size(data) + document_bytes + bytes_of_view(schema)
            key = id(schema), id(operation)
            self.kept.put(key, _Kept(schema, operation, data), size)


def _size(data: JsonValue) -> int:
    """What the objects and lists of an answer take, in bytes; its texts are the schema's own."""
    size, todo = 0, [data]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            size += sys.getsizeof(value)
            todo.extend(value.values())
        elif isinstance(value, list):
            size += sys.getsizeof(value)
            todo.extend(value)
    return size


def _is_about_the_schema(operation: OperationDefinitionNode) -> bool:
    """True where nothing but the document decides the answer."""
    return (
        operation.operation is OperationType.QUERY
        and not operation.variable_definitions
        and all(
            isinstance(node, FieldNode) and node.name.value in _OF_THE_SCHEMA
            for node in operation.selection_set.selections
        )
    )
