"""Endpoints that say themselves which methods they serve."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import request_response
from starlette.types import Receive, Scope, Send


class EveryMethod:
    """An ASGI application that has ``endpoint`` answer every method, TRACE and those that somebody
    made up among them: of a function Starlette would have to know them all."""

    def __init__(self, endpoint: Callable[[Request], Awaitable[Response]]) -> None:
        self._app = request_response(endpoint)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self._app(scope, receive, send)
