"""What a connection keeps of its requests, and what it says when something else comes between."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from gateway.surfaces.graphql import ConnectionLimits
from gateway.surfaces.graphql.server.quick import QuickHttp
from gateway.surfaces.graphql.server.transports import CuttableHttp
from tests.properties.test_known_heads import Wire, post
from tests.unit.graphql.live import eventually, live
from tests.unit.graphql.test_http_protocol import peer
from tests.unit.graphql.test_quick_requests import EVENTS
from tests.unit.graphql.test_quick_requests import post as ask

pytestmark = pytest.mark.anyio

App = Callable[[Any, Any, Any], Awaitable[None]]
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
BODY = {"type": "http.response.body", "body": b"ok"}
UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def connected(app: App) -> tuple[QuickHttp, Wire]:
    """A connection to an application, and what is written to it."""
    config = uvicorn.Config(app, lifespan="off", access_log=False, log_config=None, ws="none")
    config.load()
    one, wire = CuttableHttp(config, ServerState(), {}, asyncio.get_running_loop()), Wire()
    one.connection_made(wire)  # type: ignore[arg-type]  # what it uses of a transport is there
    return one, wire


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


class Answering:
    """Answers each request with ok, the last one when it may; ``scopes`` are those of all."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []
        self.may = asyncio.Event()
        self.may.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await receive()
        await send(START)
        await self.may.wait()
        await send(BODY)


async def test_neither_a_body_nor_a_long_head_is_kept() -> None:
    one, _ = connected(Answering())
    for lines in ((), (b"X-Long: " + b"x" * 5000,)):
        for _ in range(3):
            one.data_received(post(b"b" * 50_000, *lines))
            await turns()
    assert len(list(one._known)) == 1
    assert not one.cycle.body
    one.connection_lost(ConnectionResetError())
    assert not list(one._known)
    assert one.timeout_keep_alive_task is None


async def test_what_an_application_does_to_a_scope_is_of_no_concern_to_the_next() -> None:
    app = Answering()
    one, _ = connected(app)
    for _ in range(4):
        one.data_received(post(b"one"))
        await turns()
        scope = app.scopes[-1]
        scope["headers"].append((b"x-hop", b"1"))
        for name in ("extensions", "asgi", "state"):
            scope[name]["note"] = "left behind"
    assert len(app.scopes) == 4
    for scope in app.scopes:
        assert scope["headers"].count((b"x-hop", b"1")) == 1
        others = [one for one in app.scopes if one is not scope]
        for name in ("headers", "extensions", "asgi", "state"):
            assert all(scope[name] is not other[name] for other in others)


async def test_an_answer_that_has_begun_when_the_server_stops_is_the_last() -> None:
    app = Answering()
    one, wire = connected(app)
    for _ in range(2):
        one.data_received(post(b"one"))
        await turns()
    app.may.clear()
    one.data_received(post(b"one"))
    await turns()
    one.shutdown()
    app.may.set()
    await turns()
    assert wire.is_over
    assert wire.written.count(b"HTTP/1.1 200") == 3
    assert b"connection: close" in wire.written


@pytest.mark.parametrize("between", [b"GET /x HTTP/1.1\r\n\r\n", b"\x00\r\n\r\n", UPGRADE])
async def test_nothing_is_said_in_the_place_of_an_answer_that_is_due(between: bytes) -> None:
    app = Answering()
    one, wire = connected(app)
    for _ in range(2):
        one.data_received(post(b"one"))
        await turns()
    before = wire.written
    app.may.clear()
    one.data_received(post(b"one"))
    await turns()
    one.data_received(between)
    assert wire.is_over
    assert wire.written == before
    one.connection_lost(None)
    app.may.set()
    await turns()


async def test_empty_lines_between_requests_count_for_nothing() -> None:
    app = Answering()
    one, wire = connected(app)
    for _ in range(20_000):
        one.data_received(post(b""))
        await turns(4)
        assert one.cycle.response_complete
        one.data_received(b"\r\n")
    assert not wire.is_over
    assert len(app.scopes) == 20_000


@pytest.mark.parametrize("headers", [[[b"content-length", b"2"]], iter(START["headers"])])  # type: ignore[call-overload]  # a list
async def test_answers_may_be_told_in_any_way_that_asgi_has(headers: Any) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({**START, "headers": headers})
        await send(BODY)

    one, wire = connected(app)
    one.data_received(post(b"one"))
    await turns()
    assert wire.written.startswith(b"HTTP/1.1 200 OK\r\n")
    assert wire.written.endswith(b"content-length: 2\r\n\r\nok")


async def test_a_stream_ends_with_its_connection_whatever_waits_behind_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    takes = (b"Accept: text/event-stream", b"Authorization: Bearer olga")
    async with live(ConnectionLimits(heartbeat_seconds=0.05)) as server:
        async with peer(server) as one:
            await one.send(ask(EVENTS, *takes))
            await server.feed.has(1)
            await one.send(ask(EVENTS, *takes))
            (connection,) = server.state.connections
            assert isinstance(connection, QuickHttp)
            await eventually(lambda: bool(connection.pipeline))
        await eventually(lambda: not server.state.tasks and not server.feed.listening)
    assert not [one for one in caplog.records if one.levelname == "ERROR"]
