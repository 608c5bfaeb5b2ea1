"""Metrics over HTTP: ``GET /metrics``, for Prometheus; with a token where one is set."""

import hmac
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.model.problem import problem
from gateway.surfaces.files import refusal
from gateway.surfaces.probes import METRICS

Read = Callable[[], Awaitable[tuple[bytes, str]]]
"""Everything that there is to tell, and its content type."""


def metrics_route(read: Read, token: str) -> Route:
    """The route ``/metrics``. An empty ``token`` asks nobody for one."""
    wanted = f"Bearer {token}".encode()

    async def metrics(request: Request) -> Response:
        given = request.headers.get("authorization", "").encode()
        if token and not hmac.compare_digest(given, wanted):
            told = problem(
                "UNAUTHENTICATED", "Metrics are for whoever has the token: send it as Bearer."
            )
            return refusal(told, ("GET",))
        text, content_type = await read()
        return Response(text, headers={"cache-control": "no-store", "content-type": content_type})

    return Route(METRICS, metrics, methods=["GET"])
