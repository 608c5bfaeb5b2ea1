"""The bounds of HTTP below the application: headers, time, connections, peers that do not read."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from gateway.surfaces.graphql import ServerLimits
from tests.unit.graphql.live import Live, eventually, live

HEAD = b"GET /graphql HTTP/1.1\r\nHost: gateway\r\n"
BODY = b'{"query": "{ __typename }"}'
POST = (
    b"POST /graphql HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
    b"Content-Length: " + str(len(BODY)).encode() + b"\r\n\r\n"
)


@dataclass
class Peer:
    """One end of a TCP connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, raw: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self.writer.write(raw)
            await self.writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        """Status and body of one answer."""
        async with asyncio.timeout(25):
            head = await self.reader.readuntil(b"\r\n\r\n")
            size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            return int(head.split()[1]), await self.reader.readexactly(size)

    async def refused(self) -> tuple[int, str]:
        """Status and code of a refusal, behind which the connection is closed."""
        status, body = await self.answer()
        await self.closed()
        return status, json.loads(body)["code"]

    async def closed(self) -> None:
        """Read until there is no connection any more."""
        async with asyncio.timeout(25):
            with contextlib.suppress(ConnectionError):
                while await self.reader.read(65_536):
                    pass


@contextlib.asynccontextmanager
async def peer(server: Live) -> AsyncIterator[Peer]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield Peer(reader, writer)
    finally:
        writer.transport.abort()


async def ask_for_much(server: Live, one: Peer) -> None:
    """Ask for an answer that is larger than all buffers, and take none of it."""
    server.door.answers["shop.order.get"] = {
        "orderId": "1", "status": "OPEN", "items": [], "extra": "x" * 3_000_000,
    }  # fmt: skip
    body = b'{"query": "{ shopOrderGet(input: {orderId: 1}) { extra } }"}'
    one.reader._limit = 1024  # type: ignore[attr-defined]  # nothing is taken from the kernel beyond
    await one.send(POST.replace(str(len(BODY)).encode(), str(len(body)).encode()) + body)
    await eventually(lambda: len(server.door.calls) == 1)


def play(story: Callable[[Live], Awaitable[None]], **bounds: float) -> None:
    async def go() -> None:
        async with live(bounds=ServerLimits(**bounds)) as server:  # type: ignore[arg-type]
            await story(server)

    asyncio.run(go())


