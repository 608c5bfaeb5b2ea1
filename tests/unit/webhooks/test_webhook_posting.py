"""One attempt, before receivers that behave badly."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from gateway.actions import HostGuard, Secrets
from gateway.model.system import SystemClock
from gateway.webhooks import Endpoint
from gateway.webhooks.post import Poster
from gateway.webhooks.schedule import Attempt
from tests.webhook_receiver import SECRET

pytestmark = pytest.mark.anyio

TLS = httpx.create_ssl_context()
Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def serving(answering: Answering) -> AsyncIterator[str]:
    """A server that reads the head of a request and then does as it likes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2)  # the body, which else may come after the end
            await answering(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/in"
    finally:
        server.close()


async def attempt(url: str, timeout: float = 30.0) -> Attempt:  # noqa: ASYNC109 - the poster's own
    endpoint = Endpoint("hook", "acme", url, ("${secret:S}",), ("*",))
    guard = HostGuard(["127.0.0.1:*"])
    poster = Poster(guard, Secrets({"S": SECRET}), SystemClock(), timeout, TLS)
    try:
        return await poster.post(endpoint, "msg_1", b"{}")
    finally:
        await poster.close()


def saying(*parts: bytes, pause: float = 0.0) -> Answering:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
        await asyncio.sleep(pause)

    return answer


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


async def test_a_status_counts_although_the_rest_never_comes() -> None:
    async with serving(saying(HEAD, pause=3)) as url:
        assert await attempt(url) == Attempt(200, None)


async def test_a_status_counts_although_the_rest_is_cut_off() -> None:
    async with serving(saying(HEAD, b"x")) as url:
        assert await attempt(url) == Attempt(200, None)


async def test_a_long_answer_is_not_read_to_its_end() -> None:
    async with serving(saying(HEAD, b"x" * 1_000_000)) as url:
        assert await attempt(url) == Attempt(200, None)


async def test_no_answer_in_time_is_told_as_that() -> None:
    async with serving(saying(pause=3)) as url:
        told = await attempt(url, 0.2)
    assert told == Attempt(None, "The receiver did not answer within 0.2 seconds.")


@pytest.mark.parametrize("said", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 999999 X\r\n\r\n"])
async def test_what_is_no_answer_is_told_without_its_words(said: bytes) -> None:
    async with serving(saying(said)) as url:
        told = await attempt(url)
    assert told.status is None
    assert told.error == "The connection failed (RemoteProtocolError)."


async def test_the_words_of_an_error_are_not_kept() -> None:
    said = b"HTTP/1.1 500 ada@acme.io\r\nContent-Length: 11\r\n\r\nada@acme.io"
    async with serving(saying(said)) as url:
        assert await attempt(url) == Attempt(500, "The receiver answered 500.")
