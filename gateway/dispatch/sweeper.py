"""The sweeper: finds runs that are due although nobody said so.

Leases of processes that died, wake-ups that got lost, and timers that no process keeps
(``timers.py``) are found here, by looking through the claims. Every process has a sweeper; several
that find the same run do no harm, for its claim lets one in.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from gateway.model.claims import LONGEST_LEASE, DueRun
from gateway.model.ports import Clock, Journal, Records
from gateway.model.problem import ProblemError
from gateway.model.record_clock import keep_right
from gateway.model.tasks import cancelled
from gateway.model.time import after, parse, stamp

_log = logging.getLogger(__name__)
_TROUBLE = 1.0
_WENT_BACK = timedelta(seconds=1)
"""How much earlier it must be than it was for the clock to have gone back."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often is looked, in seconds: at least every ``every``, at most every ``busy``.

    ``late`` is how long a run must be due to be found: where others bring word of it, they are let
    do so first. Each wait is longer by a random part of ``jitter``, so that processes that wait for
    the same moment do not all look at once.
    """

    every: float = 60.0
    busy: float = 0.05
    late: float = 0.0
    jitter: float = 0.0

    @property
    def is_shared(self) -> bool:
        """True where other processes look too."""
        return self.late > 0


ALONE = Pace()
"""The pace of the only process."""


def among_others(lease: float) -> Pace:
    """The pace of one process of several, whose claims last ``lease`` seconds."""
    return Pace(every=min(lease / 2, 5.0), busy=0.2, late=min(lease / 4, 1.0), jitter=0.2)


class Sweeper:
    """Looks for due runs at the earliest moment that any run has asked for.

    ``found`` is given what is due, ``wanted`` says how many it could take. ``cap`` is how many runs
    of a workspace may be held at a time.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        *,
        found: Callable[[list[DueRun]], Awaitable[None]],
        wanted: Callable[[], int],
        pace: Pace = ALONE,
        cap: int | None = None,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._found = found
        self._wanted = wanted
        self._pace = pace
        self._cap = cap
        self._look = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._next: str | None = None
        self._is_reading = False
        self._looked_at = float("-inf")
        self._again: asyncio.TimerHandle | None = None
        self._latest: datetime | None = None
        self._ahead: str | None = None

    def start(self) -> None:
        """Begin to look; whatever is due already is found at once."""
        self._task = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Look no more."""
        await cancelled(self._task)
        self._task = None
        if self._again is not None:
            self._again.cancel()

    def look(self) -> None:
        """Look soon: not at once where that was just done, for there is room after each run."""
        loop = asyncio.get_running_loop()
        wait = self._looked_at + self._pace.busy - loop.time()
        if wait <= 0:
            self._look.set()
        elif self._again is None:
            self._again = loop.call_later(wait, self._look.set)

    def schedule(self, wake_at: str) -> None:
        """Look at ``wake_at`` at the latest."""
        if self._next is None or wake_at < self._next:
            self._next = wake_at
            if not self._is_reading:  # else the next look is planned once it has read
                self._look.set()

    def notice(self) -> None:
        """Remember how late it is, so that a clock which goes back is known as such."""
        if self._latest is not None:
            self._latest = max(self._latest, self._clock.now())

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
                async with asyncio.timeout(pause + self._pace.jitter * random.random()):  # noqa: S311 - a spread, no secret
                    await self._look.wait()
            self._look.clear()
            self._looked_at = asyncio.get_running_loop().time()
            self._again = None

    async def _submit_due(self) -> float:
        """Hand on the runs that are due; returns how many seconds to wait before the next look."""
        await keep_right(self._clock)
        limit = self._wanted()
        if limit <= 0:
            return self._pace.every
        now = self._clock.now()
        await self._mind_the_clock(now)
        due, following = await self._read(now, limit)
        if following is not None and (self._next is None or following < self._next):
            self._next = following
        await self._found(due)
        return self._pause(self._next, is_more=len(due) == limit)

    async def _read(self, now: datetime, limit: int) -> tuple[list[DueRun], str | None]:
        """What is due, and the next moment. One that is asked for meanwhile need not be among what
        is read: it stays remembered."""
        self._next, self._is_reading = None, True
        try:
            return await self._journal.read(partial(self._due, now, limit))
        finally:
            self._is_reading = False

    async def _mind_the_clock(self, now: datetime) -> None:
        """Have looked for what waits for a time that was said before the clock went back: at the
        first look, for it may have done so before this process began, and whenever it does."""
        if self._latest is None or now < self._latest - _WENT_BACK:
            await self._journal.write(lambda tx: tx.shorten(after(tx.now, LONGEST_LEASE)))
            self._ahead = ""
        self._latest = now

    def _due(self, now: datetime, limit: int, records: Records) -> tuple[list[DueRun], str | None]:
        """The runs to hand on, and the next moment that any run has asked for."""
        late = stamp(now - timedelta(seconds=self._pace.late))
        due, following = records.due_runs(late, limit, self._cap), records.next_wake()
        room = limit - len(due)
        if self._ahead is not None and room > 0:
            # By the moment of reading: what was parked since the look began is not ahead.
            ahead = records.runs_ahead(stamp(self._clock.now() + _WENT_BACK), room, self._ahead)
            self._ahead = ahead[-1].run_id if len(ahead) == room else None
            due += ahead
        return due, following

    def _pause(self, following: str | None, *, is_more: bool) -> float:
        if is_more:
            return self._pace.busy
        if following is None:
            return self._pace.every
        wait = (parse(following) - self._clock.now()).total_seconds() + self._pace.late
        return min(max(wait, self._pace.busy), self._pace.every)
