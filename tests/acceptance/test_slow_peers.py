"""Peers that are slow on purpose: slow heads, bodies and readers, and the idle."""

import asyncio
import contextlib
import json
import signal
import socket
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import get_introspection_query
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.acceptance.besieging import Bystander, Process
from tests.world import World, end_world, make_world

MANY = 60
TIMES = {
    **dict.fromkeys(("BODY", "INIT", "SEND"), "1"),
    **dict.fromkeys(("HEADER", "WRITE", "KEEP_ALIVE"), "3"),  # all must have connected by then
}
SETTINGS = {f"GATEWAY_{name}_SECONDS": seconds for name, seconds in TIMES.items()}
PATIENCE = 20.0
"""Seconds within which every slow peer is to be gone; the machine of a test has others to serve."""

HEAD = b"POST /graphql HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
BODY = json.dumps({"query": get_introspection_query()}).encode()

QUESTION = json.dumps({"query": "subscription { controlPlaneEvents { id } }"}).encode()
WATCH = HEAD + b"accept: text/event-stream\r\n"


def slow_world(folder: Path) -> World:
    world = make_world(folder, GATEWAY_MAX_CONNECTIONS="200", **SETTINGS)
    world.submit()
    return world


@pytest.fixture(scope="module")
def slowed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = slow_world(tmp_path_factory.mktemp("slowed"))
    yield world
    end_world(world)


class Siege:
    """Peers of one server."""

    def __init__(self, world: World) -> None:
        host, port = world.gateway.url.removeprefix("http://").split(":")
        self.address = (host, int(port))
        self.url = f"ws://{host}:{port}/graphql"
        self.deaf_peers: list[socket.socket] = []
        token = f"authorization: Bearer {world.olga.token}\r\n".encode()
        self.large = HEAD + token + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
        """The whole schema, which is shown to administrators."""

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection(*self.address, limit=4096)
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def trickle(self, first: bytes) -> bytes:
        """Send ``first``, then a byte from time to time, until there is an answer."""
        async with self.open() as (reader, writer):
            writer.write(first)
            answer = asyncio.ensure_future(reader.read(500))
            while not answer.done():
                writer.write(b"a")
                await asyncio.wait([answer], timeout=0.2)
            return await answer

    async def idle(self) -> bytes:
        """Send nothing; what the server says in the end."""
        async with self.open() as (reader, _):
            return await reader.read(500)

    async def deaf(self) -> None:
        """Ask for something large and read nothing, until ``hang_up``."""
        loop = asyncio.get_running_loop()
        connection = socket.socket()
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await loop.sock_connect(connection, self.address)
        self.deaf_peers.append(connection)
        await loop.sock_sendall(connection, self.large * 3)

    def hang_up(self) -> None:
        """Close the sockets of those who read nothing."""
        for connection in self.deaf_peers:
            connection.close()


def besiege(
    world: World, story: Coroutine[Any, Any, None], capsys: pytest.CaptureFixture[str], what: str
) -> None:
    """Play ``story`` while another client is served; afterwards all is as before."""
    assert world.gateway.process is not None
    process = Process(world.gateway.process.pid)
    logged, sockets, memory = len(world.gateway.log()), process.sockets(), process.memory()
    bystander = Bystander(world.gateway.caller("olga", "admin"))
    began = time.monotonic()
    with bystander.asking():
        asyncio.run(asyncio.wait_for(story, 60))
        while process.sockets() > sockets + 2:
            assert time.monotonic() - began < PATIENCE, "slow peers were not cut off"
            time.sleep(0.05)
    grown = (process.memory() - memory) / 2**20
    with capsys.disabled():
        print(  # noqa: T201 - the figures are what one runs this for
            f"\n{what}: memory +{grown:.0f} MB; another client meanwhile: {bystander.told()}"
        )
    assert bystander.failures == []
    assert grown < 100
    assert "Traceback" not in world.gateway.log()[logged:]
    assert '"level":"error"' not in world.gateway.log()[logged:]


