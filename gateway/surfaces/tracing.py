"""The span of each request and each WebSocket, from the caller's ``traceparent`` on.

Whatever is behind it sees a ``traceparent`` that names this span, in place of what the caller sent:
so a request has a trace in any case, and everything that tells a trace tells this one.
"""

from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.surfaces.graphql.requests.headers import RequestHeaders, request_id
from gateway.surfaces.probes import PROBES
from gateway.telemetry import spans

_HEADERS = frozenset({b"traceparent", b"tracestate"})
_SERVER_ERROR = 500


class Traced:
    """ASGI middleware that has each request be a span; what probes ask for is none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve within a span."""
        if scope["type"] not in ("http", "websocket") or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        status: int | None = None

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with spans.begin("request", "server", RequestHeaders(scope).parent) as span:
            span.note(request_id=request_id(scope))
            _go_on_from(span, scope)
            try:
                await self._app(scope, receive, sending)
            finally:
                span.note(method=_method(scope), route=_route(scope), status=status)
                if status is not None and status >= _SERVER_ERROR:
                    span.failed(str(status))


def _go_on_from(span: spans.Span, scope: Scope) -> None:
    own = span.traceparent
    if own is not None:
        others = [pair for pair in scope["headers"] if pair[0] not in _HEADERS]
        scope["headers"] = [*others, (b"traceparent", own.encode())]


def _method(scope: Scope) -> str | None:
    return str(scope["method"]) if scope["type"] == "http" else None


def _route(scope: Scope) -> str:
    found = scope.get("route")
    return found.path if isinstance(found, Route | WebSocketRoute) else "none"
