"""The routes of this door, for the composition root to mount."""

import strawberry
from starlette.routing import Route

from gateway.surfaces.graphql.door import Authenticate, Door, Introspection, MayIntrospect
from gateway.surfaces.graphql.endpoint import GraphQLEndpoint
from gateway.surfaces.graphql.limits import Limits


def graphql_routes(
    schema: strawberry.Schema,
    door: Door,
    authenticate: Authenticate,
    *,
    introspection: Introspection = Introspection.ON,
    may_introspect: MayIntrospect = lambda _principal: False,
    limits: Limits | None = None,
) -> list[Route]:
    """The route ``/graphql`` over ``schema``, made by ``build_schema``.

    ``door`` performs the governed calls and ``authenticate`` says who asks. ``introspection``
    with ``may_introspect`` says who may read the schema; ``limits`` bounds each request.
    """
    endpoint = GraphQLEndpoint(
        schema,
        door,
        authenticate,
        introspection=introspection,
        may_introspect=may_introspect,
        limits=limits,
    )
    return [Route("/graphql", endpoint=endpoint)]
