"""The operations that run on one WebSocket, each under the id that the client gave it."""

import asyncio
import contextlib

from orjson import Fragment

from gateway.model.json import JsonObject
from gateway.model.problem import refuse
from gateway.surfaces.graphql.errors import entries_of
from gateway.surfaces.graphql.operations.execution import Operation, results
from gateway.surfaces.graphql.operations.operation_log import OperationLine
from gateway.surfaces.graphql.operations.told import told_of
from gateway.surfaces.graphql.requests.parameters import Parameters
from gateway.surfaces.graphql.server.lifetime import Connection, PeerGoneError
from gateway.surfaces.graphql.service import Service
from gateway.surfaces.graphql.sockets.messages import CloseError


class SocketOperations:
    """Starts and stops operations; each is a task that sends its own results.

    ``authorization`` is whose operations they are; it is looked at anew for each of them. Only
    subscriptions are cut short: a query or mutation that has begun goes on to its end, as it does
    over HTTP, but nobody is told.
    """

    def __init__(
        self,
        service: Service,
        connection: Connection,
        request_id: str | None,
        trace_id: str | None,
    ) -> None:
        self.authorization: str | None = None
        self._service = service
        self._connection = connection
        self._request_id = request_id
        self._trace_id = trace_id
        self._wanted: dict[str, asyncio.Task[None]] = {}
        self._subscriptions: set[asyncio.Task[None]] = set()
        self._lasting: set[asyncio.Task[None]] = set()
        """Those that go on to their end, whether anybody waits for them or not."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, id_: str, parameters: Parameters) -> None:
        """Start an operation.

        Raises:
            CloseError: 4409 while another one runs under this id.
            PeerGoneError: the connection is no more.
        """
        if id_ in self._wanted:
            raise CloseError(4409, f"Subscriber for {id_} already exists")
        most = self._service.connections.limits.operations
        while len(self._tasks) >= most and (ending := self._ending()):
            await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
            if self._connection.is_over:  # closed meanwhile: nothing is begun any more
                raise PeerGoneError
        if len(self._tasks) >= most:
            detail = f"This socket runs {most} operations, which is the most. Complete some."
            entries = entries_of(
                refuse("SOCKET_OPERATION_LIMIT_EXCEEDED", detail), "a request", self._trace_id
            )
            await self._connection.send_json({"id": id_, "type": "error", "payload": entries})
            return
        task = asyncio.create_task(self._operate(id_, parameters))
        self._wanted[id_] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self, id_: str) -> None:
        """Send nothing more of an operation. Ids that are not known are passed over."""
        task = self._wanted.pop(id_, None)
        if task in self._subscriptions:
            task.cancel()

    def stop_all(self) -> None:
        """Send nothing more of any operation."""
        for id_ in tuple(self._wanted):
            self.stop(id_)

    async def end(self) -> None:
        """Stop all operations and wait until they have let go of what they hold."""
        self.stop_all()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ending(self) -> set[asyncio.Task[None]]:
        """Those that were stopped and are about to let go of what they hold: whoever completes one
        may begin another with the next message."""
        return self._tasks.difference(self._wanted.values(), self._lasting)

    async def _operate(self, id_: str, parameters: Parameters) -> None:
        with contextlib.suppress(PeerGoneError):
            try:
                await self._send_results(id_, parameters)
            except PeerGoneError:
                raise
            except Exception as error:  # the last line: a bug ends this operation and is logged
                entries = entries_of(error, "an operation", self._trace_id)
                await self._send(id_, "error", entries)
            else:
                await self._send(id_, "complete")

    async def _send_results(self, id_: str, parameters: Parameters) -> None:
        with OperationLine("websocket", self._request_id, self._trace_id, parameters) as line:
            principal = line.principal = await self._service.authenticate(self.authorization)
            line.operation = self._service.engine.prepare(parameters, principal, self._trace_id)
            if self._is_wanted(id_):  # else it was stopped before it began
                await self._run(id_, line.operation, line)

    async def _run(self, id_: str, operation: Operation, line: OperationLine) -> None:
        task = self._wanted[id_]
        kind = self._subscriptions if operation.is_subscription else self._lasting
        kind.add(task)
        task.add_done_callback(kind.discard)
        async with contextlib.aclosing(results(operation)) as found:
            async for result in found:
                told = told_of(operation, result.body)
                line.answered(told.body)
                await self._send(id_, "next", Fragment(told.written))

    async def _send(
        self, id_: str, kind: str, payload: Fragment | list[JsonObject] | None = None
    ) -> None:
        """Send a message of an operation that is still wanted; all but ``next`` are its last."""
        if not self._is_wanted(id_):
            return
        if kind != "next":  # the client may use the id again as soon as it has this
            del self._wanted[id_]
        message: JsonObject = {"id": id_, "type": kind}
        if payload is not None:
            message["payload"] = payload
        await self._connection.send_json(message)

    def _is_wanted(self, id_: str) -> bool:
        return self._wanted.get(id_) is asyncio.current_task()
