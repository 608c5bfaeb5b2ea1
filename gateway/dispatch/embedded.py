"""The embedded dispatcher: this process advances its own runs.

A run that waits costs its row and nothing else: no task, no timer, no connection. One sweep looks
for due runs, at the earliest moment that any run has asked for.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from gateway.model.ports import Clock, Journal
from gateway.model.problem import ProblemError
from gateway.model.time import parse, stamp

_log = logging.getLogger(__name__)
_BATCH = 256
_IDLE = 60.0
_BUSY = 0.05
_TROUBLE = 1.0

Advance = Callable[[str, asyncio.Event], Awaitable[str | None]]
"""Advances a run until it is parked or over; returns when it wants to be woken."""


class EmbeddedDispatcher:
    """Advances at most ``max_runs`` runs at a time, the others wait in the order they came."""

    def __init__(self, journal: Journal, clock: Clock, *, max_runs: int = 512) -> None:
        self._journal = journal
        self._clock = clock
        self._max_runs = max_runs
        self._advance: Advance | None = None
        self._active: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._queue: deque[str] = deque()
        self._queued: set[str] = set()
        self._settled: dict[str, asyncio.Future[None]] = {}
        self._look = asyncio.Event()
        self._sweeper: asyncio.Task[None] | None = None
        self._next_look: str | None = None

    def start(self, advance: Advance) -> None:
        """Begin to sweep; whatever is due already is advanced at once."""
        self._advance = advance
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self, patience: float = 10.0) -> None:
        """Stop taking runs and wait ``patience`` seconds for those under way.

        What is cut then is found by the next start: its attempts count as of unknown outcome.
        """
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        self._advance = None
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def submit(self, run_id: str) -> None:
        """Advance this run soon; if it is being advanced, tell whoever does."""
        if run_id in self._active:
            self._active[run_id].set()
        elif run_id not in self._queued:
            self._queued.add(run_id)
            self._queue.append(run_id)
            self._fill()

    def schedule(self, wake_at: str) -> None:
        """Look for due runs at ``wake_at`` at the latest."""
        if self._next_look is None or wake_at < self._next_look:
            self._next_look = wake_at
            self._look.set()

    def waiting(self) -> int:
        """How many runs wait for others to be parked or over before they are advanced."""
        return len(self._queue)

    async def settled(self, run_id: str) -> None:
        """Wait until this process has nothing more to do for the run at present."""
        while run_id in self._active or run_id in self._queued:
            future = self._settled.get(run_id)
            if future is None:
                future = self._settled[run_id] = asyncio.get_running_loop().create_future()
            await asyncio.shield(future)

    def _fill(self) -> None:
        while self._advance is not None and self._queue and len(self._active) < self._max_runs:
            run_id = self._queue.popleft()
            self._queued.discard(run_id)
            self._active[run_id] = asyncio.Event()
            self._tasks[run_id] = asyncio.create_task(self._run(run_id, self._advance))

    async def _run(self, run_id: str, advance: Advance) -> None:
        woken = self._active[run_id]
        wake_at = None
        try:
            wake_at = await advance(run_id, woken)
        except Exception:
            # The run keeps its row: the sweep finds it again when its lease is over.
            _log.exception("advancing run %s failed", run_id)
        finally:
            self._active.pop(run_id)
            self._tasks.pop(run_id)
            if wake_at is not None:
                self.schedule(wake_at)
            if woken.is_set():
                self.submit(run_id)
            elif run_id in self._settled:
                self._settled.pop(run_id).set_result(None)
            self._fill()

    async def _sweep(self) -> None:
        while True:
            try:
                pause = await self._submit_due()
            except ProblemError as error:
                _log.error("looking for due runs failed: %s", error.problem.code)
                pause = _TROUBLE
            except Exception:
                # Whatever it was, runs that wait must not wait for ever.
                _log.exception("looking for due runs failed")
                pause = _TROUBLE
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._look.wait()
            self._look.clear()

    async def _submit_due(self) -> float:
        """Submit the runs that are due; returns how many seconds to wait before the next look."""
        now = stamp(self._clock.now())
        due, following = await self._journal.read(
            lambda records: (records.due_runs(now, _BATCH), records.next_wake())
        )
        fresh = [run_id for run_id in due if run_id not in self._active]
        for run_id in fresh:
            self.submit(run_id)
        self._next_look = following
        if len(due) == _BATCH:
            return _BUSY
        if following is None:
            return _IDLE
        wait = (parse(following) - self._clock.now()).total_seconds()
        return min(max(wait, _BUSY), _IDLE)
