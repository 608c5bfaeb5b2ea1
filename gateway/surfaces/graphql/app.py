"""The routes of this door, for the composition root to mount."""

from starlette.routing import Route, WebSocketRoute

from gateway.surfaces.graphql.http.endpoint import GraphQLEndpoint
from gateway.surfaces.graphql.http.profile import HttpProfile
from gateway.surfaces.graphql.service import Service
from gateway.surfaces.graphql.sockets.endpoint import SocketEndpoint


def graphql_routes(
    service: Service, profile: HttpProfile = HttpProfile.SPEC
) -> tuple[Route, WebSocketRoute]:
    """The path ``/graphql``: HTTP with JSON and event streams, and WebSocket."""
    return (
        Route("/graphql", endpoint=GraphQLEndpoint(service, profile=profile)),
        WebSocketRoute("/graphql", endpoint=SocketEndpoint(service)),
    )