@pytest.mark.parametrize(
    ("what", "first"),
    [
        ("slow heads", HEAD),
        ("slow request lines", b"GET /"),
        ("slow header names", HEAD + b"X"),
        ("slow bodies", HEAD + b"Content-Length: 1000\r\n\r\n"),
        ("slow chunks", HEAD + b"Transfer-Encoding: chunked\r\n\r\n1000\r\n"),
    ],
)
def test_who_sends_slowly_is_told_408(
    slowed: World, capsys: pytest.CaptureFixture[str], what: str, first: bytes
) -> None:
    async def story() -> None:
        siege = Siege(slowed)
        answers = await asyncio.gather(*(siege.trickle(first) for _ in range(MANY)))
        assert {answer.split(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 408 Request Timeout"}

    besiege(slowed, story(), capsys, f"{MANY} {what}")


def test_who_reads_nothing_is_cut_off(slowed: World, capsys: pytest.CaptureFixture[str]) -> None:
    siege = Siege(slowed)
    assert slowed.gateway.process is not None
    process = Process(slowed.gateway.process.pid)
    before = process.sockets()

    async def story() -> None:
        await asyncio.gather(*(siege.deaf() for _ in range(10)))
        # The server takes them when it comes to that; nothing tells when it did.
        while process.sockets() < before + 10:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    try:
        besiege(slowed, story(), capsys, "10 that read nothing")
    finally:
        siege.hang_up()


def test_many_idle_connections_end_and_those_above_the_limit_are_told_503(
    slowed: World, capsys: pytest.CaptureFixture[str]
) -> None:
    async def story() -> None:
        siege = Siege(slowed)
        answers = await asyncio.gather(*(siege.idle() for _ in range(250)))
        told = [answer.split(b" ")[1:2] for answer in answers]
        assert told.count([b"408"]) > 150
        assert told.count([b"503"]) >= 50

    besiege(slowed, story(), capsys, "250 idle connections, of which 200 may be")


def test_sockets_that_never_begin_are_closed(
    slowed: World, capsys: pytest.CaptureFixture[str]
) -> None:
    async def silent(siege: Siege) -> int:
        async with connect(
            siege.url, subprotocols=[Subprotocol("graphql-transport-ws")], ping_interval=None
        ) as opened:
            with pytest.raises(ConnectionClosed) as closed:
                await opened.recv()
        assert closed.value.rcvd is not None
        return int(closed.value.rcvd.code)

    async def story() -> None:
        siege = Siege(slowed)
        codes = await asyncio.gather(*(silent(siege) for _ in range(MANY)))
        assert set(codes) == {4408}

    besiege(slowed, story(), capsys, f"{MANY} silent sockets")


def test_a_stopping_server_waits_for_none_of_them(tmp_path: Path) -> None:
    world = slow_world(tmp_path)

    siege = Siege(world)

    async def story() -> tuple[float, int]:
        for _ in range(5):
            await siege.deaf()
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(10):
                _, writer = await stack.enter_async_context(siege.open())
                writer.write(HEAD)
            stream, writer = await stack.enter_async_context(siege.open())
            token = f"authorization: Bearer {world.olga.token}\r\n".encode()
            size = f"content-length: {len(QUESTION)}\r\n\r\n".encode()
            writer.write(WATCH + token + size + QUESTION)
            assert b"200 OK" in await stream.readuntil(b"\r\n\r\n")
            opened = await stack.enter_async_context(
                connect(
                    siege.url,
                    subprotocols=[Subprotocol("graphql-transport-ws")],
                    ping_interval=None,
                )
            )
            await opened.send('{"type": "connection_init"}')
            await opened.recv()
            began = time.monotonic()
            code = await asyncio.to_thread(world.gateway.stop, signal.SIGTERM)
            took = time.monotonic() - began
            assert b"stopping" in await stream.read()  # the stream was ended with a word
        return took, code

    took, code = asyncio.run(story())
    siege.hang_up()
    end_world(world)
    assert code == 0
    assert took < 10
    assert "Traceback" not in world.gateway.log()
