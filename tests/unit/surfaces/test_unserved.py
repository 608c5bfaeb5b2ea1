"""Paths that there are not, and methods that a path does not take, are told as problems."""

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.surfaces.console.app import console_routes
from gateway.surfaces.files import file_route
from gateway.surfaces.unserved import UNSERVED

pytestmark = pytest.mark.anyio

ODD = ["TRACE", "CONNECT", "PROPFIND", "BREW"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def never(*_: Any) -> Any:
    raise AssertionError("this asks nobody")


async def asked(route: Route, method: str, path: str) -> httpx.Response:
    app = Starlette(routes=[route], exception_handlers=UNSERVED)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://gateway"
    ) as client:
        return await client.request(method, path)


def check(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", [*ODD, "POST", "PUT", "OPTIONS"])
async def test_a_static_file_is_for_get_and_head(method: str) -> None:
    (static,) = [one for one in console_routes(Any) if "static" in one.path]  # type: ignore[arg-type] # no desk is needed for files
    answer = await asked(static, method, "/console/static/console.css")
    check(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("method", ODD)
async def test_a_door_names_its_own_methods_whatever_it_is_asked_with(method: str) -> None:
    route = file_route("/evidence", ("GET", "HEAD"), never, never, "a test")
    answer = await asked(route, method, "/evidence")
    check(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET, HEAD"


async def test_a_path_that_there_is_not_is_told_so() -> None:
    async def here(_: Request) -> Response:
        return Response("here")

    assert (await asked(Route("/here", here), "GET", "/here")).text == "here"
    answer = await asked(Route("/here", here), "GET", "/nowhere")
    check(answer, 404, "NOT_FOUND")
    assert "allow" not in answer.headers
