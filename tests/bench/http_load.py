"""A load of one HTTP/1.1 request over keep-alive connections, with as little work as can be."""

import asyncio
import json
import sys
import time
from typing import cast

import uvloop


class _Connection(asyncio.Protocol):
    """Sends the request again and again; whatever is not 200, or has errors, ends the load."""

    def __init__(self, request: bytes, took: list[float], done: asyncio.Future[None]) -> None:
        self._request = request
        self._took = took
        self._done = done
        self._data = b""
        self._began = 0.0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's own is none by type
        self._send()

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, ended, body = self._data.partition(b"\r\n\r\n")
        if not ended or len(body) < _length(head):
            return
        if not head.startswith(b"HTTP/1.1 200") or b'"errors"' in body:
            self._end(RuntimeError(self._data[:600].decode("latin-1")))
            return
        self._took.append(time.perf_counter() - self._began)
        self._data = b""
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        self._end(error or ConnectionError("the server ended the connection"))

    def _send(self) -> None:
        self._began = time.perf_counter()
        assert self._transport is not None
        self._transport.write(self._request)

    def _end(self, error: Exception) -> None:
        if not self._done.done():
            self._done.set_exception(error)


def _length(head: bytes) -> int:
    start = head.lower().index(b"content-length:") + len(b"content-length:")
    return int(head[start:].split(b"\r\n", 1)[0])


async def main() -> None:
    """Read a job from standard input, print what it measured."""
    job = json.load(sys.stdin)
    request = job["request"].encode()
    loop = asyncio.get_running_loop()
    took: list[float] = []
    broken: asyncio.Future[None] = loop.create_future()
    for _ in range(job["connections"]):
        await loop.create_connection(
            lambda: _Connection(request, took, broken), job["host"], job["port"]
        )
    await asyncio.wait({broken}, timeout=job["warmup"])
    took.clear()
    cpu = time.process_time()
    await asyncio.wait({broken}, timeout=job["seconds"])
    if broken.done():
        broken.result()
    busy = (time.process_time() - cpu) / job["seconds"]
    told = sorted(took)
    rate = len(told) / job["seconds"]
    figures = {"rate": rate, "p50": told[len(told) // 2], "p99": told[-len(told) // 100]}
    print(json.dumps({**figures, "client": busy}))


if __name__ == "__main__":
    uvloop.run(main())
