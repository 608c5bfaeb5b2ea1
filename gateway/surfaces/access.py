"""The access log: one line for each request and each WebSocket, without what callers chose.

The path is told as the route that it matched, and the query string not at all: ``GET /graphql``
carries the document and the variables in it.
"""

import logging
import time

from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.model.entropy import random_bytes
from gateway.surfaces.graphql.requests.headers import REQUEST_ID, SPARED, RequestHeaders
from gateway.surfaces.probes import PROBES
from gateway.telemetry import fields, metrics
from gateway.telemetry.instruments import is_counting

_log = logging.getLogger("gateway.access")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SERVER_ERROR = 500


class AccessLog:
    """ASGI middleware that gives each request an id and tells what became of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, then tell."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        line = _Line(scope, send)
        scope[REQUEST_ID] = line.id
        try:
            await self._app(scope, receive, line.send)
        except Exception:
            line.status = line.status or _SERVER_ERROR
            raise
        finally:
            line.tell()


class _Line:
    """What one request sent, and the line about it."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.id = random_bytes(8).hex()
        self.status: int | None = None
        self._scope = scope
        self._send = send
        self._bytes = 0
        self._close_code: int | None = None
        self._began = self._answered = time.perf_counter()

    async def send(self, message: Message) -> None:
        """Send a message of the application, and count it."""
        kind = message["type"]
        if kind == "http.response.body":
            self._bytes += len(message.get("body", b""))
        elif kind == "websocket.send":
            self._bytes += len(message.get("text") or message.get("bytes") or "")
        elif kind == "http.response.start":
            self.status = message["status"]
            self._answered = time.perf_counter()
        elif kind == "websocket.accept":
            self.status = 101
        elif kind == "websocket.close":
            self._close_code = message.get("code")
        await self._send(message)

    def tell(self) -> None:
        """Tell the line, at debug level where it only asked whether the process lives, or is one of
        many that were put off."""
        route = self._route()
        if is_counting():
            self._count(route)
        is_spared = route in PROBES or SPARED in self._scope
        level = logging.DEBUG if is_spared else logging.INFO
        if not _log.isEnabledFor(level):
            return
        named = fields(
            method=self._method(),
            route=route,
            status=self.status,
            close_code=self._close_code,
            duration_ms=round((time.perf_counter() - self._began) * 1000, 3),
            bytes=self._bytes,
            request_id=self.id,
            trace_id=RequestHeaders(self._scope).trace_id,
        )
        _log.log(level, "request", extra=named)

    def _count(self, route: str) -> None:
        if self._scope["type"] == "websocket":
            metrics.websockets.add(self._close_code or 0)
        else:
            seconds = self._answered - self._began
            metrics.http_seconds.observe(seconds, self._method(), route, self.status or 0)

    def _method(self) -> str:
        asked = str(self._scope.get("method", "GET"))
        return asked if asked in _METHODS else "other"

    def _route(self) -> str:
        """The path of the route that serves this, ``none`` without one."""
        found = self._scope.get("route")
        return found.path if isinstance(found, Route | WebSocketRoute) else "none"
