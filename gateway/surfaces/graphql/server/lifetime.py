"""Connections that stay open: how many there may be, how long each may last, how all end.

WebSockets and event streams are admitted here alike. A connection ends when its token does, when
its peer does not read, and when the gateway stops, so that neither a stopping process nor a
stalled peer holds the other.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable

from starlette.types import Message, Scope, Send

from gateway.model.json import JsonObject
from gateway.model.principal import Principal
from gateway.model.problem import Problem, ProblemError, problem, refuse
from gateway.surfaces.graphql.door import ValidFor
from gateway.surfaces.graphql.encoding import encode
from gateway.surfaces.graphql.errors import internal_problem
from gateway.surfaces.graphql.limits import ConnectionLimits
from gateway.surfaces.graphql.server.transports import aborter
from gateway.telemetry import metrics

_RETRY_SECONDS = 5.0
_STOPPING = problem(
    "SERVICE_UNAVAILABLE",
    "The gateway is stopping. Connect again; subscriptions go on from their cursor.",
    retry_after=_RETRY_SECONDS,
)
_Holder = tuple[str, str, str]


def is_stopping(told: Problem) -> bool:
    """True where connections end because the gateway stops."""
    return told is _STOPPING


class PeerGoneError(Exception):
    """The connection is no more, or was cut because its peer did not read."""


class Connections:
    """The open connections of this process."""

    def __init__(self, limits: ConnectionLimits | None = None) -> None:
        self.limits = limits or ConnectionLimits()
        self._open: set[Connection] = set()
        self._holders: dict[Connection, _Holder] = {}
        self._held: Counter[_Holder] = Counter()
        self._is_stopping = False
        self._none_left = asyncio.Event()

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, scope: Scope, send: Send, principal: Principal | None = None) -> "Connection":
        """A connection, which counts until the ``with`` over it ends.

        Without a ``principal`` it is to be claimed for one later.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE while the gateway stops or has too many; as ``claim``.
        """
        if self._is_stopping:
            raise ProblemError(_STOPPING)
        if len(self._open) >= self.limits.connections:
            metrics.overload.add("connections")
            detail = "This process has as many open connections as it may. Try again later."
            raise refuse("SERVICE_UNAVAILABLE", detail, retry_after=_RETRY_SECONDS)
        connection = Connection(self, send, aborter(scope))
        if principal:
            self.claim(connection, principal)
        self._open.add(connection)
        return connection

    def claim(self, connection: "Connection", principal: Principal) -> None:
        """Count a connection as the principal's until it ends.

        Raises:
            ProblemError: RATE_LIMITED where the principal has too many.
        """
        holder = (principal.workspace, principal.type.value, principal.subject)
        if self._held[holder] >= self.limits.connections_each:
            detail = (
                f"You have {self.limits.connections_each} open connections, which is the most. "
                "Close some, or run several subscriptions on one WebSocket."
            )
            raise refuse("RATE_LIMITED", detail, retry_after=_RETRY_SECONDS)
        self._held[holder] += 1
        self._holders[connection] = holder

    def release(self, connection: "Connection") -> None:
        """Count a connection no longer."""
        self._open.discard(connection)
        holder = self._holders.pop(connection, None)
        if holder is not None:
            self._held[holder] -= 1
            if not self._held[holder]:
                del self._held[holder]
        if not self._open:
            self._none_left.set()

    async def drain(self, seconds: float = 2.0) -> None:
        """Admit nobody any more, end every connection, and cut those still there after a while."""
        self._is_stopping = True
        for connection in tuple(self._open):
            connection.stop(_STOPPING)
        if self._open:
            self._none_left.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._none_left.wait(), seconds)
        for connection in tuple(self._open):
            connection.abort()


class Connection:
    """One connection that stays open; it counts until the ``with`` over it ends."""

    def __init__(self, connections: Connections, send: Send, abort: Callable[[], None]) -> None:
        self.abort = abort
        self.is_over = False
        self._connections = connections
        self._send = send
        self._stopped: asyncio.Future[Problem] = asyncio.get_running_loop().create_future()

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self._connections.release(self)

    def claim(self, principal: Principal) -> None:
        """Count this connection as the principal's.

        Raises:
            ProblemError: RATE_LIMITED where the principal has too many.
        """
        self._connections.claim(self, principal)

    def stop(self, told: Problem) -> None:
        """Have this connection end because of ``told``."""
        if not self._stopped.done():
            self._stopped.set_result(told)

    async def over(self, valid_for: ValidFor, authorization: str | None) -> Problem:
        """Wait until this connection must end; why it must.

        That is when it is stopped, or when the token of ``authorization`` is no longer believed:
        at its end to the second, and after a revocation within ``recheck_seconds``.
        """
        most = self._connections.limits.recheck_seconds
        while True:
            try:
                left = await valid_for(authorization)
            except ProblemError as refused:
                return refused.problem
            except Exception as error:  # who cannot be looked at again may not stay
                return internal_problem(error, "a token")
            seconds = most if left is None else min(most, max(left, 0.01))
            await asyncio.wait([self._stopped], timeout=seconds)
            if self._stopped.done():
                return self._stopped.result()

    async def send_json(self, message: JsonObject) -> None:
        """Send a text frame. Raises as ``send``."""
        await self.send({"type": "websocket.send", "text": encode(message).decode()})

    async def send(self, message: Message) -> None:
        """Send one ASGI message; one that closes the socket is the last.

        Raises:
            PeerGoneError: there is no connection, or no longer: one whose peer does not take
                what is sent within ``send_seconds`` is cut.
        """
        if self.is_over:
            raise PeerGoneError
        self.is_over = message["type"] == "websocket.close"
        try:
            async with asyncio.timeout(self._connections.limits.send_seconds):
                await self._send(message)
        except TimeoutError:
            self.is_over = True
            self.abort()
            raise PeerGoneError from None
        except OSError:  # what servers raise once the connection is gone
            raise PeerGoneError from None
