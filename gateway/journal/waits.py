"""How long work has to wait for the writer, as whoever admits new work wants to know it.

It is foretold and not measured: what waits, by the rate of the last batches. A wait that was
measured is known when it is over, and what was let in meanwhile comes on top.
"""

import time
from collections.abc import Callable

FEW = 32
"""Works up to which it is no queue, however long they wait: each of them takes long then, and to
refuse others would not make them quicker."""

HUNG = 2.0
"""Seconds after which a batch that is not over yet counts as a wait by itself. Shorter ones are a
large unit or a slow disk, and whoever waits for them is better off than whoever is refused."""

_TELLING = 16
"""Works of a batch from which on its rate tells that of a queue: smaller ones spend their time on
the commit."""

_WEIGHT = 0.3
"""How much of the rate is that of the last batch."""


class Waits:
    """What waits: ``queued`` counts it. The writer calls ``took`` and ``done`` for each batch."""

    def __init__(
        self, queued: Callable[[], int], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._queued = queued
        self._now = now
        self._rate: float | None = None
        self._works = 0
        self._since: float | None = None
        self._hung: float | None = None

    def took(self, works: int) -> None:
        """A batch of so many works was begun."""
        self._works, self._since = works, self._now()

    def done(self) -> float:
        """The batch is over; returns how many seconds it took."""
        works, since = self._works, self._since
        self._works, self._since = 0, None
        if since is None:
            return 0.0
        took = self._now() - since
        self._hung = took if took > HUNG else None
        if works < _TELLING:
            return took
        rate = works / max(took, 1e-6)
        known = rate if self._rate is None else self._rate
        self._rate = known + _WEIGHT * (rate - known)
        return took

    def expected(self) -> float:
        """Seconds that work would have to wait which came now, 0 where there is no queue."""
        hung = self.hung()
        if hung:
            return hung
        waiting = self._waiting()
        if waiting < FEW or self._rate is None:
            return 0.0
        return waiting / self._rate

    def hung(self) -> float:
        """Seconds that a batch hangs already, 0 where none does.

        After one that hung, the next ones count as hung too until one is over in time, except
        where nothing waits: so a database that is away is tried by one caller at a time.
        """
        since = self._since
        busy = 0.0 if since is None else self._now() - since
        if busy > HUNG:
            return busy
        return self._hung if self._hung is not None and self._waiting() else 0.0

    def _waiting(self) -> int:
        return self._queued() + self._works
