"""Connections that stay open: heartbeats, peers that do not read, caps, and the end of all."""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import Message

from gateway.model.principal import ANONYMOUS
from gateway.model.problem import ProblemError
from gateway.surfaces.graphql import ConnectionLimits, Connections
from gateway.surfaces.graphql.server.lifetime import PeerGoneError
from tests.unit.graphql.live import TRUSTED, WATCH, Live, event, eventually, run

AS_STREAM = {"accept": "text/event-stream", "authorization": "Bearer olga"}
LARGE = "x" * 50_000


def test_a_peer_that_answers_pings_stays_and_one_that_does_not_is_closed() -> None:
    async def story(live: Live) -> None:
        async with live.client() as awake, live.client() as silent:
            await awake.subscribe()
            for _ in range(6):
                assert await awake.read() == {"type": "ping"}
                await awake.send({"type": "pong"})
            assert await silent.closed() == (4499, "Terminated: no answer to pings")
            live.feed.give(event(1))
            assert (await awake.read())["type"] in ("next", "ping")

    run(story, heartbeat_seconds=0.05)


@contextlib.asynccontextmanager
async def deaf(port: int, request: bytes, more: bytes) -> AsyncIterator[socket.socket]:
    """A connection that sends ``request``, reads the head of the answer, sends ``more``, and then
    reads nothing."""
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await loop.sock_connect(connection, ("127.0.0.1", port))
        await loop.sock_sendall(connection, request)
        assert b"HTTP/1.1" in await loop.sock_recv(connection, 200)
        await loop.sock_sendall(connection, more)
        yield connection


async def read_all(connection: socket.socket) -> None:
    """Read until there is no connection any more."""
    with contextlib.suppress(ConnectionResetError):
        while await asyncio.get_running_loop().sock_recv(connection, 65_536):
            pass


def frame(text: str) -> bytes:
    """A masked text frame (RFC 6455, section 5.2); the mask is zero."""
    raw = text.encode()
    assert len(raw) > 125
    return b"\x81\xfe" + struct.pack("!H", len(raw)) + bytes(4) + raw


UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: gateway\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
PADDING = " " * 130
SUBSCRIBE = frame(f'{{"type": "connection_init"}}{PADDING}') + frame(
    f'{{"id": "1", "type": "subscribe", "payload": {{"query": "{WATCH}"}}}}{PADDING}'
)
BODY = f'{{"query": "{WATCH}"}}'.encode()
POST = (
    b"POST /graphql HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
    b"Accept: text/event-stream\r\nContent-Length: " + str(len(BODY)).encode() + b"\r\n\r\n" + BODY
)
SOCKET, STREAM = (UPGRADE, SUBSCRIBE), (POST, b"")


@pytest.mark.parametrize("ask", [SOCKET, STREAM], ids=["socket", "stream"])
def test_who_does_not_read_is_cut_off_and_its_subscription_freed(ask: tuple[bytes, bytes]) -> None:
    async def story(live: Live) -> None:
        async with deaf(live.port, *ask) as peer:
            await live.feed.has(1)
            began = time.monotonic()
            while live.feed.listening:
                live.feed.give(event(1, text=LARGE))
                await asyncio.sleep(0.01)
                assert time.monotonic() < began + 25
            await eventually(lambda: not live.state.connections)
            await eventually(lambda: len(live.connections) == 0)
            async with asyncio.timeout(25):
                await read_all(peer)

    run(story, send_seconds=0.3)


@pytest.mark.parametrize("ask", [SOCKET, STREAM], ids=["socket", "stream"])
def test_who_vanishes_is_forgotten(ask: tuple[bytes, bytes]) -> None:
    async def story(live: Live) -> None:
        async with deaf(live.port, *ask) as peer:
            await live.feed.has(1)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await live.feed.has(0)
        await eventually(lambda: len(live.connections) == 0)

    run(story)


def test_who_neither_answers_nor_reads_is_closed_and_then_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.surfaces.graphql.server.transports._CLOSE_SECONDS", 0.2)

    async def story(live: Live) -> None:
        async with deaf(live.port, *SOCKET) as peer:
            await live.feed.has(1)
            live.feed.give(event(1, text=LARGE))  # less than would stop the sending
            await live.feed.has(0)
            await eventually(lambda: not live.state.connections)
            async with asyncio.timeout(25):
                await read_all(peer)

    run(story, heartbeat_seconds=0.1)


def test_a_slow_peer_does_not_hold_up_the_others() -> None:
    async def story(live: Live) -> None:
        async with live.client() as quick, deaf(live.port, *SOCKET):
            await live.feed.has(1)
            await quick.subscribe()
            await live.feed.has(2)
            for number in range(100):
                live.feed.give(event(number, text=LARGE))
                while (await quick.read())["type"] != "next":
                    pass
            await live.feed.has(1)

    run(story, send_seconds=4)


