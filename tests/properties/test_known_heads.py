"""A connection whose heads come again is served as it would be if each were parsed."""

import asyncio
from typing import Any

import uvicorn
from hypothesis import example, given, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from gateway.surfaces.graphql.server.protocol import BoundedHttp
from gateway.surfaces.graphql.server.quick import QuickHttp

Asked = tuple[str, str, str, bytes, list[tuple[bytes, bytes]], bytes]


class Wire:
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        self.written = b""
        self.is_over = False

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.is_over = True

    abort = write_eof = close

    def is_closing(self) -> bool:
        return self.is_over

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, _name: str) -> None:
        return None

    def pause_reading(self) -> None:
        """Nothing is read here."""

    resume_reading = pause_reading


class Echo:
    """An application that notes what it was asked, and answers with a number of what it read."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, has_more = b"", True
        while has_more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, has_more = body + message["body"], message["more_body"]
        for _ in range(3 * body.startswith(b"s")):  # what comes meanwhile has to wait
            await asyncio.sleep(0)
        self.asked.append(
            (
                *(scope["method"], scope["http_version"], scope["path"], scope["query_string"]),
                *(list(scope["headers"]), body),
            )
        )
        told = b"%d %d" % (len(self.asked), len(body))
        size = (b"content-length", b"%d" % len(told))
        headers = [(b"content-type", b"text/plain"), *([] if body.endswith(b"~") else [size])]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": told, "more_body": False})


async def served(
    kind: type[BoundedHttp], chunks: list[bytes], turns: int
) -> tuple[list[Asked], bytes, bool]:
    """What an application is asked by these bytes, what comes back, whether it was hung up.

    ``turns`` is how often others are waited for before the next bytes come.
    """
    echo, wire = Echo(), Wire()
    config = uvicorn.Config(
        echo, lifespan="off", access_log=False, log_config=None, ws="none", proxy_headers=False
    )
    config.load()
    state = ServerState()
    state.default_headers = [(b"server", b"one")]
    one = kind(config, state, {}, asyncio.get_running_loop())
    one.connection_made(wire)  # type: ignore[arg-type]  # what it uses of a transport is there
    for chunk in chunks:
        if not wire.is_over:
            one.data_received(chunk)
        for _ in range(turns):
            await asyncio.sleep(0)
    for _ in range(99 * bool(state.tasks)):  # one whose body never comes would never end
        await asyncio.sleep(0)
    one.connection_lost(None)
    if state.tasks:
        await asyncio.wait(state.tasks)
    return echo.asked, wire.written, wire.is_over


def post(body: bytes, *lines: bytes, first: bytes = b"POST /graphql?a=b HTTP/1.1") -> bytes:
    size = b"Content-Length: %d" % len(body)
    return b"\r\n".join([first, b"Host: here", *lines, size, b"Accept: a/b", b"", body])


_bodies = st.binary(max_size=12) | st.sampled_from(
    [b"", b"~", b"slow", b"POST / HTTP/1.1\r\n\r\n", b"0" * 99]
)
_lines = st.sampled_from(
    [
        *((), (b"X-One: 1",), (b"Connection: keep-alive",), (b"Connection: close",)),
        *(
            (b"x-one:\t1 ", b"X-One: 2"),
            (b"Transfer-Encoding: identity",),
            (b"Expect: 100-continue",),
        ),
        *((b"Content-Length: 3",), (b"Upgrade: h2c", b"Connection: Upgrade"), (b"A: b\n c",)),
    ]
)
_heads = st.tuples(
    _lines,
    st.sampled_from([b"POST /graphql?a=b HTTP/1.1", b"POST / HTTP/1.0", b"GET / HTTP/1.1"]),
)


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    """Requests of one head or two, with a byte changed here and there, cut anywhere."""
    heads = draw(st.lists(_heads, min_size=1, max_size=2))
    requests = [
        post(body, *lines, first=first)
        for body in draw(st.lists(_bodies, min_size=1, max_size=6))
        for lines, first in [draw(st.sampled_from(heads))]
    ]
    if draw(st.booleans()):
        which = draw(st.integers(0, len(requests) - 1))
        at = draw(st.integers(0, len(requests[which]) - 1))
        byte = draw(st.sampled_from([b"", b"\r", b"\n", b" ", b"0", b"9", b":", b"x", b"\x00"]))
        requests[which] = requests[which][:at] + byte + requests[which][at + 1 :]
    if draw(st.booleans()):
        return requests
    whole, chunks = b"".join(requests), []
    for at in draw(st.lists(st.integers(1, 80), max_size=12)):
        chunks.append(whole[:at])
        whole = whole[at:]
    return [chunk for chunk in (*chunks, whole) if chunk]


@given(streams(), st.sampled_from([0, 1, 2, 8]))
@example([post(b"one"), post(b"POST / HTTP/1.1\r\n\r\n"), post(b""), post(b"~"), post(b"2")], 8)
@example([post(b"one"), post(b"two") + b"POST /gra", b"phql?a=b HTTP/1.1\r\n", post(b"three")], 8)
@example([post(b"one"), post(b"slow"), post(b"three")], 2)
@example([post(b"one", b"Expect: 100-continue"), post(b"2", b"Expect: 100-continue")], 8)
@example([post(b"1") + post(b"1", first=b"DELETE /graphql?a=b HTTP/1.1"), *[post(b"2")] * 2], 8)
@settings(max_examples=150)
def test_it_is_all_the_same_to_applications_and_peers(chunks: list[bytes], turns: int) -> None:
    async def go() -> None:
        parsed = await served(BoundedHttp, chunks, turns)
        assert await served(QuickHttp, chunks, turns) == parsed

    asyncio.run(go())
