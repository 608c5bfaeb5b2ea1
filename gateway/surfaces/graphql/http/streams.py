"""GraphQL over server-sent events: one event stream for one operation.

The distinct connections mode of https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md.
A stream tells whatever is wrong with the operation itself in a ``next`` with errors, because the
clients that take streams see no more of an HTTP error than that there was one.
"""

import asyncio
import contextlib
from collections.abc import Coroutine

from starlette.types import Message, Receive, Scope, Send

from gateway.model.problem import ProblemError
from gateway.surfaces.graphql.encoding import encode
from gateway.surfaces.graphql.errors import entries_of
from gateway.surfaces.graphql.http.answers import COMMON_HEADERS, raw_headers
from gateway.surfaces.graphql.http.negotiation import EVENT_STREAM
from gateway.surfaces.graphql.operations.execution import Operation, results
from gateway.surfaces.graphql.operations.operation_log import OperationLine
from gateway.surfaces.graphql.operations.told import told_of
from gateway.surfaces.graphql.server.lifetime import Connection, PeerGoneError
from gateway.surfaces.graphql.service import Service

_HEADERS = {
    **COMMON_HEADERS,
    "content-type": f"{EVENT_STREAM}; charset=utf-8",
    "x-accel-buffering": "no",  # nginx would hold events back
}
_START: Message = {
    "type": "http.response.start",
    "status": 200,
    "headers": raw_headers(_HEADERS),
}
_COMMENT = b":\n\n"
_COMPLETE = b"event: complete\ndata: \n\n"  # EventSource passes over events without data


class ClosedStream:
    """An ASGI application that answers with a stream of one result."""

    def __init__(self, written: bytes) -> None:
        self._written = written

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send the result and be done."""
        await send(_START)
        await send(_chunk(_next(self._written) + _COMPLETE, is_last=True))


class EventStream:
    """An ASGI application that sends the results of a subscription as they come.

    It ends with the subscription, when the client hangs up or does not read, when the token of
    ``authorization`` is no longer believed, and when the gateway stops.
    """

    def __init__(
        self,
        service: Service,
        connection: Connection,
        operation: Operation,
        authorization: str | None,
        line: OperationLine,
    ) -> None:
        self._service = service
        self._connection = connection
        self._operation = operation
        self._authorization = authorization
        self._line = line

    async def __call__(self, _scope: Scope, receive: Receive, _send: Send) -> None:
        """Send until it is over, then say why, where there is a reason."""
        with self._line, self._connection, contextlib.suppress(PeerGoneError):
            await self._connection.send(_START)
            error = await _first(self._pump(), self._end_in_time(), self._beat(), _hang_up(receive))
            last = b""
            if error is not None:
                self._line.failed(error)
                trace_id = self._operation.context.trace_id
                errors = entries_of(error, "a subscription", trace_id)
                last = _next(encode({"errors": errors}))
            await self._connection.send(_chunk(last + _COMPLETE, is_last=True))

    async def _pump(self) -> Exception | None:
        try:
            async with contextlib.aclosing(results(self._operation)) as found:
                async for result in found:
                    told = told_of(self._operation, result.body)
                    self._line.answered(told.body)
                    await self._connection.send(_chunk(_next(told.written, result.cursor)))
        except PeerGoneError:
            raise
        except Exception as error:  # a refusal, or the last line: it is told and ends the stream
            return error
        return None

    async def _end_in_time(self) -> Exception:
        valid_for = self._service.valid_for
        return ProblemError(await self._connection.over(valid_for, self._authorization))

    async def _beat(self) -> None:
        """Send comments, so that whoever is between does not take the stream for dead."""
        while True:
            await self._connection.send(_chunk(_COMMENT))
            await asyncio.sleep(self._service.connections.limits.heartbeat_seconds)


async def _hang_up(receive: Receive) -> None:
    """Wait until the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    raise PeerGoneError


async def _first(*waiting: Coroutine[None, None, Exception | None]) -> Exception | None:
    """What the first to end gives; the others are stopped."""
    tasks = [asyncio.create_task(one) for one in waiting]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task for task in tasks if task.done()).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _next(written: bytes, cursor: str | None = None) -> bytes:
    at = b"" if cursor is None else f"id: {cursor}\n".encode()
    return b"event: next\n" + at + b"data: " + written + b"\n\n"


def _chunk(body: bytes, *, is_last: bool = False) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": not is_last}