@pytest.mark.parametrize(
    ("head", "status", "code"),
    [
        (HEAD + b"A: b\r\n" * 100 + b"\r\n", 431, "HEADER_LIMIT_EXCEEDED"),
        (HEAD + b"A: b\r\n" * 200, 431, "HEADER_LIMIT_EXCEEDED"),
        (HEAD + b"A: " + b"b" * 33_000 + b"\r\n\r\n", 431, "HEADER_LIMIT_EXCEEDED"),
        (HEAD + b"A: " + b"b" * 60_000 + b"\r\n\r\n", 431, "HEADER_LIMIT_EXCEEDED"),
        (HEAD + (b"A: " + b"b" * 900 + b"\r\n") * 40, 431, "HEADER_LIMIT_EXCEEDED"),
        (HEAD + b"A: " + b"b" * 100_000, 431, "HEADER_LIMIT_EXCEEDED"),
        (HEAD + b"b" * 100_000, 431, "HEADER_LIMIT_EXCEEDED"),
        (b"GET /graphql?query=" + b"a" * 17_000, 414, "URI_LIMIT_EXCEEDED"),
        (b"GET /graphql?a=" + b"a" * 17_000 + b" HTTP/1.1\r\n\r\n", 414, "URI_LIMIT_EXCEEDED"),
    ],
)
def test_a_head_that_is_too_large_is_refused_once(
    head: bytes, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(server: Live) -> None:
        async with peer(server) as one:
            await one.send(head)
            assert await one.refused() == (status, code)

    play(story)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("trailer", [b"A: " + b"b" * 2_000_000, b"A: b\r\n" * 200_000])
def test_trailers_without_end_are_refused_while_the_body_is_waited_for(trailer: bytes) -> None:
    async def story(server: Live) -> None:
        async with peer(server) as one:
            chunked = POST.partition(b"Content-Length")[0] + b"Transfer-Encoding: chunked\r\n\r\n"
            await one.send(chunked + b"1\r\n{\r\n" * 1000 + b"0\r\n" + trailer)
            await one.closed()
            assert not server.door.calls

    play(story)


def test_a_body_in_chunks_of_a_byte_is_read() -> None:
    async def story(server: Live) -> None:
        async with peer(server) as one:
            chunked = POST.partition(b"Content-Length")[0] + b"Transfer-Encoding: chunked\r\n\r\n"
            padded = b" " * 20_000 + BODY
            chunks = b"".join(b"001\r\n" + bytes([byte]) + b"\r\n" for byte in padded)
            await one.send(chunked + chunks + b"0\r\n\r\n")
            assert (await one.answer())[0] == 200

    play(story)


def test_a_head_at_the_limits_is_served_again_and_again() -> None:
    async def story(server: Live) -> None:
        async with peer(server) as one:
            for _ in range(5):
                head = HEAD + b"A: b\r\n" * 97 + b"B: " + b"b" * 30_000 + b"\r\n"
                await one.send(head + b"graphql-require-preflight: 1\r\n\r\n")
                assert (await one.answer())[0] == 422

    play(story)


@pytest.mark.parametrize("sent", [b"", b"G", HEAD, HEAD + b"A: b", b"\r\n"])
def test_a_head_that_does_not_come_is_told_408(sent: bytes) -> None:
    async def story(server: Live) -> None:
        async with peer(server) as one:
            await one.send(sent)
            assert await one.refused() == (408, "TIMEOUT")

    play(story, header_seconds=0.2)


def test_a_head_that_trickles_is_told_408_as_well() -> None:
    async def story(server: Live) -> None:
        async with peer(server) as one:
            sent = 0
            while not one.reader._buffer:  # type: ignore[attr-defined]  # nothing came yet
                await one.send(HEAD[sent : sent + 1])
                sent += 1
                await asyncio.sleep(0.05)
            assert 5 < sent < len(HEAD)
            assert await one.refused() == (408, "TIMEOUT")

    play(story, header_seconds=1)


def test_the_next_request_on_a_connection_has_its_own_time() -> None:
    async def story(server: Live) -> None:
        async with peer(server) as one:
            for _ in range(4):
                await one.send(POST + BODY)
                assert (await one.answer())[0] == 200
                await asyncio.sleep(0.15)
            await one.send(HEAD)
            assert await one.refused() == (408, "TIMEOUT")

    play(story, header_seconds=0.3)


def test_who_sends_nothing_between_requests_is_let_go() -> None:
    async def story(server: Live) -> None:
        async with peer(server) as one:
            await one.send(POST + BODY)
            assert (await one.answer())[0] == 200
            await one.closed()

    play(story, keep_alive_seconds=0.1)


def test_the_rest_of_a_body_that_nobody_reads_is_not_waited_for() -> None:
    async def story(server: Live) -> None:
        async with peer(server) as one:
            await one.send(POST.replace(b"application/json", b"text/plain"))
            assert (await one.answer())[0] == 415
            await one.send(BODY[:5])  # ends the time of idling
            assert await one.refused() == (408, "TIMEOUT")

    play(story, header_seconds=0.2, keep_alive_seconds=1)


def test_a_slow_answer_is_not_a_slow_request() -> None:
    async def story(server: Live) -> None:
        async def slow() -> None:
            await asyncio.sleep(0.5)

        real = server.door.call

        async def call(*given: object, **named: object) -> object:
            await slow()
            return await real(*given, **named)  # type: ignore[arg-type]

        server.door.call = call  # type: ignore[method-assign,assignment]
        body = b'{"query": "{ shopPing { done } }"}'
        async with peer(server) as one:
            await one.send(POST.replace(str(len(BODY)).encode(), str(len(body)).encode()) + body)
            await one.send(b"GET ")  # and the next begins meanwhile
            assert (await one.answer())[0] == 200
            await one.closed()

    play(story, header_seconds=0.2, keep_alive_seconds=0.2)


def test_more_connections_than_allowed_are_told_503() -> None:
    async def story(server: Live) -> None:
        async with peer(server) as one, peer(server) as two:
            await eventually(lambda: len(server.state.connections) == 2)
            async with peer(server) as three:
                assert await three.refused() == (503, "SERVICE_UNAVAILABLE")
            for open_one in (one, two):
                await open_one.send(POST + BODY)
                assert (await open_one.answer())[0] == 200
        await eventually(lambda: not server.state.connections)
        async with peer(server) as four:
            await four.send(POST + BODY)
            assert (await four.answer())[0] == 200

    play(story, connections=2)


def test_whoever_was_refused_counts_as_long_as_its_socket_is_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.surfaces.graphql.server.protocol._LINGER_SECONDS", 30)

    async def story(server: Live) -> None:
        async with contextlib.AsyncExitStack() as stack:
            statuses = []
            for _ in range(12):
                one = await stack.enter_async_context(peer(server))
                await one.send(b"GET /graphql?query=" + b"a" * 17_000)
                statuses.append((await one.answer())[0])
            assert (statuses.count(414), statuses.count(503)) == (5, 7)
            assert len(server.state.connections) == 5

    play(story, connections=5)


def test_a_refusal_is_never_the_answer_to_an_earlier_request() -> None:
    async def story(server: Live) -> None:
        begun, go = asyncio.Event(), asyncio.Event()
        real = server.door.call

        async def call(*given: object, **named: object) -> object:
            begun.set()
            await go.wait()
            return await real(*given, **named)  # type: ignore[arg-type]

        server.door.call = call  # type: ignore[method-assign,assignment]
        body = b'{"query": "mutation { shopReset { done } }"}'
        async with peer(server) as one:
            size = b"Content-Length: %d"
            told = POST.replace(size % len(BODY), size % len(body))
            admin = b"Authorization: Bearer admin\r\nContent-Type"
            await one.send(told.replace(b"Content-Type", admin) + body)
            await asyncio.wait_for(begun.wait(), 25)
            await one.send(HEAD + b"A: b\r\n" * 200 + b"\r\n")
            async with asyncio.timeout(25):
                assert await one.reader.read() == b""  # closed without a word
            go.set()
            await eventually(lambda: len(server.door.calls) == 1)

    play(story)


def test_who_does_not_take_an_answer_is_cut_off() -> None:
    async def story(server: Live) -> None:
        async with peer(server) as one:
            await ask_for_much(server, one)
            await eventually(lambda: not server.state.connections)

    play(story, write_seconds=0.3)


def test_a_stopping_server_waits_for_nobody_who_does_not_read() -> None:
    async def story(server: Live) -> None:
        async with peer(server) as one:
            await ask_for_much(server, one)
            for connection in list(server.state.connections):
                connection.shutdown()
            await eventually(lambda: not server.state.connections)

    play(story, write_seconds=0.3)


def test_what_is_no_http_is_refused_and_sets_nobody_else_back() -> None:
    async def story(server: Live) -> None:
        async with peer(server) as one, peer(server) as two:
            await one.send(b"\x16\x03\x01 this is TLS")
            assert (await one.answer())[0] == 400
            await one.closed()
            await two.send(POST + BODY)
            assert (await two.answer())[0] == 200

    play(story)
