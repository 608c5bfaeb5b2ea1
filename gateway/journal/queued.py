"""Work that waits for its turn, and is given up where that takes too long."""

import asyncio

from gateway.journal.faults import RETRY_AFTER
from gateway.journal.work import Work
from gateway.model.problem import ProblemError, refuse

LONGEST = 10.0
"""Seconds for which work waits to be begun."""

_TICK = 1.0


class Queued:
    """Work that was queued and not begun yet.

    The thread that performs work takes it, the event loop gives up what is late; whichever comes
    first has it. So nothing of what is given up was done, or ever will be.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, longest: float = LONGEST) -> None:
        self._loop = loop
        self._longest = longest
        self._since: dict[Work, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, work: Work) -> None:
        """Work that is about to be queued. Called on the event loop."""
        self._since[work] = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(_TICK, self._look)

    def take(self, work: Work) -> bool:
        """Begin work; False if it was given up. Called in the thread that performs it."""
        # One step for the interpreter, so that never both have it.
        return self._since.pop(work, None) is not None

    def _look(self) -> None:
        late = self._loop.time() - self._longest
        # A thread takes meanwhile. The keys are copied in one step for the interpreter; a copy of
        # the items makes a tuple for each, and between two of these the thread may have its turn.
        for work in list(self._since):
            since = self._since.get(work)
            if since is not None and since > late:
                break
            if self.take(work):
                work.fail(_too_late(self._longest))
                work.done(work)
        self._timer = self._loop.call_later(_TICK, self._look) if self._since else None


def _too_late(seconds: float) -> ProblemError:
    return refuse(
        "SERVICE_UNAVAILABLE",
        f"The record was busy or away for {seconds:g} s; nothing was done. Try again in "
        f"{RETRY_AFTER:g} s.",
        retry_after=RETRY_AFTER,
    )
