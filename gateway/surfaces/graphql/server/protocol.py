"""HTTP/1.1 within bounds, in uvicorn's protocol class: what ASGI never gets to see.

uvicorn reads headers without end and waits for peers for ever. Here a peer that does not send the
headers of a request in time is told 408, one that sends too many of them 431 or 414, one too many
503; and whoever does not take what is sent is cut off.
"""

import json
from asyncio import TimerHandle, Transport
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from gateway.model.problem import Problem, problem
from gateway.surfaces.graphql.errors import headers_of
from gateway.surfaces.graphql.limits import ServerLimits
from gateway.surfaces.graphql.server.pipelining import OrderlyHttp
from gateway.surfaces.graphql.server.unchunked import UntilClosed

_AROUND_A_HEAD = 1024
"""The bytes of a head that count neither as URI nor as headers: its method, spaces."""

_AROUND_A_HEADER = len(b": \r\n")
_AROUND_A_CHUNK = len(b"0001\r\n.\r\n")

_LINGER_SECONDS = 1.0
"""How long a peer that was refused may take to hang up."""


class _RefusedError(Exception):
    """Stops the parser; what the peer is told is set already."""


def _answer(status: HTTPStatus, limits: ServerLimits) -> bytes:
    """A whole answer, which tells the refusal as a problem (RFC 9457)."""
    told = _told(status, limits)
    body = json.dumps(told.to_json()).encode()
    headers = {
        **headers_of(told),
        "connection": "close",
        "cache-control": "no-store",
        "content-type": "application/problem+json",
        "content-length": str(len(body)),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status.value} {status.phrase}\r\n{lines}\r\n".encode() + body


def _told(status: HTTPStatus, limits: ServerLimits) -> Problem:
    if status is HTTPStatus.REQUEST_TIMEOUT:
        detail = f"The request did not come within {limits.header_seconds:g} s. Send it at once."
        return problem("TIMEOUT", detail, status=status.value, category="validation")
    if status is HTTPStatus.REQUEST_URI_TOO_LONG:
        detail = f"The URI is longer than {limits.uri_bytes} bytes. Send the request with POST."
        return problem("URI_LIMIT_EXCEEDED", detail)
    if status is HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
        detail = (
            f"A request may have {limits.headers} headers of {limits.header_bytes} bytes together, "
            "its URI included. Send fewer or shorter ones."
        )
        return problem("HEADER_LIMIT_EXCEEDED", detail)
    detail = "This process has as many connections as it may. Nothing was read. Try again in 1 s."
    return problem("SERVICE_UNAVAILABLE", detail, retry_after=1.0)


