"""The runs that this process advances at present, and those that wait for their turn."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from gateway.dispatch.fair_queue import FairQueue
from gateway.model.claims import DueRun

_log = logging.getLogger(__name__)

Advance = Callable[[str, asyncio.Event], Awaitable[str | None]]
"""Advances a run until it is parked or over; returns when it wants to be woken."""

_ALWAYS = 16
"""Runs that may be under way however late the record is: a run that waits for a service does not
write, and to have fewer would not make anything quicker."""

_LATE = 0.1
"""Seconds after which is looked whether the record is late any more, where runs wait for that."""


class RunPool:
    """Advances at most ``max_runs`` runs at a time, and each by one task.

    ``ahead`` is how many more may wait here, ``cap`` how many of one workspace may be advanced at a
    time. A run for which there is no room is not lost, for the record says that it is due:
    ``has_missed`` is true until somebody has looked there. ``on_room`` is called when there is room
    again, ``on_wake`` with a run that was parked and the moment at which it wants to be woken.
    While ``is_late``, no more runs are begun than a few.
    """

    def __init__(self, *, max_runs: int, ahead: int, cap: int | None = None) -> None:
        self.on_room: Callable[[], None] = lambda: None
        self.on_wake: Callable[[DueRun, str], None] = lambda _, __: None
        self.is_late: Callable[[], bool] = lambda: False
        self.has_missed = False
        self._max_runs = max_runs
        self._queue = FairQueue(room=ahead, cap=cap)
        self._advance: Advance | None = None
        self._active: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._settled: dict[str, asyncio.Future[None]] = {}
        self._room = asyncio.Event()
        self._room.set()
        self._again: asyncio.TimerHandle | None = None

    def __contains__(self, run_id: str) -> bool:
        """True while the run is advanced here or waits for it."""
        return run_id in self._active or run_id in self._queue

    @property
    def waiting(self) -> int:
        """How many runs wait here for others to be parked or over."""
        return len(self._queue)

    @property
    def room_for_found(self) -> int:
        """How many more runs that were found in the record may wait here."""
        return self._queue.room_for_found

    def start(self, advance: Advance) -> None:
        """Begin to advance runs."""
        self._advance = advance
        self._fill()

    def submit(self, run: DueRun, *, found: bool = False) -> bool:
        """Advance this run soon; if it is being advanced, tell whoever does.

        False where there is no room for it. ``found`` says that it was found in the record.
        """
        if run.run_id in self._active:
            self._active[run.run_id].set()
            return True
        if not self._queue.push(run, found=found):
            self.has_missed = True
            return False
        self._fill()
        return True

    def wake(self, run_id: str) -> None:
        """Tell whoever advances this run here that it has something to do."""
        if run_id in self._active:
            self._active[run_id].set()

    async def room(self) -> None:
        """Wait until a run may wait here."""
        await self._room.wait()

    async def settled(self, run_id: str) -> None:
        """Wait until this process has nothing more to do for the run at present."""
        while run_id in self:
            future = self._settled.get(run_id)
            if future is None:
                future = self._settled[run_id] = asyncio.get_running_loop().create_future()
            await asyncio.shield(future)

    def close(self) -> None:
        """Take no more runs. Those that were not begun are left: the record says that they are
        due."""
        self._advance = None
        self._queue.clear()
        if self._again is not None:
            self._again.cancel()
        for run_id in [name for name in self._settled if name not in self._active]:
            self._settle(run_id)

    async def stop(self, patience: float) -> None:
        """Take no more runs, and wait ``patience`` seconds for those under way; then cut them
        off."""
        self.close()
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _fill(self) -> None:
        """Begin as many of those that wait as may be begun now."""
        while self._advance is not None and self._has_place():
            run = self._queue.pop()
            if run is None:
                break
            self._active[run.run_id] = asyncio.Event()
            self._tasks[run.run_id] = asyncio.create_task(self._run(run, self._advance))
        if self._queue.room_left:
            self._room.set()
        else:
            self._room.clear()

    def _has_place(self) -> bool:
        """Whether one more run may be advanced. While the record is late, those under way come
        first: whoever ends makes place for the next, and it is looked again soon."""
        active = len(self._active)
        if active >= self._max_runs:
            return False
        if active < _ALWAYS or not self.is_late():
            return True
        if len(self._queue) and self._again is None:
            self._again = asyncio.get_running_loop().call_later(_LATE, self._fill_again)
        return False

    def _fill_again(self) -> None:
        self._again = None
        self._fill()

    async def _run(self, run: DueRun, advance: Advance) -> None:
        run_id = run.run_id
        woken = self._active[run_id]
        wake_at = None
        try:
            wake_at = await advance(run_id, woken)
        except Exception:
            # The run keeps its row: it is found again when its lease is over.
            _log.exception("advancing run %s failed", run_id)
        finally:
            self._active.pop(run_id)
            self._tasks.pop(run_id)
            self._queue.done(run)
            if wake_at is not None:
                self.on_wake(run, wake_at)
            if not (woken.is_set() and self._advance is not None and self.submit(run)):
                self._settle(run_id)
            self._fill()
            if self.has_missed:
                self.on_room()

    def _settle(self, run_id: str) -> None:
        if run_id in self._settled:
            self._settled.pop(run_id).set_result(None)
