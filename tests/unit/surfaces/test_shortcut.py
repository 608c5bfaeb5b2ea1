"""The short way to routes, which leads where the long one does."""

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket

from gateway.surfaces.shortcut import Shortcut

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def told(request: Request) -> Response:
    return PlainTextResponse(f"{request.method} {request.scope['route'].path}")


async def socket(websocket: WebSocket) -> None:
    await websocket.close(4000, websocket.scope["route"].path)


ROUTES = [Route("/short", told), WebSocketRoute("/short", socket)]
LONG = Starlette(routes=[*ROUTES, Route("/long/{name}", told)])


async def get(path: str) -> httpx.Response:
    transport = httpx.ASGITransport(Shortcut(LONG, ROUTES))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return await client.get(path)


@pytest.mark.parametrize(
    ("path", "route"), [("/short", "/short"), ("/short?a=b", "/short"), ("/long/a", "/long/{name}")]
)
async def test_each_path_is_served_under_its_route(path: str, route: str) -> None:
    assert (await get(path)).text == f"GET {route}"


async def test_what_is_not_exactly_the_path_goes_the_long_way() -> None:
    assert (await get("/short/")).status_code == 307
    assert (await get("/none")).status_code == 404


async def test_the_short_way_passes_by_the_application() -> None:
    transport = httpx.ASGITransport(Shortcut(Starlette(), ROUTES))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        assert (await client.get("/short")).text == "GET /short"
        assert (await client.get("/long/a")).status_code == 404


async def test_sockets_and_lifespans_find_their_way() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": "websocket", "path": "/short", "headers": []}
    await Shortcut(Starlette(), ROUTES)(scope, receive, send)
    assert sent == [{"type": "websocket.close", "code": 4000, "reason": "/short"}]
    seen: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["type"])

    await Shortcut(app, ROUTES)({"type": "lifespan"}, receive, send)
    assert seen == ["lifespan"]