class BoundedHttp(OrderlyHttp):
    """One connection that speaks HTTP.

    A timer runs while the peer owes the rest of a request's headers, or of a body that nobody
    reads any more. While a request is worked on, time is the application's business.
    """

    limits = ServerLimits()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._refusal: HTTPStatus | None = None
        self._is_handed_over = False
        self._in_head = True
        self._head_bytes = 0
        """What came of a head that is not whole yet."""
        self._body_bytes = 0
        """What came since the head and is neither of the body nor of a usual frame around it."""
        self._running: RequestResponseCycle | None = None
        """The request that is worked on; others may wait behind it."""
        self._owed: TimerHandle | None = None
        self._stalled: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin, unless there are too many connections."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """End with all timers, and tell every request that nobody waits for its answer."""
        for timer in (self._owed, self._stalled):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        for cycle in (self._running, *(one for one, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()

    def has_ended(self) -> bool:
        """Whether nothing more is read: the peer was refused, or speaks another protocol now."""
        return self._refusal is not None or self._is_handed_over or super().has_ended()

    def parse_part(self, data: bytes) -> None:
        """Parse a few bytes, and count those that no callback is told of."""
        if self._in_head:
            self._head_bytes += len(data)
        else:
            self._body_bytes += len(data)
        super().parse_part(data)
        if self._is_handed_over or self._refusal is not None:
            return
        if self._is_head_too_long():
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._owed is None and not self._is_busy():
            self._expect_head()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._body_bytes = 0
        if not self.flow.write_paused:  # whatever else is left unread is felt soon enough
            self._expect_no_taking()

    def on_url(self, url: bytes) -> None:
        """Take a part of the URI."""
        super().on_url(url)
        if len(self.url) > self.limits.uri_bytes:
            self._stop(HTTPStatus.REQUEST_URI_TOO_LONG)

    def on_headers_complete(self) -> None:
        """All headers are there; hold them to their bounds."""
        self._in_head = False
        self._head_bytes = 0
        self._expect_nothing()
        size = sum([len(name) + len(value) for name, value in self.headers], len(self.url))
        size += _AROUND_A_HEADER * len(self.headers)
        if len(self.headers) > self.limits.headers or size > self.limits.header_bytes:
            self._stop(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body; as much may surround it as chunks of a byte each need."""
        self._body_bytes -= _AROUND_A_CHUNK * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is there; what comes now is the head of the next."""
        self._in_head = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is written, though perhaps not taken."""
        super().on_response_complete()
        if self.transport.get_write_buffer_size():
            self._expect_taking()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over to WebSocket."""
        self._is_handed_over = True
        self._expect_nothing()
        super().handle_websocket_upgrade()

    def pause_writing(self) -> None:
        """The peer reads more slowly than is written."""
        super().pause_writing()
        self._expect_taking()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        super().resume_writing()
        self._expect_no_taking()

    def send_400_response(self, msg: str) -> None:
        """Tell why the parser stopped: it is our reason where there is one. While an earlier
        request is worked on nothing is said, as in ``_refuse``."""
        if self._refusal is None:
            if self._is_busy() and not self._is_in_its_body():
                self.transport.close()
            else:
                super().send_400_response(msg)
            self._expect_taking()
        else:
            self._refuse(self._refusal)

    def shutdown(self) -> None:
        """End gracefully, in bounded time."""
        super().shutdown()
        if self.transport.is_closing():
            self._expect_taking()

    def timeout_keep_alive_handler(self) -> None:
        """Let a peer go that sends nothing."""
        is_over = self.transport.is_closing()
        super().timeout_keep_alive_handler()
        if not is_over:
            self._expect_taking()

    def _is_in_its_body(self) -> bool:
        """Whether what is parsed is still the body of the request that is worked on, of which
        nothing was answered yet."""
        cycle: RequestResponseCycle = self.cycle
        return cycle is self._running and cycle.more_body and not cycle.response_started

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        if cycle.scope["http_version"] == "1.0":
            app = UntilClosed(app, cycle)
        super()._start_asgi_task(cycle, app)

    def _is_head_too_long(self) -> bool:
        """One endless header, or trailer behind a body, is never handed on by the parser, so that
        their bytes are counted too."""
        if self._in_head:
            is_long = self._head_bytes > self.limits.header_bytes + _AROUND_A_HEAD
            return is_long or len(self.headers or ()) > self.limits.headers
        return self._body_bytes > self.limits.header_bytes + self.limits.uri_bytes

    def _stop(self, status: HTTPStatus) -> None:
        self._refusal = status
        raise _RefusedError

    def _expect_head(self) -> None:
        self._owed = self.loop.call_later(self.limits.header_seconds, self._too_late)

    def _expect_nothing(self) -> None:
        if self._owed is not None:
            self._owed.cancel()
            self._owed = None

    def _too_late(self) -> None:
        self._owed = None
        if not self._is_busy():
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _expect_taking(self) -> None:
        if self._stalled is None:
            self._stalled = self.loop.call_later(self.limits.write_seconds, self._cut)

    def _expect_no_taking(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _cut(self) -> None:
        self._stalled = None
        if self.transport.is_closing() or self.transport.get_write_buffer_size():
            self.transport.abort()

    def _refuse(self, status: HTTPStatus) -> None:
        """Say why and close. While an earlier request is worked on nothing is said, for it would be
        taken for that one's answer."""
        self._refusal = status
        self._expect_nothing()
        if self.transport.is_closing():
            return
        is_lingering = False
        if not self._is_busy():
            self.transport.write(_answer(status, self.limits))
            is_lingering = status is not HTTPStatus.SERVICE_UNAVAILABLE
        if is_lingering and self.transport.can_write_eof():
            # A peer that is still sending would lose the answer if the socket closed at once.
            self.transport.write_eof()
            self.loop.call_later(_LINGER_SECONDS, self.transport.close)
        else:
            self.transport.close()
        self._expect_taking()
