"""The GraphQL door: a schema generated from the registry, served by an endpoint of its own."""

from gateway.surfaces.graphql.app import graphql_routes
from gateway.surfaces.graphql.door import (
    Authenticate,
    Door,
    Subscribe,
    ValidFor,
)
from gateway.surfaces.graphql.engine import Engine
from gateway.surfaces.graphql.http.profile import HttpProfile
from gateway.surfaces.graphql.limits import ConnectionLimits, Limits, ServerLimits
from gateway.surfaces.graphql.schema.build import build_schema
from gateway.surfaces.graphql.schema.sdl import print_sdl
from gateway.surfaces.graphql.schema.sight import Introspection, MayCall
from gateway.surfaces.graphql.schema.subscriptions import FIELD as EVENTS_FIELD
from gateway.surfaces.graphql.server.lifetime import Connections
from gateway.surfaces.graphql.server.transports import server_options
from gateway.surfaces.graphql.service import Service

__all__ = [
    "EVENTS_FIELD",
    "Authenticate",
    "ConnectionLimits",
    "Connections",
    "Door",
    "Engine",
    "HttpProfile",
    "Introspection",
    "Limits",
    "MayCall",
    "ServerLimits",
    "Service",
    "Subscribe",
    "ValidFor",
    "build_schema",
    "graphql_routes",
    "print_sdl",
    "server_options",
]