def test_a_principal_has_so_many_connections_of_both_kinds_and_no_more() -> None:
    async def story(live: Live) -> None:
        async with live.client("olga"), live.client("olga"), live.raw() as third:
            init = {"type": "connection_init", "payload": {"authorization": "Bearer olga"}}
            await third.send(init)
            code, reason = await third.closed()
            assert code == 1013
            assert "You have 2 open connections" in reason
            async with httpx.AsyncClient(verify=TRUSTED) as http:
                answer = await http.post(live.url, json={"query": WATCH}, headers=AS_STREAM)
                assert answer.status_code == 429
                assert answer.headers["retry-after"] == "5"
                (error,) = answer.json()["errors"]
                assert error["extensions"]["code"] == "RATE_LIMITED"
            async with live.client("hans"):
                pass
        await eventually(lambda: len(live.connections) == 0)
        async with live.client("olga"):
            pass

    run(story, connections_each=2)


def test_a_process_has_so_many_connections_and_no_more() -> None:
    async def story(live: Live) -> None:
        async with live.client("olga"), live.raw():
            await eventually(lambda: len(live.connections) == 2)
            async with live.raw() as third:
                code, reason = await third.closed()
                assert code == 1013
                assert "Try again later" in reason
            async with httpx.AsyncClient(verify=TRUSTED) as http:
                answer = await http.post(live.url, json={"query": WATCH}, headers=AS_STREAM)
                assert answer.status_code == 503

    run(story, connections=2)


def test_draining_ends_sockets_and_streams_at_once_and_admits_nobody() -> None:
    async def story(live: Live) -> None:
        async with (
            live.client() as one,
            live.raw() as mute,
            httpx.AsyncClient(verify=TRUSTED) as http,
            http.stream("POST", live.url, json={"query": WATCH}, headers=AS_STREAM) as stream,
        ):
            await one.subscribe()
            await live.feed.has(2)
            began = time.monotonic()
            await live.connections.drain(60)
            assert time.monotonic() - began < 30
            for client in (one, mute):
                code, reason = await client.closed()
                assert code == 1001
                assert "The gateway is stopping." in reason
            told = (await stream.aread()).decode()
            assert '"code":"SERVICE_UNAVAILABLE"' in told
            assert told.endswith("event: complete\ndata: \n\n")
            assert live.feed.listening == []
            async with live.raw() as late:
                assert (await late.closed())[0] == 1001
            refused = await http.post(live.url, json={"query": WATCH}, headers=AS_STREAM)
            assert refused.status_code == 503

    run(story)


def test_draining_cuts_off_who_does_not_read() -> None:
    async def story(live: Live) -> None:
        async with deaf(live.port, *SOCKET), deaf(live.port, *STREAM):
            await live.feed.has(2)
            for _ in range(100):
                live.feed.give(event(1, text=LARGE))
            await asyncio.sleep(0.2)
            began = time.monotonic()
            await live.connections.drain(0.2)
            assert time.monotonic() - began < 25
            await live.feed.has(0)
            await eventually(lambda: len(live.connections) == 0)

    run(story, send_seconds=30)


def test_a_token_that_cannot_be_looked_at_again_ends_its_connections() -> None:
    async def story(live: Live) -> None:
        async with (
            live.client() as client,
            httpx.AsyncClient(verify=TRUSTED) as http,
            http.stream("POST", live.url, json={"query": WATCH}, headers=AS_STREAM) as stream,
        ):
            await client.subscribe()
            await live.feed.has(2)
            live.tokens.is_broken = True
            code, reason = await client.closed()
            assert code == 4500
            assert "secret-word" not in reason
            told = (await stream.aread()).decode()
            assert '"code":"INTERNAL_ERROR"' in told
            assert "secret-word" not in told
        await live.feed.has(0)

    run(story, recheck_seconds=0.2)


def test_many_idle_subscribers_cost_little() -> None:
    async def story(live: Live) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for number in range(200):
                client = await stack.enter_async_context(live.client(f"u{number % 10}"))
                await client.subscribe()
            await live.feed.has(200)
            spent = time.thread_time()
            await asyncio.sleep(0.5)
            spent = time.thread_time() - spent
            assert spent < 0.05, f"{spent:.3f} s of CPU in 0.5 s, clients included"

    run(story)


def test_without_a_server_that_can_cut_a_slow_peer_is_let_go() -> None:
    async def stuck(_message: Message) -> None:
        await asyncio.sleep(60)

    async def go() -> None:
        connections = Connections(ConnectionLimits(send_seconds=0.01))
        with connections.admit({"type": "websocket"}, stuck, ANONYMOUS) as connection:
            for _ in range(2):
                with pytest.raises(PeerGoneError):
                    await connection.send_json({"type": "ping"})
            assert len(connections) == 1
        assert len(connections) == 0

    asyncio.run(go())


def test_a_refused_claim_leaves_nothing_behind() -> None:
    async def send(_message: Message) -> None:
        pass

    async def go() -> None:
        connections = Connections(ConnectionLimits(connections_each=1))
        with connections.admit({}, send, ANONYMOUS):
            with pytest.raises(ProblemError, match="RATE_LIMITED"):
                connections.admit({}, send, ANONYMOUS)
            assert len(connections) == 1
        with connections.admit({}, send, ANONYMOUS):
            pass

    asyncio.run(go())
