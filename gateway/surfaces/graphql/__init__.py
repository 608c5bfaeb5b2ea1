"""The GraphQL door: a schema generated from the registry, served by an endpoint of its own."""

from gateway.surfaces.graphql.app import graphql_routes
from gateway.surfaces.graphql.door import (
    Authenticate,
    Door,
    Introspection,
    MayIntrospect,
    Subscribe,
    ValidFor,
)
from gateway.surfaces.graphql.engine import Engine
from gateway.surfaces.graphql.lifetime import Connections
from gateway.surfaces.graphql.limits import ConnectionLimits, Limits
from gateway.surfaces.graphql.schema import build_schema, print_sdl
from gateway.surfaces.graphql.service import Service
from gateway.surfaces.graphql.transports import server_options

__all__ = [
    "Authenticate",
    "ConnectionLimits",
    "Connections",
    "Door",
    "Engine",
    "Introspection",
    "Limits",
    "MayIntrospect",
    "Service",
    "Subscribe",
    "ValidFor",
    "build_schema",
    "graphql_routes",
    "print_sdl",
    "server_options",
]
