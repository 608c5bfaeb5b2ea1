"""The gate before all doors: so many requests at a time, the others are told to come again.

Refusing here costs least, because nothing of a request was read yet. What a request is for is not
known here either, so this bound is above that of calls (``gateway.pipeline.admission``), which
keeps places free for whoever decides or stops what is under way.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.model.problem import problem
from gateway.surfaces.files import refusal
from gateway.surfaces.graphql.encoding import encode
from gateway.surfaces.graphql.errors import error_entry, headers_of
from gateway.surfaces.graphql.http.answers import JsonAnswer
from gateway.surfaces.graphql.http.negotiation import GRAPHQL_JSON
from gateway.surfaces.graphql.requests.headers import SPARED
from gateway.surfaces.probes import PROBES
from gateway.telemetry import metrics
from gateway.telemetry.sparing import Sparing

RETRY_AFTER = 1.0
"""Seconds after which whoever was refused may try again."""

_GRAPHQL = "/graphql"
_BODY_HEADERS = frozenset({b"content-length", b"transfer-encoding"})


class RequestGate:
    """ASGI middleware that lets ``most`` HTTP requests be worked on at a time.

    A request counts once it has come in whole, until its answer begins. Whoever sends slowly or
    reads slowly so takes no place from others. Probes are let through always.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most
        self._inside = 0
        self._sparing = Sparing()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or refuse at once."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
        elif self._inside >= self._most:
            metrics.overload.add("requests")
            if self._sparing.is_spared():
                scope[SPARED] = True
            await _too_many(scope["path"])(scope, receive, send)
        else:
            place = _Place(self, scope, receive, send)
            try:
                await self._app(scope, place.receive, place.send)
            finally:
                place.leave()

    def count(self, change: int) -> None:
        """Count a request that came in (1) or whose answer began (-1)."""
        self._inside += change


class _Place:
    """One request: when it counts, and when no longer."""

    def __init__(self, gate: RequestGate, scope: Scope, receive: Receive, send: Send) -> None:
        self._gate = gate
        self._receive = receive
        self._send = send
        self._is_inside = False
        self._has_left = False
        if not any(name in _BODY_HEADERS for name, _ in scope["headers"]):
            self._enter()

    async def receive(self) -> Message:
        """Take a message of the caller; the last of a body makes the request count."""
        message = await self._receive()
        if not message.get("more_body"):
            self._enter()
        return message

    async def send(self, message: Message) -> None:
        """Pass a message on; the first of an answer ends the counting."""
        self.leave()
        await self._send(message)

    def _enter(self) -> None:
        if not self._is_inside and not self._has_left:
            self._is_inside = True
            self._gate.count(1)

    def leave(self) -> None:
        """Count the request no longer."""
        self._has_left = True
        if self._is_inside:
            self._is_inside = False
            self._gate.count(-1)


def _too_many(path: str) -> ASGIApp:
    told = problem(
        "SERVICE_UNAVAILABLE",
        f"The gateway has too many requests at once. Nothing of this one was read. Try again in "
        f"{RETRY_AFTER:g} s.",
        retry_after=RETRY_AFTER,
    )
    if path == _GRAPHQL:
        return JsonAnswer(
            told.status, encode({"errors": [error_entry(told)]}), GRAPHQL_JSON, headers_of(told)
        )
    return refusal(told, ())
