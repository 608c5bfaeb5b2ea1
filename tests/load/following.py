"""Follows the events of a workspace over one event stream, so that nobody has to poll."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from tests.load.connections import Connections, GoneError

COMPLETED = "controlPlane.execution.completed"
BLOCKED = "controlPlane.execution.step.blocked"
FAILED = "controlPlane.execution.failed"
_QUERY = """
subscription ($after: String, $types: [String!]) {
  controlPlaneEvents(filter: {types: $types}, after: $after) { cursor type executionId payload }
}
"""


class Following:
    """Tells whoever waits for an execution what became of it, and when."""

    def __init__(self, connections: Connections, token: str) -> None:
        self._connections = connections
        self._token = token
        self._waiting: dict[tuple[str, str], asyncio.Future[tuple[float, Any]]] = {}
        self._cursor: str | None = None
        self.reconnects = 0
        self.begun = asyncio.Event()

    def expect(self, execution_id: str, kind: str) -> "asyncio.Future[tuple[float, Any]]":
        """The moment and the payload of the next event of this kind."""
        future = asyncio.get_running_loop().create_future()
        self._waiting[(execution_id, kind)] = future
        return future

    def forget(self, execution_id: str) -> None:
        """Wait no longer for anything of this execution."""
        for kind in (COMPLETED, BLOCKED, FAILED):
            self._waiting.pop((execution_id, kind), None)

    async def follow(self) -> None:
        """Read the stream until cancelled; one that ends is begun again behind its last event."""
        while True:
            with contextlib.suppress(OSError, GoneError, asyncio.IncompleteReadError):
                async for event in self._events():
                    self._tell(event)
            self.reconnects += 1
            await asyncio.sleep(0.2)

    def _tell(self, event: dict[str, Any]) -> None:
        if "errors" in event:
            raise GoneError(event["errors"][0]["extensions"]["code"])
        told = event["data"]["controlPlaneEvents"]
        self._cursor = told["cursor"]
        waiter = self._waiting.pop((told["executionId"], told["type"]), None)
        if waiter is not None and not waiter.done():
            waiter.set_result((time.perf_counter(), told["payload"]))

    async def _events(self) -> AsyncIterator[dict[str, Any]]:
        given = {"after": self._cursor, "types": [COMPLETED, BLOCKED, FAILED]}
        body = json.dumps({"query": _QUERY, "variables": given}).encode()
        request = self._connections.request("POST", "/graphql", self._token, body)
        request = request.replace(b"\r\n", b"\r\naccept: text/event-stream\r\n", 1)
        reader, writer = await asyncio.open_connection(
            self._connections.host, self._connections.port
        )
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"HTTP/1.1 4"):
                raise RuntimeError(f"the stream of events is refused: {head[9:12].decode()}")
            if not head.startswith(b"HTTP/1.1 200"):
                raise GoneError(head[9:12].decode())
            self.begun.set()
            async for line in _lines(reader):
                if line.startswith(b"data: {"):
                    yield json.loads(line[6:])
        finally:
            writer.close()


async def _lines(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The lines of a chunked body."""
    rest = b""
    while True:
        size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
        rest += (await reader.readexactly(size + 2))[:-2]
        *lines, rest = rest.split(b"\n")
        for line in lines:
            yield line
        if size == 0:
            return
