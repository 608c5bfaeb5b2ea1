"""Requests that come before earlier ones are answered: few are read, and none is lost."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.graphql.test_quick_connections import Answering, connected, turns

pytestmark = pytest.mark.anyio

FEW = 100
GET = b"GET /%d HTTP/1.1\r\nhost:a\r\n\r\n"
POST = b"POST /%d HTTP/1.1\r\nhost:a\r\ncontent-length: 5\r\n\r\nhello"
UPGRADE = b"GET /%d HTTP/1.1\r\nhost:a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Watching(Answering):
    """Notes how many requests wait whenever one is answered."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 0
        self.protocol: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.most = max(self.most, len(self.protocol.pipeline))
        await super().__call__(scope, receive, send)


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("request_", [GET, POST], ids=["without a body", "with a body"])
@pytest.mark.parametrize("size", [3000, 200_000])
async def test_however_many_come_at_once_few_are_read_and_all_are_answered(
    request_: bytes, size: int
) -> None:
    app, count = Watching(), 4000
    app.may.clear()
    one, wire = connected(app)
    app.protocol = one
    for part in cut(b"".join(request_ % number for number in range(count)), size):
        one.data_received(part)
    await turns()
    one.data_received(request_ % count)  # whoever asks for the body has reading go on, for once
    assert len(one.pipeline) < FEW
    assert one.flow.read_paused
    app.may.set()
    for _ in range(count):
        await turns()
    assert [scope["path"] for scope in app.scopes] == [f"/{number}" for number in range(count + 1)]
    assert len(re.findall(rb"HTTP/1\.1 200 OK", wire.written)) == count + 1
    assert app.most < FEW
    assert not one.flow.read_paused
    one.connection_lost(None)


async def test_who_sends_on_while_answers_are_worked_on_is_read_no_faster() -> None:
    app, part, number, most = Watching(), 2000, 0, 0
    one, _ = connected(app)
    app.protocol = one
    for _ in range(20):
        app.may.clear()
        await turns()
        if not one.flow.read_paused:  # whoever asks for the body has reading go on
            one.data_received(b"".join(POST % at for at in range(number, number + part)))
            number += part
        most = max(most, len(one._unread))
        await turns()
        app.may.set()
        await turns(1)
    assert 10 < len(app.scopes) < number
    assert most < 3 * part * len(POST)
    app.may.set()
    while len(app.scopes) < number:
        await turns()
    assert [scope["path"] for scope in app.scopes] == [f"/{at}" for at in range(number)]
    assert not one.flow.read_paused
    one.connection_lost(None)


async def test_nothing_is_read_behind_an_answer_that_ends_the_connection() -> None:
    app = Answering()
    app.may.clear()
    one, wire = connected(app)
    last = GET.replace(b"host", b"connection: close\r\nhost") % 1
    one.data_received(GET % 0 + last + GET % 2 * 500)
    await turns()
    app.may.set()
    await turns()
    assert [scope["path"] for scope in app.scopes] == ["/0", "/1"]
    assert wire.is_over
    one.connection_lost(None)


@pytest.mark.parametrize("count", [1, 300])
async def test_what_comes_behind_an_upgrade_that_is_not_made_is_no_less_a_request(
    count: int,
) -> None:
    app = Answering()
    one, _ = connected(app)
    one.data_received(UPGRADE % 0 + b"".join(GET % number for number in range(1, count)))
    for _ in range(count):
        await turns()
    assert [scope["path"] for scope in app.scopes] == [f"/{number}" for number in range(count)]
    one.connection_lost(None)
