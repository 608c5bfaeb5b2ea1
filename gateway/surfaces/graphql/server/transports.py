"""uvicorn's protocols with what connections that stay open need and ASGI has no word for.

A server passes ``server_options()`` to ``uvicorn.Config``. The doors work behind any other ASGI
server too; there a peer that stops reading is only let go, not cut off.
"""

import logging
from collections.abc import Callable
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode
from websockets.http11 import Request

from gateway.surfaces.graphql.limits import ConnectionLimits, ServerLimits
from gateway.surfaces.graphql.server.allowance import Allowance
from gateway.surfaces.graphql.server.quick import QuickHttp

_ABORT = "gateway.abort"
"""The ASGI extension by which an application cuts a connection without waiting for the peer."""

_CLOSE_SECONDS = 5.0
"""How long a peer may take to answer a closing frame, and to read what was sent before."""

_TOO_MANY = 4429
"""What graphql-transport-ws closes sockets with for too many of something."""

_FRAMES_A_MESSAGE = 10
"""How many frames a peer may send where it may send one message. Pings and the parts of messages
take time that no message shows."""

_SLICE = 2048
"""So many bytes are taken at once: frames may have six, and are counted once they are read."""

_log = logging.getLogger("gateway.websocket")
_log.setLevel(logging.WARNING)  # uvicorn tells each opened socket, with its query string


def server_options(
    limits: ConnectionLimits | None = None, bounds: ServerLimits | None = None
) -> dict[str, Any]:
    """The arguments of ``uvicorn.Config`` for a server of this door, within ``bounds``.

    Compression is off: it costs memory for each socket, and secrets beside chosen text leak
    through it. uvicorn's pings are off, because the door sends its own. So are the headers by which
    a proxy tells whom it forwards: nothing here goes by the address or the scheme of a caller.
    """
    within, sockets = bounds or ServerLimits(), limits or ConnectionLimits()
    return {
        "http": type("Http", (CuttableHttp,), {"limits": within}),
        "proxy_headers": False,
        "timeout_keep_alive": within.keep_alive_seconds,
        "ws": type("WebSocket", (CuttableWebSocket,), {"limits": sockets}),
        "ws_max_size": sockets.message_bytes,
        "ws_ping_interval": None,
        "ws_per_message_deflate": False,
    }


def aborter(scope: Scope) -> Callable[[], None]:
    """What cuts the connection of ``scope``; it does nothing where the server has no such thing."""
    found: dict[str, Callable[[], None]] = (scope.get("extensions") or {}).get(_ABORT, {})
    return found.get("abort", lambda: None)


class CuttableHttp(QuickHttp):
    """HTTP/1.1 within bounds, whose connection the application may cut."""

    def on_message_begin(self) -> None:
        """Offer the extension to the request that begins."""
        super().on_message_begin()
        self.scope["extensions"] = {_ABORT: {"abort": self.transport.abort}}


class CuttableWebSocket(WebSocketsSansIOProtocol):
    """WebSocket whose connection the application may cut, and that never waits for a stalled peer.

    A transport that is closed first writes what it still holds. Against a peer that does not read
    this takes for ever, so that each closing here ends in a cut.
    """

    limits = ConnectionLimits()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.logger = _log
        self.close_timeout = _CLOSE_SECONDS
        self._frames = Allowance(_FRAMES_A_MESSAGE * self.limits.messages)

    def data_received(self, data: bytes) -> None:
        """Take what came, as far as it is not too much. An upgrade that cannot be read is refused
        and its connection closed: uvicorn would keep both the refusal and the connection, for
        ever."""
        for start in range(0, len(data), _SLICE):
            if not self.transport.is_closing():
                super().data_received(data[start : start + _SLICE])
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.handshake_initiated = self.handshake_complete = self.close_sent = True
            self.transport.write(b"".join(self.conn.data_to_send()))
            self._cut_later()
            self.transport.close()

    def handle_connect(self, event: Request) -> None:
        """Offer the extension to the application, which starts with this event."""
        super().handle_connect(event)
        if self.response.status_code == 101 and self.scope["extensions"] is not None:
            self.scope["extensions"][_ABORT] = {"abort": self.transport.abort}

    def send_receive_event_to_app(self) -> None:
        """Hand on a message; close with 1007 what is no UTF-8 (RFC 6455, section 8.1)."""
        if not self._may_send():
            self.frames = []
        elif self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            self.frames = []
            if not self.close_sent:
                self.conn.fail(CloseCode.INVALID_DATA, "The message is not UTF-8")
                self.handle_parser_exception()
        else:
            super().send_receive_event_to_app()

    def handle_cont(self, event: Any) -> None:
        """Take a part of a message."""
        if self._may_send():
            super().handle_cont(event)

    def handle_pong(self, event: Any) -> None:
        """Take an answer to a ping, asked for or not."""
        if self._may_send():
            super().handle_pong(event)

    def handle_ping(self) -> None:
        """Answer a ping, unless the peer does not read: its answers would be kept without end."""
        if not self._may_send():
            return
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    async def send(self, message: Any) -> None:
        """Send; once the closing frame is out, the peer has a while to answer it.

        Raises:
            ClientDisconnected: the socket is closed already, as for a frame that breaks the
                protocol, of which the application learns later.
        """
        await self.writable.wait()
        if self.close_sent:
            raise ClientDisconnected
        await super().send(message)
        if message["type"] == "websocket.close":
            self._cut_later()

    def handle_close(self, event: Any) -> None:
        """Answer the peer's closing frame."""
        super().handle_close(event)
        self._cut_later()

    def handle_parser_exception(self) -> None:
        """Close the socket of who broke the protocol."""
        super().handle_parser_exception()
        self._cut_later()

    def _may_send(self) -> bool:
        """Count a frame; close the socket of who sends too many, or whose they were."""
        if self.transport.is_closing():
            return False
        if self._frames.take():
            return True
        self.conn.fail(_TOO_MANY, "Too many frames: send fewer pings, and messages in fewer parts")
        if self.conn.close_sent is None:  # there is no socket yet
            self.transport.abort()
        else:
            self.handle_parser_exception()
        return False

    def _cut_later(self) -> None:
        self.loop.call_later(self.close_timeout, self.transport.abort)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
