"""What feeds a worker: Temporal's worker runs the workflows and calls ``advance``."""

import asyncio
import logging
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from gateway.dispatch.embedded import EmbeddedDispatcher
from gateway.dispatch.temporal.connecting import connected
from gateway.dispatch.temporal.signals import TASK_QUEUE
from gateway.dispatch.temporal.workflow import ACTIVITY, RunWorkflow
from gateway.model.claims import DueRun
from gateway.model.execution import Claim
from gateway.model.ports import Clock, Journal
from gateway.model.tasks import left
from gateway.model.time import parse

_log = logging.getLogger(__name__)
_TROUBLE = 1.0
_BEATS = 3
_AT_LEAST = 0.05
_NO_ROOM = 1.0  # seconds: until then a sweeper may have found it, here or elsewhere
_PARTING = 10.0
"""Seconds for a worker to end in. It waits for its workflows, whatever has become of them."""


class TemporalFeed:
    """Advances runs in the dispatcher ``here``, as workflows on a Temporal server ask for it."""

    def __init__(
        self,
        address: str,
        namespace: str,
        here: EmbeddedDispatcher,
        journal: Journal,
        clock: Clock,
        at_most: int,
    ) -> None:
        self._address = address
        self._namespace = namespace
        self._here = here
        self._journal = journal
        self._clock = clock
        self._at_most = at_most
        self._task: asyncio.Task[None] | None = None
        self._is_stopping = False

    def start(self) -> None:
        """Begin to work."""
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Take no more runs. Those under way are not waited for here, but by the dispatcher.

        A worker that does not end in time, as where a workflow is stuck, is left to the end of the
        process.
        """
        self._is_stopping = True
        await left(self._task, _PARTING)
        self._task = None

    async def _work(self) -> None:
        """Work until stopped; whenever the server was away, begin anew.

        A worker may answer a cancellation by failing.
        """
        while not self._is_stopping:
            try:
                client = await connected(self._address, self._namespace)
                worker = Worker(
                    client,
                    task_queue=TASK_QUEUE,
                    workflows=[RunWorkflow],
                    activities=[self.advance],
                    # It imports nothing that could differ from one replay to the next.
                    workflow_runner=UnsandboxedWorkflowRunner(),
                    max_concurrent_activities=self._at_most,
                    # How long the workflows of a worker that died wait for it.
                    sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
                )
                await worker.run()
            except Exception as error:
                _log.warning("Temporal's tasks are not taken (%s)", type(error).__name__)
            await asyncio.sleep(_TROUBLE)

    @activity.defn(name=ACTIVITY)
    async def advance(self, given: dict[str, Any]) -> float | None:
        """Advance a run until it is parked or over; returns in how many seconds to look again."""
        run = DueRun(given["run_id"], given["workspace"], given["urgent"])
        beating = asyncio.create_task(_beat(given["lease"] / _BEATS))
        try:
            await self._here.pool.room()
            has_place = self._here.pool.submit(run)
            await self._here.pool.settled(run.run_id)
        finally:
            beating.cancel()
        pause = self._look_in(await self._journal.read(lambda r: r.claim_of(run.run_id)))
        return pause if has_place or pause is None else max(pause, _NO_ROOM)

    def _look_in(self, claim: Claim | None) -> float | None:
        """Seconds until the run wants to be looked at: when it said so, or its lease is over."""
        moment = (claim.lease_until if claim.owner else claim.wake_at) if claim else None
        if moment is None:
            return None
        return max((parse(moment) - self._clock.now()).total_seconds(), _AT_LEAST)


async def _beat(seconds: float) -> None:
    """Tell the server that this process lives."""
    while True:
        activity.heartbeat()
        await asyncio.sleep(seconds)
