"""What a service sends behind an answer is never taken for the answer to a later request."""

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from gateway.model.action import Answered
from gateway.model.contract import HttpHandler
from tests.unit.actions.raw_server import RawServer, make_call, make_contract, opened, running
from tests.unit.actions.test_action_hosts import certificate

STRAY = {"n": "that of nobody"}


def said(body: object, size: int = 0) -> bytes:
    """An answer, filled up with spaces to so many bytes."""
    head = b"HTTP/1.1 200 Said\r\ncontent-length: %d\r\n\r\n"
    raw = json.dumps(body).encode().ljust(size - len(head % size))
    return head % len(raw) + raw


class Talkative:
    """Answers each request with its number in ``size`` bytes, the first one with more behind
    that."""

    def __init__(self, *parts: bytes, size: int = 0) -> None:
        self._parts = parts
        self._size = size
        self._asked = 0

    async def __call__(self, _: RawServer, writer: asyncio.StreamWriter) -> None:
        self._asked += 1
        first, *rest = self._parts if self._asked == 1 else (b"",)
        writer.write(said({"n": self._asked}, self._size) + first)
        for part in rest:
            writer.write(part)
        await writer.drain()


async def resolved(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


def outcomes(answer: Talkative, served: ssl.SSLContext | None = None, **more: Any) -> list[Any]:
    """What became of three calls, one after the other."""

    async def scenario() -> list[Any]:
        async with (
            running(answer, served) as server,
            opened(hosts=["shop.internal"], resolve=resolved, **more) as actions,
        ):
            scheme = "https" if served else "http"
            handler = HttpHandler("POST", f"{scheme}://shop.internal:{server.port}/")
            call = make_call(make_contract(handler))
            return [await actions.perform(call, handler) for _ in range(3)]

    return asyncio.run(scenario())


EACH_ITS_OWN = [Answered({"n": 1}), Answered({"n": 2}), Answered({"n": 3})]


@pytest.mark.parametrize("behind", [said(STRAY), b"more than was announced", b"\r\n"])
def test_a_connection_with_more_behind_an_answer_is_used_no_more(behind: bytes) -> None:
    assert outcomes(Talkative(behind)) == EACH_ITS_OWN


@pytest.mark.parametrize("size", [65_536, 262_144], ids=["what is read", "what is received"])
def test_more_behind_an_answer_that_fills_what_is_read_at_a_time_is_seen_too(size: int) -> None:
    assert outcomes(Talkative(said(STRAY), size=size)) == EACH_ITS_OWN


def test_a_record_of_tls_behind_an_answer_is_seen_too(tmp_path: Path) -> None:
    server_tls = certificate(tmp_path, "shop.internal")
    trusting = ssl.create_default_context(cafile=tmp_path / "server.pem")
    talkative = Talkative(b"", said(STRAY))
    assert outcomes(talkative, server_tls, tls=trusting) == EACH_ITS_OWN
