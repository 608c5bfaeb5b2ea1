"""The gate before all doors: which requests count, and for how long."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from types import SimpleNamespace

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from gateway.surfaces.access import AccessLog
from gateway.surfaces.gate import RequestGate
from gateway.telemetry import sparing
from gateway.telemetry.sparing import EACH_SECOND
from tests.unit.telemetry.records import listening

pytestmark = pytest.mark.anyio

MOST = 3


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class House:
    """An application behind a gate; requests to /wait stay until ``go`` is set."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.full = asyncio.Event()
        self.reading = asyncio.Event()
        self.inside = 0
        served = ("/wait", "/graphql", "/healthz")
        routes = [Route(path, self._wait, methods=["GET", "POST"]) for path in served]
        self.gate = RequestGate(
            Starlette(routes=[*routes, Route("/stream", self._stream), Route("/fail", self._fail)]),
            MOST,
        )
        transport = httpx.ASGITransport(self.gate, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://gate")

    async def _wait(self, request: Request) -> Response:
        await request.body()
        if request.url.path == "/wait":
            self.inside += 1
            if self.inside == MOST:
                self.full.set()
            await self.go.wait()
        return PlainTextResponse("done")

    async def _stream(self, _: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"first"
            self.reading.set()
            await self.go.wait()

        return StreamingResponse(pieces())

    async def _fail(self, _: Request) -> Response:
        raise RuntimeError("a bug")

    async def fill(self) -> list[asyncio.Task[httpx.Response]]:
        """Take every place there is."""
        tasks = [asyncio.create_task(self.client.post("/wait", content=b"{}")) for _ in range(MOST)]
        await self.full.wait()
        return tasks


async def test_one_too_many_is_told_to_come_again_and_comes_in_later() -> None:
    house = House()
    held = await house.fill()
    answer = await house.client.post("/wait", content=b"{}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["retryAfter"]) == ("SERVICE_UNAVAILABLE", 1.0)
    assert house.inside == MOST
    house.go.set()
    assert {task.status_code for task in await asyncio.gather(*held)} == {200}
    assert (await house.client.post("/wait", content=b"{}")).status_code == 200


async def test_graphql_is_told_in_its_own_form() -> None:
    house = House()
    await house.fill()
    answer = await house.client.post("/graphql", content=b"{}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["content-type"].startswith("application/graphql-response+json")
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
    assert error["extensions"]["problem"]["retryAfter"] == 1.0
    house.go.set()


async def test_probes_are_let_through_always() -> None:
    house = House()
    await house.fill()
    assert (await house.client.get("/healthz")).status_code == 200
    house.go.set()


async def test_a_body_that_does_not_come_takes_no_place() -> None:
    house = House()
    begun = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"{"
        begun.set()
        await house.go.wait()
        yield b"}"

    slow = [asyncio.create_task(house.client.post("/wait", content=slowly())) for _ in range(9)]
    await begun.wait()
    assert (await house.client.post("/graphql", content=b"{}")).status_code == 200
    house.go.set()
    assert {answer.status_code for answer in await asyncio.gather(*slow)} == {200}


async def test_an_answer_that_has_begun_takes_no_place() -> None:
    house = House()

    async def read() -> httpx.Response:
        return await house.client.get("/stream")

    streams = []
    for _ in range(2 * MOST):
        streams.append(asyncio.create_task(read()))
        await house.reading.wait()
        house.reading.clear()
    assert (await house.client.get("/graphql")).status_code == 200
    house.go.set()
    assert {answer.status_code for answer in await asyncio.gather(*streams)} == {200}


async def test_a_failure_gives_its_place_back() -> None:
    house = House()
    for _ in range(2 * MOST):
        assert (await house.client.get("/fail")).status_code == 500
    assert (await house.client.get("/graphql")).status_code == 200


async def test_the_lines_of_many_that_are_refused_are_spared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Told at debug level, that is; the lines of whoever is served are told as ever."""
    monkeypatch.setattr(sparing, "time", SimpleNamespace(monotonic=lambda: 7.0))
    house = House()
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(AccessLog(house.gate)), base_url="http://gate"
    )
    held = await house.fill()
    with listening("gateway.access") as (_, stream):
        for _ in range(EACH_SECOND + 5):
            assert (await client.post("/wait", content=b"{}")).status_code == 503
        house.go.set()
        await asyncio.gather(*held)
        assert (await client.post("/wait", content=b"{}")).status_code == 200
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    levels = Counter((line["status"], line["level"]) for line in told)
    assert levels == {(503, "info"): EACH_SECOND, (503, "debug"): 5, (200, "info"): 1}
