"""The routes of this door, for the composition root to mount."""

from starlette.routing import BaseRoute, Route, WebSocketRoute

from gateway.surfaces.graphql.endpoint import GraphQLEndpoint
from gateway.surfaces.graphql.service import Service
from gateway.surfaces.graphql.sockets import SocketEndpoint


def graphql_routes(service: Service) -> list[BaseRoute]:
    """The path ``/graphql``: HTTP with JSON and event streams, and WebSocket."""
    return [
        Route("/graphql", endpoint=GraphQLEndpoint(service)),
        WebSocketRoute("/graphql", endpoint=SocketEndpoint(service)),
    ]
