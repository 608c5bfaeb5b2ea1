"""GraphQL over WebSocket: the subprotocol graphql-transport-ws, and no other.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. Queries and mutations work here
as they do over HTTP, through the same guards and the same pipeline.

There is no check of the Origin header: a page of another origin can open a socket in a visitor's
browser, but the gateway knows no cookies, so the page speaks with its own credentials or none.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.types import Message, Receive, Scope, Send

from gateway.model.problem import Problem, ProblemError
from gateway.surfaces.graphql.errors import internal_problem
from gateway.surfaces.graphql.requests.headers import RequestHeaders, request_id
from gateway.surfaces.graphql.server.allowance import Allowance
from gateway.surfaces.graphql.server.lifetime import Connection, PeerGoneError, is_stopping
from gateway.surfaces.graphql.service import Service
from gateway.surfaces.graphql.sockets.messages import (
    SUBPROTOCOL,
    ClientMessage,
    CloseError,
    Received,
    authorization_of,
    read_message,
)
from gateway.surfaces.graphql.sockets.operations import SocketOperations

_SILENT_BEATS = 2


class SocketEndpoint:
    """An ASGI application that serves operations over WebSockets."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket until it is closed."""
        await receive()  # websocket.connect
        is_ours = SUBPROTOCOL in scope["subprotocols"]
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if is_ours else None})
        with contextlib.suppress(OSError):  # what servers raise when the peer is gone already
            if not is_ours:
                await send(_closing(4406, f"Subprotocol not acceptable: use {SUBPROTOCOL}"))
                return
            try:
                with self._service.connections.admit(scope, send) as connection:
                    await Socket(self._service, connection, scope, receive).serve()
            except ProblemError as refused:
                end = _ending(refused.problem)
                await send(_closing(end.code, end.reason))


class Socket:
    """One WebSocket: it reads messages, while its operations and its guards run as tasks.

    What connection_init brings as authorization goes before that of the upgrade request.
    """

    def __init__(
        self, service: Service, connection: Connection, scope: Scope, receive: Receive
    ) -> None:
        self._service = service
        self._limits = service.connections.limits
        self._connection = connection
        self._headers = RequestHeaders(scope)
        self._receive = receive
        self._operations = SocketOperations(
            service, connection, request_id(scope), self._headers.trace_id
        )
        self._allowance = Allowance(self._limits.messages)
        self._unanswered = 0
        self._guards: list[asyncio.Task[None]] = []

    async def serve(self) -> None:
        """Read until the socket is closed, by whichever side, and end all that belongs to it."""
        try:
            self._guard(partial(self._end_in_time, None))
            await self._welcome(await self._init())
            while True:
                await self._handle(await self._next())
        except CloseError as wanted:
            await self._close(wanted)
        except PeerGoneError:
            pass
        except Exception as error:  # the last line: a bug closes this socket and is logged
            internal_problem(error, "a WebSocket")
            await self._close(CloseError(4500, "Internal server error"))
        finally:
            for guard in self._guards:
                guard.cancel()
            await asyncio.gather(*self._guards, return_exceptions=True)
            await self._operations.end()

    async def _init(self) -> Received:
        """Wait for connection_init; nothing but a ping goes before it."""
        try:
            async with asyncio.timeout(self._limits.init_seconds):
                while True:
                    message = await self._next()
                    if message.type is ClientMessage.CONNECTION_INIT:
                        return message
                    if message.type is ClientMessage.SUBSCRIBE:
                        raise CloseError(4401, "Unauthorized: send connection_init first")
                    await self._handle(message)
        except TimeoutError:
            raise CloseError(4408, "Connection initialisation timeout") from None

    async def _welcome(self, init: Received) -> None:
        """Find out who it is, answer, and watch from now on over the token and the peer."""
        try:
            authorization = authorization_of(init.payload) or self._headers.single("authorization")
            self._connection.claim(await self._service.authenticate(authorization))
        except ProblemError as refused:
            raise _ending(refused.problem) from None
        self._operations.authorization = authorization
        await self._connection.send_json({"type": "connection_ack"})
        if authorization:
            self._guard(partial(self._end_in_time, authorization))
        self._guard(self._beat)

    async def _next(self) -> Received:
        message = await self._receive()
        if message["type"] == "websocket.disconnect" or self._connection.is_over:
            raise PeerGoneError
        if not self._allowance.take():
            raise CloseError(4429, f"Too many messages: {self._limits.messages:g} a second at most")
        self._unanswered = 0
        text = message.get("text")
        if text is None:
            raise CloseError(4400, "The message is binary; send text.")
        if len(text) > self._limits.message_bytes:
            raise CloseError(1009, f"The message is larger than {self._limits.message_bytes} bytes")
        return read_message(text, self._service.engine.limits)

    async def _handle(self, message: Received) -> None:
        if message.type is ClientMessage.PING:
            payload = {"payload": message.payload} if message.payload is not None else {}
            await self._connection.send_json({"type": "pong", **payload})
        elif message.type is ClientMessage.SUBSCRIBE:
            await self._operations.start(message.id, message.parameters())
        elif message.type is ClientMessage.COMPLETE:
            self._operations.stop(message.id)
        elif message.type is ClientMessage.CONNECTION_INIT:
            raise CloseError(4429, "Too many initialisation requests")

    def _guard(self, watch: Callable[[], Awaitable[CloseError]]) -> None:
        """Close the socket when ``watch`` says so."""

        async def close() -> None:
            with contextlib.suppress(PeerGoneError):
                await self._close(await watch())

        self._guards.append(asyncio.create_task(close()))

    async def _end_in_time(self, authorization: str | None) -> CloseError:
        return _ending(await self._connection.over(self._service.valid_for, authorization))

    async def _beat(self) -> CloseError:
        """Send pings; who answers none of two in a row is gone or stuck."""
        while True:
            await asyncio.sleep(self._limits.heartbeat_seconds)
            if self._unanswered == _SILENT_BEATS:
                return CloseError(4499, "Terminated: no answer to pings")
            self._unanswered += 1
            await self._connection.send_json({"type": "ping"})

    async def _close(self, wanted: CloseError) -> None:
        """Send the closing frame; the server then ends what this socket receives."""
        self._operations.stop_all()
        with contextlib.suppress(PeerGoneError):
            await self._connection.send(_closing(wanted.code, wanted.reason))


def _closing(code: int, reason: str) -> Message:
    return {"type": "websocket.close", "code": code, "reason": reason}


def _ending(told: Problem) -> CloseError:
    """How a socket is closed for a problem.

    4403 asks for another token, 1001 and 1013 for a new attempt later, the others for neither.
    """
    if told.status in (401, 403):
        return CloseError(4403, f"Forbidden: {told.detail}")
    if is_stopping(told):
        return CloseError(1001, f"Going away: {told.detail}")
    if told.retryable:
        return CloseError(1013, f"Try again later: {told.detail}")
    return CloseError(4500 if told.status >= 500 else 4400, told.detail)
