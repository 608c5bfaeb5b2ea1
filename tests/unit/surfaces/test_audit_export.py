"""The door of exports: no part is taken for the whole, and who stalls costs nothing."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from gateway.model.json import JsonObject
from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import refuse
from gateway.surfaces.audit_export import audit_export_route
from gateway.surfaces.graphql import ConnectionLimits, Connections, server_options

pytestmark = pytest.mark.anyio

ADA = Principal(PrincipalType.HUMAN, "ada", "acme", frozenset({"auditor"}))
PIECE = b"x" * 200_000


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Exports:
    """Gives ``pieces``, then fails if it is told to; notes what was asked of it."""

    def __init__(self, pieces: int, *, fails: bool = False) -> None:
        self.pieces, self.fails = pieces, fails
        self.given = 0
        self.asked: list[tuple[str, str, JsonObject]] = []

    async def export(
        self, principal: Principal, report: str, shape: str, asked: JsonObject, _: str | None
    ) -> AsyncIterator[bytes]:
        assert principal is ADA
        self.asked.append((report, shape, asked))
        for _number in range(self.pieces):
            self.given += 1
            yield PIECE
        if self.fails:
            raise refuse("FORBIDDEN", "No longer.")


@asynccontextmanager
async def served(exports: Exports, **limits: Any) -> AsyncIterator[tuple[str, int, Connections]]:
    async def authenticate(_: str | None) -> Principal:
        return ADA

    async def valid_for(_: str | None) -> float | None:
        return None

    bounds = ConnectionLimits(**limits)
    connections = Connections(bounds)
    route = audit_export_route(authenticate, valid_for, connections, exports.export)
    app = Starlette(routes=[route])
    with socket.create_server(("127.0.0.1", 0)) as sock:
        options: dict[str, Any] = server_options(bounds)
        config = uvicorn.Config(app, lifespan="off", log_level="critical", **options)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[sock]))
        while not server.started:  # noqa: ASYNC110 - uvicorn tells by this attribute alone
            await asyncio.sleep(0.01)
        host, port = sock.getsockname()
        yield host, port, connections
        await connections.drain(0.5)
        server.should_exit = True
        await task


async def test_all_pieces_arrive_in_order() -> None:
    exports = Exports(3)
    async with served(exports) as (host, port, _), httpx.AsyncClient() as client:
        url = f"http://{host}:{port}/audit/export?format=jsonl&types=a,b&types=c&actor=x"
        answer = await client.get(url)
    assert answer.content == PIECE * 3
    assert answer.headers["content-type"] == "application/jsonl"
    assert answer.headers["cache-control"] == "no-store"
    assert exports.asked == [("record", "jsonl", {"types": ["a", "b", "c"], "actor": "x"})]


async def test_a_failure_in_the_midst_cuts_the_connection() -> None:
    async with served(Exports(2, fails=True)) as (host, port, _), httpx.AsyncClient() as client:
        with pytest.raises(httpx.HTTPError):
            await client.get(f"http://{host}:{port}/audit/export")


async def test_a_failure_at_the_beginning_is_a_problem() -> None:
    async with served(Exports(0, fails=True)) as (host, port, _), httpx.AsyncClient() as client:
        answer = await client.get(f"http://{host}:{port}/audit/export")
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


async def test_no_more_is_read_than_the_client_takes_and_who_stalls_is_cut() -> None:
    exports = Exports(1_000)
    async with served(exports, send_seconds=0.5) as (host, port, connections):
        reader, writer = await asyncio.open_connection(host, port, limit=1024)
        writer.write(b"GET /audit/export HTTP/1.1\r\nhost: x\r\n\r\n")
        await reader.read(100)
        await asyncio.sleep(0.3)
        assert len(connections) == 1
        assert exports.given < 100  # what the sockets hold between them, not the whole
        for _ in range(100):
            if not len(connections):
                break
            await asyncio.sleep(0.05)
        assert len(connections) == 0
        assert exports.given < 100
        writer.close()


async def test_a_stopping_gateway_ends_exports() -> None:
    exports = Exports(1_000)
    async with served(exports) as (host, port, connections):
        reader, writer = await asyncio.open_connection(host, port, limit=1024)
        writer.write(b"GET /audit/export HTTP/1.1\r\nhost: x\r\n\r\n")
        await reader.read(100)
        await connections.drain(1.0)
        assert len(connections) == 0
        writer.close()
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://{host}:{port}/audit/export")
    assert answer.status_code == 503
