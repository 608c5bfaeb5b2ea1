"""A thread that takes queued work in batches and answers it on the event loop."""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

from gateway.journal.faults import RETRY_AFTER, not_durable
from gateway.journal.queued import Queued
from gateway.journal.waits import Waits
from gateway.journal.work import Work
from gateway.model.problem import ProblemError, refuse
from gateway.telemetry import metrics

BATCH = 256
"""The most pieces of work that share one transaction."""

_SIBLINGS = 4
"""Works from which on more are waited for: fewer are no sign that others come again."""

_PAUSE = 0.00025
_PAUSES = 4
"""Seconds of a pause in which more may come, and how many there are at most."""

log = logging.getLogger("gateway.journal")


class Worker:
    """The thread ``name``; ``perform`` fills in the outcome of each work of a batch.

    It returns the works that must be part of a later batch, which then have no outcome yet.
    ``waits`` tells how long work has to wait for its turn.

    With a ``pause`` (it is given seconds), several works that wait already let more come for a
    moment, as long as more do come. Callers who are answered together come again together; without
    it they would go by halves for ever, one half while the other is answered, which takes twice as
    many batches. That pays where a batch costs about the same whatever is in it (PostgreSQL has
    this as ``commit_delay`` and ``commit_siblings``).

    Whatever goes wrong in a batch, every work of it is answered and the thread goes on.
    """

    def __init__(
        self,
        name: str,
        loop: asyncio.AbstractEventLoop,
        perform: Callable[[list[Work]], list[Work]],
        pause: Callable[[float], None] | None = None,
    ) -> None:
        self._pause = pause
        self._part = name.rpartition("-")[2]
        self._loop = loop
        self._perform = perform
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self.waits = Waits(self._queue.qsize)
        self._queued = Queued(loop)
        self._closed = False
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> None:
        """Queue work.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE after ``close``.
        """
        if self._closed:
            raise closed()
        if work.expires:
            self._queued.add(work)
        self._queue.put(work)

    async def call(self, function: Callable[[Any], Any]) -> Any:
        """Queue work and wait for what it returns, or raise what it raised.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE where it was not begun in time, or after ``close``.
        """
        future: asyncio.Future[Any] = self._loop.create_future()

        def answer(work: Work) -> None:
            if future.done():  # the caller was cancelled and wants no answer
                return
            if work.error is None:
                future.set_result(work.result)
            else:
                future.set_exception(work.error)

        self.submit(Work(function, answer, expires=True))
        return await future

    async def close(self) -> None:
        """Finish everything that is queued, then stop. Calling it again only waits."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await self._stopped.wait()

    def _run(self) -> None:
        stopping = False
        left: list[Work] = []
        while left or not stopping:
            batch, stopping = self._gather(left, stopping)
            if batch:
                self.waits.took(len(batch))
                left = self._settle(batch)
                self._count(len(batch), self.waits.done())
                self._tell(self._answer, [work for work in batch if work not in left])
        self._tell(self._stopped.set)

    def _count(self, works: int, seconds: float) -> None:
        metrics.batch_units.observe(works, self._part)
        metrics.batch_seconds.observe(seconds, self._part)

    def _gather(self, left: list[Work], stopping: bool) -> tuple[list[Work], bool]:
        """What an earlier batch left and what is queued; waits for work where there is none."""
        batch = list(left)
        if self._pause is not None:
            self._let_more_come(self._pause)
        while len(batch) < BATCH and not stopping:
            try:
                work = self._queue.get(block=not batch)
            except queue.Empty:
                break
            if work is None:
                stopping = True
            elif not work.expires or self._queued.take(work):
                batch.append(work)
        return batch, stopping

    def _let_more_come(self, pause: Callable[[float], None]) -> None:
        waiting = self._queue.qsize()
        if waiting < _SIBLINGS:
            return
        for _ in range(_PAUSES):
            pause(_PAUSE)
            before, waiting = waiting, self._queue.qsize()
            if waiting == before:
                return

    def _settle(self, batch: list[Work]) -> list[Work]:
        try:
            return self._perform(batch)
        except BaseException as error:  # nobody may wait for ever
            log.exception("A batch of the journal failed")
            for work in batch:
                work.fail(not_durable(error))
            return []

    def _tell(self, function: Callable[..., Any], *given: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *given)
        except RuntimeError:  # the loop was closed without closing the journal
            log.warning("The event loop is closed: outcomes of the journal reach nobody")

    @staticmethod
    def _answer(batch: list[Work]) -> None:
        for work in batch:
            for effect in work.effects:
                try:
                    effect()
                except Exception:
                    log.exception("An effect after a commit failed")
            work.done(work)


def closed() -> ProblemError:
    """SERVICE_UNAVAILABLE of a journal that takes no more work."""
    return refuse(
        "SERVICE_UNAVAILABLE",
        "The record is closed: the gateway is stopping. Try again later.",
        retry_after=RETRY_AFTER,
    )
