"""The GraphQL door: a schema generated from the registry, served by an endpoint of its own."""

from gateway.surfaces.graphql.app import graphql_routes
from gateway.surfaces.graphql.door import Authenticate, Door, Introspection, MayIntrospect
from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.schema import build_schema, print_sdl

__all__ = [
    "Authenticate",
    "Door",
    "Introspection",
    "Limits",
    "MayIntrospect",
    "build_schema",
    "graphql_routes",
    "print_sdl",
]
