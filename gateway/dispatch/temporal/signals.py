"""Telling Temporal of runs: signal with start, after the commit that woke them."""

import asyncio
import contextlib
import logging

from temporalio.client import Client
from temporalio.common import Priority, WorkflowIDReusePolicy
from temporalio.service import RPCError

from gateway.dispatch.temporal.connecting import connected
from gateway.dispatch.temporal.workflow import WAKE, WORKFLOW
from gateway.model.claims import DueRun

TASK_QUEUE = "gateway"
"""The task queue of workflows and activities."""

_log = logging.getLogger(__name__)
_WAITING = 10_000
_HANDS = 16
_TROUBLE = 1.0
_URGENT, _BACKGROUND = 2, 4


class TemporalSignals:
    """Signals the workflow of a run, which begins with the first signal.

    What could not be told is dropped after a while: whoever sweeps the record tells it again.
    """

    def __init__(self, address: str, namespace: str, lease: float) -> None:
        self._address = address
        self._namespace = namespace
        self._lease = lease
        self._queue: asyncio.Queue[DueRun] = asyncio.Queue(_WAITING)
        self._tasks: list[asyncio.Task[None]] = []
        self._client: Client | None = None

    async def start(self) -> None:
        """Begin to signal. The server need not be there yet."""
        self._client = await connected(self._address, self._namespace, lazy=True)
        self._tasks = [asyncio.create_task(self._tell(self._client)) for _ in range(_HANDS)]

    async def stop(self, patience: float = 2.0) -> None:
        """Signal what is queued, for at most ``patience`` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._queue.join()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def submit(self, run: DueRun) -> None:
        """Signal the workflow of a run soon."""
        try:
            self._queue.put_nowait(run)
        except asyncio.QueueFull:
            _log.warning(
                "too many runs are to be signalled: run %s will be found later", run.run_id
            )

    async def _tell(self, client: Client) -> None:
        while True:
            run = await self._queue.get()
            try:
                await self._signal(client, run)
            except RPCError as error:
                _log.warning("Temporal was not told of a run (%s)", error.status.name)
                await asyncio.sleep(_TROUBLE)
            except Exception as error:
                _log.warning("Temporal was not told of a run (%s)", type(error).__name__)
                await asyncio.sleep(_TROUBLE)
            finally:
                self._queue.task_done()

    async def _signal(self, client: Client, run: DueRun) -> None:
        given = {
            "run_id": run.run_id,
            "workspace": run.workspace,
            "urgent": run.urgent,
            "lease": self._lease,
        }
        await client.start_workflow(
            WORKFLOW,
            given,
            id=f"{WORKFLOW}-{run.run_id}",
            task_queue=TASK_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            start_signal=WAKE,
            priority=Priority(
                priority_key=_URGENT if run.urgent else _BACKGROUND,
                fairness_key=run.workspace[:64],
            ),
        )
