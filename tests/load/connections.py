"""Keep-alive HTTP/1.1 connections for a load, with as little work for the client as can be."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_FRESH = 2.0
"""Seconds after which an idle connection is not used again: the server closes it at five."""

PATIENCE = 30.0
"""Seconds after which a request counts as one that hangs."""


class GoneError(Exception):
    """A connection that ended, could not be had, or stays silent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its status, ``Retry-After`` in seconds, its body, the seconds that it took."""

    status: int
    retry_after: float | None
    body: Any
    took: float

    @property
    def refusal(self) -> str | None:
        """The code of its first error, or None."""
        if self.status == 200 and "errors" not in self.body:
            return None
        errors = self.body.get("errors") if isinstance(self.body, dict) else None
        return str(errors[0]["extensions"]["code"] if errors else self.status)


class Connections:
    """At most ``most`` connections to one gateway; whoever finds none free waits for one."""

    def __init__(self, url: str, most: int) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self._free: list[tuple[float, asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._room = asyncio.Semaphore(most)

    def request(self, method: str, path: str, token: str | None, body: bytes = b"") -> bytes:
        """A request as it is sent."""
        lines = [f"{method} {path} HTTP/1.1", f"host: {self.host}:{self.port}"]
        if token is not None:
            lines.append(f"authorization: Bearer {token}")
        if body:
            lines += ["content-type: application/json", f"content-length: {len(body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def send(self, request: bytes) -> Answer:
        """Send, and read the answer; the time includes the wait for a connection.

        Raises:
            GoneError: there was none.
        """
        began = time.perf_counter()
        async with self._room:
            try:
                async with asyncio.timeout(PATIENCE):
                    status, retry_after, body = await self._exchange(request)
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                raise GoneError(type(error).__name__) from error
        return Answer(status, retry_after, body, time.perf_counter() - began)

    async def _exchange(self, request: bytes) -> tuple[int, float | None, Any]:
        reader, writer = self._kept() or await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            raw = await reader.readexactly(int(header(head, b"content-length") or 0))
        except BaseException:
            writer.close()
            raise
        if header(head, b"connection") == b"close":
            writer.close()
        else:
            self._free.append((time.perf_counter(), reader, writer))
        retry_after = header(head, b"retry-after")
        body = json.loads(raw) if raw.startswith((b"{", b"[")) else raw
        return int(head[9:12]), float(retry_after) if retry_after else None, body

    def _kept(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        while self._free:
            since, reader, writer = self._free.pop()
            if time.perf_counter() - since < _FRESH:
                return reader, writer
            writer.close()
        return None


def header(head: bytes, name: bytes) -> bytes | None:
    """The value of a header in a head of small letters."""
    begins = head.find(b"\r\n" + name + b":")
    if begins < 0:
        return None
    return head[begins + len(name) + 3 : head.index(b"\r\n", begins + 2)].strip()
