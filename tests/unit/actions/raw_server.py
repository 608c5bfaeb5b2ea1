"""A raw HTTP server that says exactly what a test wants, and contracts that call it."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from gateway.actions import HttpActions
from gateway.model.action import ActionCall, ActionOutcome
from gateway.model.contract import (
    AuthLevel,
    ContractPolicy,
    ErrorSpec,
    Handler,
    HttpHandler,
    Kind,
    Meta,
    NamedType,
    OperationContract,
)
from gateway.model.json import JsonObject
from gateway.model.types import parse_type

TLS = httpx.create_ssl_context()
"""Made once: reading the authorities takes longer than most tests."""

ERRORS = {
    "ORDER_NOT_FOUND": ErrorSpec("ORDER_NOT_FOUND", 404, "There is no such order."),
    "OUT_OF_STOCK": ErrorSpec("OUT_OF_STOCK", 409, "Nothing is left."),
    "CLOSED_FOR_NOW": ErrorSpec("CLOSED_FOR_NOW", 503, "Come back later.", retryable=True),
}


def make_contract(
    handler: Handler | None,
    kind: Kind = Kind.COMMAND,
    given: dict[str, str] | None = None,
    types: dict[str, NamedType] | None = None,
) -> OperationContract:
    """A contract over ``handler``."""
    return OperationContract(
        meta=Meta("shop.order.place", "1.0.0", "Place", "Place it.", "shop", source="place.yaml"),
        kind=kind,
        input={name: parse_type(text) for name, text in (given or {}).items()},
        output={},
        policy=ContractPolicy(AuthLevel.USER),
        digest="0" * 64,
        types=types or {},
        errors=ERRORS,
        handler=handler,
    )


def make_call(
    contract: OperationContract, given: JsonObject | None = None, timeout: float = 60.0, **more: Any
) -> ActionCall:
    """A call of ``contract``; ``timeout`` in seconds."""
    return ActionCall(contract, {} if given is None else given, "key-1", timeout, **more)


Answer = Callable[["RawServer", asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Seen:
    """A request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class RawServer:
    """Reads whole requests and lets ``answer`` write whatever it likes."""

    answer: Answer
    reads: bool = True
    port: int = 0
    connections: int = 0
    seen: list[Seen] = field(default_factory=list)
    tasks: list["asyncio.Task[Any]"] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.tasks.append(task)
        try:
            while not writer.is_closing():
                if self.reads:
                    self.seen.append(await read_request(reader))
                await self.answer(self, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went away, or the test is over
        finally:
            writer.transport.abort()

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await asyncio.sleep(0)  # lets aborted transports close


async def read_request(reader: asyncio.StreamReader) -> Seen:
    """The next request of a connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.rstrip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    method, target, _ = first.split(" ")
    return Seen(method, target, headers, body)


def says(status: int, body: bytes = b"{}", *headers: str) -> Answer:
    """A well-formed answer."""

    async def answer(_: RawServer, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} Said", f"content-length: {len(body)}", *headers]
        if status == 204:
            lines.pop(1)
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()

    return answer


def writes(data: bytes, wait: float = 0.0) -> Answer:
    """Raw bytes, and then the end of the connection after ``wait`` seconds."""

    async def answer(_: RawServer, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(wait)
        writer.close()
        await writer.wait_closed()

    return answer


async def hangs(_: RawServer, writer: asyncio.StreamWriter) -> None:
    """No answer, for as long as the test lasts."""
    await asyncio.Event().wait()


async def resets(_: RawServer, writer: asyncio.StreamWriter) -> None:
    """A reset instead of an answer."""
    writer.transport.abort()


@contextlib.asynccontextmanager
async def running(
    answer: Answer, tls: ssl.SSLContext | None = None, reads: bool = True
) -> AsyncIterator[RawServer]:
    """The server, listening on a free port of 127.0.0.1; without ``reads`` it only answers."""
    raw = RawServer(answer, reads)
    server = await asyncio.start_server(raw.serve, "127.0.0.1", 0, ssl=tls)
    raw.port = server.sockets[0].getsockname()[1]
    try:
        yield raw
    finally:
        server.close()
        await raw.stop()


@contextlib.asynccontextmanager
async def opened(hosts: Iterable[str] = ("127.0.0.1",), **more: Any) -> AsyncIterator[HttpActions]:
    """Http actions that may call this machine."""
    actions = HttpActions(hosts=hosts, **{"tls": TLS, **more})
    try:
        yield actions
    finally:
        await actions.close()


@dataclass(frozen=True)
class Exchange:
    """What became of one call, and what the server saw of it."""

    outcome: ActionOutcome
    seen: list[Seen]


def exchange(
    answer: Answer,
    given: JsonObject | None = None,
    path: str = "/orders",
    kind: Kind = Kind.COMMAND,
    method: str = "POST",
    timeout: float = 60.0,
    of_handler: float = 60.0,
    trace_id: str | None = None,
    **handler: Any,
) -> Exchange:
    """Perform one call against a fresh server."""

    async def scenario() -> Exchange:
        async with running(answer) as server, opened() as actions:
            made = HttpHandler(method, server.url + path, timeout=of_handler, **handler)
            call = make_call(make_contract(made, kind), given, timeout, trace_id=trace_id)
            return Exchange(await actions.perform(call, made), server.seen)

    return asyncio.run(scenario())


def exchange_that_arrives(answer: Answer, which: str = "timeout") -> Exchange:
    """Perform one call in so short a time as lets the request arrive at the server.

    ``which`` is the time that is short, that of the call (``timeout``) or ``of_handler``.
    """
    for seconds in (0.15, 0.6, 2.4, 9.6):
        found = exchange(answer, **{which: seconds})
        if found.seen:
            return found
    raise AssertionError("no request arrived")
