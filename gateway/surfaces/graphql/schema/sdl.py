"""A schema in GraphQL's own language, with the directives that are applied in it.

graphql-core's printer leaves those out; Strawberry's prints them.
"""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from graphql import GraphQLObjectType, GraphQLSchema
from strawberry.printer import print_schema

from gateway.surfaces.graphql.schema.directives import CONVERTER


def print_sdl(schema: GraphQLSchema, applied: Sequence[object] = ()) -> str:
    """The SDL of ``schema``; the same registry gives the same text.

    ``applied`` are directives of the schema itself; with any, its roots are written down too.
    """
    lines = print_schema(_as_strawberrys(schema, applied)).splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"


def _as_strawberrys(schema: GraphQLSchema, applied: Sequence[object]) -> Any:
    """What the printer reads of a ``strawberry.Schema``, which cannot hold one of graphql-core."""
    return SimpleNamespace(
        _schema=schema,
        schema_directives=applied,
        query=_root(schema.query_type),
        mutation=_root(schema.mutation_type),
        subscription=_root(schema.subscription_type),
        config=CONVERTER.config,
        schema_converter=CONVERTER,
    )


def _root(root: GraphQLObjectType | None) -> Any:
    """Stands for the class of a root type, of which the printer reads the name."""
    return SimpleNamespace(__strawberry_definition__=root) if root else None
