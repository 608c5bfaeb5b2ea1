"""The door behind a real server in the test's own event loop, a feed to play with, and clients."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import httpx
import pytest
import uvicorn
from graphql import GraphQLSchema
from starlette.applications import Starlette
from uvicorn.server import ServerState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from gateway.model.contract import ObjectType
from gateway.model.event import EventFilter
from gateway.model.principal import ANONYMOUS, Principal, PrincipalType
from gateway.model.problem import refuse
from gateway.surfaces.graphql import (
    ConnectionLimits,
    Connections,
    Engine,
    Limits,
    ServerLimits,
    Service,
    build_schema,
    graphql_routes,
    server_options,
)
from tests.unit.graphql.support import SHIPPED, Catalogue, FakeDoor, fields, operation

JsonObject = dict[str, Any]
SUBPROTOCOL = "graphql-transport-ws"
TRUSTED = httpx.create_ssl_context()
"""Whom clients trust: each of them would read that anew."""
WATCH = "subscription { controlPlaneEvents { cursor type payload } }"

_EVENT = ObjectType(
    "Event",
    fields(
        cursor="String!", id="ID!", type="String!", version="String!", occurredAt="DateTime!",
        workspaceId="ID!", executionId="ID", runId="ID", payload="JSONObject!",
    ),
)  # fmt: skip
_FILTER = ObjectType(
    "EventFilter", fields(executionId="ID", runId="ID", workspaceId="ID", types="[String!]")
)
_LISTED = operation(
    "controlPlane.event.list",
    given=fields(filter="EventFilter", after="String", limit="Int"),
    answer=fields(items="[Event!]!", cursor="String"),
    types=(_EVENT, _FILTER),
)
EVENT_LIST = replace(_LISTED, meta=replace(_LISTED.meta, domain="control-plane"))


@cache
def schema() -> GraphQLSchema:
    return build_schema(Catalogue({**SHIPPED, "controlPlaneEventList": EVENT_LIST}))


def event(number: int, **payload: Any) -> JsonObject:
    """An event as a feed gives it."""
    return {
        "cursor": f"{number}.0",
        "id": f"evt_{number}",
        "type": "controlPlane.execution.started",
        "version": "1.0.0",
        "occurredAt": "2026-03-01T09:30:00.000000Z",
        "workspaceId": "acme",
        "executionId": None,
        "runId": None,
        "payload": payload,
    }


@dataclass
class Feed:
    """Gives every subscriber what it is told to give, and knows who is there.

    A subscription takes ``seconds_to_end`` to let go of what it holds.
    """

    asked: list[tuple[Principal, EventFilter, str | None]] = field(default_factory=list)
    listening: list[asyncio.Queue[Any]] = field(default_factory=list)
    seconds_to_end: float = 0

    async def subscribe(
        self, principal: Principal, which: EventFilter, after: str | None, /
    ) -> AsyncIterator[JsonObject]:
        self.asked.append((principal, which, after))
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self.listening.append(queue)
        try:
            while (given := await queue.get()) is not None:
                if isinstance(given, Exception):
                    raise given
                yield given
        finally:
            if self.seconds_to_end:
                await asyncio.sleep(self.seconds_to_end)
            self.listening.remove(queue)

    def give(self, given: JsonObject | Exception | None) -> None:
        """An event; an exception, or None for the end."""
        for queue in self.listening:
            queue.put_nowait(given)

    async def has(self, count: int) -> None:
        """Wait until so many subscribers are there."""
        await eventually(lambda: len(self.listening) == count)


@dataclass
class Tokens:
    """Who holds which token; ``left`` is for how many seconds a token will be believed."""

    left: dict[str, float] = field(default_factory=dict)
    is_broken: bool = False
    revoked: set[str] = field(default_factory=set)

    async def authenticate(self, authorization: str | None, /) -> Principal:
        if authorization is None:
            return ANONYMOUS
        await self.valid_for(authorization)
        name = authorization.removeprefix("Bearer ")
        return Principal(PrincipalType.HUMAN, name, "acme", frozenset({"admin"}))

    async def valid_for(self, authorization: str | None, /) -> float | None:
        if self.is_broken:
            raise RuntimeError("secret-word")
        if authorization in self.revoked or authorization == "Bearer wrong":
            raise refuse("UNAUTHENTICATED", "The token does not hold. Get a new one.")
        left = self.left.get(authorization or "")
        if left is None:
            return None if authorization is None else 3600.0
        if left <= asyncio.get_running_loop().time():
            raise refuse("UNAUTHENTICATED", "The token has expired. Get a new one.")
        return left - asyncio.get_running_loop().time()


@dataclass
class Live:
    """A running server with everything that it serves."""

    port: int
    feed: Feed
    door: FakeDoor
    tokens: Tokens
    connections: Connections
    state: ServerState

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    @contextlib.asynccontextmanager
    async def raw(self, *protocols: str, **headers: str) -> AsyncIterator["Client"]:
        """A WebSocket; nothing has been said on it."""
        spoken = [Subprotocol(name) for name in protocols or (SUBPROTOCOL,)]
        url = f"ws://127.0.0.1:{self.port}/graphql"
        async with connect(
            url,
            subprotocols=spoken,
            additional_headers=headers,
            close_timeout=1,
            ping_interval=None,
        ) as socket:
            yield Client(socket)

    @contextlib.asynccontextmanager
    async def client(self, subject: str | None = "olga") -> AsyncIterator["Client"]:
        """A WebSocket whose connection is acknowledged."""
        async with self.raw() as client:
            payload = {"authorization": f"Bearer {subject}"} if subject else None
            await client.send({"type": "connection_init", "payload": payload})
            assert await client.read() == {"type": "connection_ack"}
            yield client


@dataclass
class Client:
    """One end of a WebSocket that speaks JSON."""

    socket: ClientConnection

    async def send(self, message: Any) -> None:
        await self.socket.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def subscribe(self, id_: str = "1", query: str = WATCH, **more: Any) -> None:
        payload = {"query": query, **more}
        await self.send({"id": id_, "type": "subscribe", "payload": payload})

    async def read(self) -> JsonObject:
        async with asyncio.timeout(25):
            message: JsonObject = json.loads(await self.socket.recv())
        return message

    async def closed(self) -> tuple[int, str]:
        """Read on until the server closes; its code and reason."""
        with pytest.raises(ConnectionClosed) as caught:
            await self._read_on()
        frame = caught.value.rcvd
        assert frame is not None, "closed without a word"
        return frame.code, frame.reason

    async def _read_on(self) -> None:
        async with asyncio.timeout(25):
            while True:
                await self.socket.recv()


async def eventually(reached: Callable[[], bool], seconds: float = 25.0) -> None:
    """Wait until ``reached``."""
    async with asyncio.timeout(seconds):
        while not reached():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def live(
    limits: ConnectionLimits | None = None,
    document_limits: Limits | None = None,
    bounds: ServerLimits | None = None,
) -> AsyncIterator[Live]:
    """A server on a free port of 127.0.0.1."""
    feed, door, tokens, connections = Feed(), FakeDoor(), Tokens(), Connections(limits)
    engine = Engine(schema(), door, subscribe=feed.subscribe, limits=document_limits)
    service = Service(engine, tokens.authenticate, tokens.valid_for, connections)
    app = Starlette(routes=graphql_routes(service))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, **server_options(connections.limits, bounds)
    )
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: config.http_protocol_class(config=config, server_state=state, app_state={}),
        "127.0.0.1",
        0,
    )  # the protocols of uvicorn without its server, which only looks up every 100 ms
    # Little room in the kernel, so that a peer that does not read is soon felt.
    server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    try:
        yield Live(server.sockets[0].getsockname()[1], feed, door, tokens, connections, state)
    finally:
        await connections.drain(1)
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        await eventually(lambda: not state.tasks and not state.connections)


def run(story: Callable[[Live], Coroutine[Any, Any, None]], **limits: Any) -> None:
    """Play ``story`` against a server with these limits of connections."""

    async def go() -> None:
        async with live(ConnectionLimits(**limits)) as server:
            await story(server)

    asyncio.run(go())
