"""The runs that this process parked for a while, and that want to be advanced again.

Several processes share the record, and each would find them due in the same moment. So the one that
parked a run comes first, and the others find it only where that one is gone.
"""

import asyncio
import contextlib
import heapq
from collections.abc import Callable

from gateway.model.claims import DueRun
from gateway.model.ports import Clock
from gateway.model.tasks import cancelled
from gateway.model.time import parse

_MOST = 10_000
"""The most timers that are kept; what is beyond is found by the sweeper."""

_SOON = 60.0
"""Seconds within which a run must want to be advanced again to be kept: a second more or less
matters to nobody who waits for longer, and such runs may be very many."""


class Timers:
    """Gives each run to ``due`` at the moment it wants; remembers no more than so many."""

    def __init__(self, clock: Clock, due: Callable[[DueRun], None]) -> None:
        self._clock = clock
        self._due = due
        self._runs: dict[str, tuple[str, DueRun]] = {}
        self._waiting: list[tuple[str, str]] = []
        self._sooner = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to wait."""
        self._task = asyncio.create_task(self._wait())

    async def stop(self) -> None:
        """Wait no more."""
        await cancelled(self._task)
        self._task = None

    def add(self, run: DueRun, wake_at: str) -> None:
        """Give this run on at ``wake_at``, and not at the moment that it wanted before."""
        known = self._runs.get(run.run_id)
        if known is not None and known[0] == wake_at:
            return
        if len(self._waiting) < _MOST and self._until(wake_at) <= _SOON:
            self._runs[run.run_id] = (wake_at, run)
            heapq.heappush(self._waiting, (wake_at, run.run_id))
            self._sooner.set()
        else:
            self._runs.pop(run.run_id, None)

    async def _wait(self) -> None:
        while True:
            self._sooner.clear()
            pause = self._give()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._sooner.wait()

    def _give(self) -> float | None:
        """Give on what is due; returns the seconds until the next one is, None where there is
        none."""
        while self._waiting:
            wake_at, run_id = self._waiting[0]
            wait = self._until(wake_at)
            if wait > 0:
                return wait
            heapq.heappop(self._waiting)
            wanted, run = self._runs.get(run_id, ("", None))
            if run is not None and wanted == wake_at:
                del self._runs[run_id]
                self._due(run)
        return None

    def _until(self, wake_at: str) -> float:
        return (parse(wake_at) - self._clock.now()).total_seconds()
