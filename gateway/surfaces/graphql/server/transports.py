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
from gateway.surfaces.graphql.server.quick import QuickHttp

_ABORT = "gateway.abort"
"""The ASGI extension by which an application cuts a connection without waiting for the peer."""

_CLOSE_SECONDS = 5.0
"""How long a peer may take to answer a closing frame, and to read what was sent before."""

_log = logging.getLogger("gateway.websocket")
_log.setLevel(logging.WARNING)  # uvicorn tells each opened socket, with its query string


def server_options(
    limits: ConnectionLimits | None = None, bounds: ServerLimits | None = None
) -> dict[str, Any]:
    """The arguments of ``uvicorn.Config`` for a server of this door, within ``bounds``.

    Compression is off: it costs memory for each socket, and secrets beside chosen text leak
    through it. uvicorn's pings are off, because the door sends its own.
    """
    within = bounds or ServerLimits()
    return {
        "http": type("Http", (CuttableHttp,), {"limits": within}),
        "timeout_keep_alive": within.keep_alive_seconds,
        "ws": CuttableWebSocket,
        "ws_max_size": (limits or ConnectionLimits()).message_bytes,
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

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.logger = _log
        self.close_timeout = _CLOSE_SECONDS

    def data_received(self, data: bytes) -> None:
        """Take what came. An upgrade that cannot be read is refused and its connection closed:
        uvicorn would keep both the refusal and the connection, for ever."""
        super().data_received(data)
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
        if self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            self.frames = []
            if not self.close_sent:
                self.conn.fail(CloseCode.INVALID_DATA, "The message is not UTF-8")
                self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    def handle_ping(self) -> None:
        """Answer a ping, unless the peer does not read: its answers would be kept without end."""
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

    def _cut_later(self) -> None:
        self.loop.call_later(self.close_timeout, self.transport.abort)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
