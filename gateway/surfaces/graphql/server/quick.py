"""A quick way through uvicorn for the usual request: one whose head came before, answered at once.

Of what uvicorn does for a request, half is to find out what the head says and to check, line by
line, the head of the answer. Both are the same again and again. Whatever is not usual goes the way
that uvicorn has for it.
"""

import asyncio
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from starlette.types import Message, Scope
from uvicorn.protocols.http.httptools_impl import (
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

from gateway.surfaces.graphql.server.heads import KnownHead, known_head
from gateway.surfaces.graphql.server.protocol import BoundedHttp

_MOST_HEADS = 4
"""How many heads of a connection are looked at, and kept: a proxy sends those of several callers.
Whoever sends more of them is to pay no more."""

_SOON = 0.01
"""Seconds by which a timer may be early: loops count time in steps."""

_SAYING_NOTHING = frozenset(
    {
        *(b"cache-control", b"content-type", b"date", b"referrer-policy", b"server", b"vary"),
        *(b"content-security-policy", b"x-content-type-options", b"x-frame-options"),
        b"retry-after",
    }
)
"""Headers of answers that say nothing of whom they are for, so that they may be remembered."""


class QuickHttp(BoundedHttp):
    """HTTP/1.1 within bounds, quick where a connection's requests have one of a few heads."""

    _known: tuple[KnownHead, ...] = ()
    _tries = 0
    _is_between = True
    """Whether no byte of a message came yet that is not whole."""
    _idle_since = 0.0
    _messages = 0
    """How many messages began with the bytes that came last."""

    def data_received(self, data: bytes) -> None:
        """Begin a request whose head is known; have everything else parsed."""
        is_first = self._is_between
        if is_first and self._known and not self._is_busy() and self._has_begun(data):
            return
        self._messages = 0
        super().data_received(data)
        is_one = is_first and self._is_between and self._messages == 1
        if is_one and self._tries < _MOST_HEADS:
            self._get_to_know(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """End, and keep nothing of the requests."""
        super().connection_lost(exc)
        self._known = ()

    def _has_begun(self, data: bytes) -> bool:
        """Begin the request that ``data`` is, if its head is known and it may be answered."""
        if self._refusal is not None or self.transport.is_closing():
            return False
        for known in self._known:
            body = known.body_in(data)
            if body is not None:
                self._begin(known, body)
                return True
        return False

    def on_message_begin(self) -> None:
        """A message begins."""
        self._is_between = False
        self._messages += 1
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """A message is whole."""
        super().on_message_complete()
        self._is_between = True

    def on_quick_response(self) -> None:
        """The answer to a request whose head was known is written.

        No timer is set for each: one looks from time to time for how long nothing came.
        """
        if self.pipeline or self.transport.is_closing():
            self.on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_later(self.timeout_keep_alive)
        if self.transport.get_write_buffer_size():
            self._expect_taking()

    def on_response_complete(self) -> None:
        """The answer to any other request is written; this sets a timer."""
        super().on_response_complete()
        self._idle_since = self.loop.time()

    def timeout_keep_alive_handler(self) -> None:
        """Let a peer go that sent nothing for long; a timer may be older than the last request."""
        self.timeout_keep_alive_task = None
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > _SOON:
            self._look_later(left)
        elif not self._is_busy():
            super().timeout_keep_alive_handler()

    def _look_later(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )

    def _get_to_know(self, data: bytes) -> None:
        """Look at the head of a request that came at once, and alone."""
        if any(known.body_in(data) is not None for known in self._known):
            return  # it came while another was answered
        self._tries += 1
        cycle: RequestResponseCycle | None = self.cycle
        is_kept = cycle is not None and cycle.keep_alive and self.limit_concurrency is None
        if is_kept and not self.access_log and self._refusal is None:
            known = known_head(data, self.url, dict(self.scope))
            if known is not None:
                self._known += (known,)

    def _begin(self, known: KnownHead, body: bytes) -> None:
        if self._owed is not None:
            self._expect_nothing()
        if self._stalled is not None and not self.flow.write_paused:
            self._expect_no_taking()
        self._head_bytes = 0
        self.cycle = _QuickCycle(self, known.scope(self.app_state.copy()), body)
        self._start_asgi_task(self.cycle, self.app)


class _QuickCycle(RequestResponseCycle):
    """A request that is whole, and its answer: written at once where its length is announced."""

    access_log = False
    disconnected = False
    keep_alive = True
    waiting_for_100_continue = False
    more_body = False
    response_started = False
    response_complete = False
    chunked_encoding: bool | None = None
    expected_content_length = 0
    _held: "_Held | None" = None
    _event: asyncio.Event | None = None

    def __init__(self, protocol: QuickHttp, scope: Scope, body: bytes) -> None:
        self.scope = scope  # type: ignore[assignment]  # Starlette's word for uvicorn's
        self.body = body  # type: ignore[assignment]  # nothing is added to it
        self.transport = protocol.transport
        self.flow = protocol.flow
        self.logger = protocol.logger
        self.default_headers = protocol.server_state.default_headers
        self.on_response = protocol.on_quick_response
        self._is_taken = False

    @property
    def message_event(self) -> asyncio.Event:  # type: ignore[override]  # made when it is needed
        """What tells a waiting application that the connection ended."""
        if self._event is None:
            self._event = asyncio.Event()
        return self._event

    async def receive(self) -> Any:
        """The request, then the end of the connection."""
        if self._is_taken or self.disconnected:
            return await super().receive()
        self._is_taken = True
        body, self.body = self.body, b""  # type: ignore[assignment]  # nobody asks for it again
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Any) -> None:
        """Take a part of the answer."""
        held, self._held = self._held, None
        is_start = message["type"] == "http.response.start"
        if held is not None:
            if self.flow.write_paused and not self.disconnected:
                await self.flow.drain()
            if not is_start and self._is_written(held, message):
                return
            await super().send(held.start)  # type: ignore[arg-type]  # Starlette says less of it
        elif is_start and not self.response_started and self.keep_alive:
            self._held = _held(message, self.default_headers)
            if self._held is not None:
                return
        await super().send(message)

    def _is_written(self, held: "_Held", message: Message) -> bool:
        """Write the whole answer, if this is all of its body and somebody is there, who may go on
        with this connection: it may have been told to end since the answer began."""
        body = message.get("body", b"")
        if self.disconnected or message.get("more_body") or len(body) != held.length:
            return False
        if not self.keep_alive:
            return False
        self.response_started = self.response_complete = True
        self.transport.write(held.head + body)
        if self._event is not None:
            self._event.set()
        self.on_response()
        return True


class _Held(NamedTuple):
    """An answer that is held back until its body is there: how it starts, that as bytes, how long
    its body is."""

    start: Message
    head: bytes
    length: int


def _held(start: Message, defaults: Iterable[tuple[bytes, bytes]]) -> _Held | None:
    """An answer to hold back, if its length is announced first and its headers are usual."""
    headers = start.get("headers")
    if type(headers) is not list or not headers:
        return None
    (name, size), *others = headers
    if name != b"content-length" or not size.isdigit():
        return None
    try:
        lines = _lines(start["status"], (*defaults, *others))
    except TypeError:  # a header that is no tuple
        return None
    if lines is None:
        return None
    return _Held(start, b"%bcontent-length: %b\r\n\r\n" % (lines, size), int(size))


@lru_cache(maxsize=256)
def _lines(status: int, headers: tuple[tuple[bytes, bytes], ...]) -> bytes | None:
    """The status line and headers as they are written; None if one is not usual.

    Raises:
        RuntimeError: as uvicorn, for a value that would be more than one header.
    """
    if not _SAYING_NOTHING.issuperset(name for name, _ in headers):
        return None
    if any(HEADER_VALUE_RE.search(value) for _, value in headers):
        raise RuntimeError("Invalid HTTP header value.")
    lines = [b"%b: %b\r\n" % header for header in headers]
    return b"".join([STATUS_LINE[status], *lines])
