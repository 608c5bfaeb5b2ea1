"""Answers of no announced length for HTTP/1.0, which knows no chunks.

uvicorn would send them in chunks all the same, whose sizes would then be a part of what is read. To
such a client the end of the connection is the end of the body (RFC 9112, sections 6.1 and 6.3); so
one whose answer breaks off must be told by another end than that.
"""

import contextlib
import socket
import struct

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

_FRAMED = frozenset({b"content-length", b"transfer-encoding"})

_RESET, _CLOSE = struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)
"""How a socket ends, as ``SO_LINGER`` has it: at once, so that its peer sees an error, or in order,
once all is sent."""


class UntilClosed:
    """The application ``app`` for the request of ``cycle`` alone, which is of HTTP/1.0."""

    def __init__(self, app: ASGIApp, cycle: RequestResponseCycle) -> None:
        self._app = app
        self._cycle = cycle
        self._is_unframed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve it."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._begin(message)
            elif self._is_unframed:
                self._go_on(message)
            await send(message)

        await self._app(scope, receive, sent)

    def _begin(self, message: Message) -> None:
        names = {name.lower() for name, _ in message.get("headers", ())}
        self._is_unframed = _FRAMED.isdisjoint(names)
        if self._is_unframed:
            self._cycle.chunked_encoding = False
            self._end_by(_RESET)

    def _go_on(self, message: Message) -> None:
        """Say to uvicorn that each part has the length that it has."""
        self._cycle.expected_content_length = len(message.get("body", b""))
        if not message.get("more_body", False):
            self._end_by(_CLOSE)

    def _end_by(self, linger: bytes) -> None:
        own = self._cycle.transport.get_extra_info("socket")
        with contextlib.suppress(OSError):  # it has ended already
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
