"""How long work waits for the writer, as whoever admits new work wants to know it.

A moment's wait is no sign of too much: a burst has it, and so has whoever comes while a commit
waits for the disk. What tells a queue that stands from one that comes and goes is the shortest wait
of the last moments (as in CoDel, RFC 8289): where even that is long, more comes in than goes out.
"""

import time
from collections.abc import Callable

WINDOW = 0.1
"""Seconds over which the shortest wait is taken; it is that of the last one or two of these."""

FEW = 32
"""Works in a batch up to which it is no queue, however long they waited: each of them takes long
then, and to refuse others would not make them quicker."""

HUNG = 2.0
"""Seconds after which a batch that is not over yet counts as a wait by itself. Shorter ones are a
large unit or a slow disk, and whoever waits for them is better off than whoever is refused."""


class Waits:
    """The waits of batches. The writer calls ``took`` and ``done``, others ``standing``."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._began = now()
        self._least: float | None = None
        self._least_before = 0.0
        self._busy_since: float | None = None

    def took(self, wait: float, works: int) -> None:
        """A batch of ``works`` was begun, whose first had waited so many seconds."""
        if works < FEW:
            wait = 0.0
        now = self._busy_since = self._now()
        age = now - self._began
        if age >= WINDOW:
            is_last = age < 2 * WINDOW and self._least is not None
            self._least_before = (self._least or 0.0) if is_last else 0.0
            self._began, self._least = now, None
        self._least = wait if self._least is None else min(self._least, wait)

    def done(self) -> None:
        """The batch is over."""
        self._busy_since = None

    def standing(self) -> float:
        """Seconds that work has to wait at present, 0 where no queue stands."""
        now, busy_since = self._now(), self._busy_since
        if busy_since is not None and now - busy_since > HUNG:
            return now - busy_since
        if now - self._began >= 2 * WINDOW:
            return 0.0
        return min(self._least_before, self._least or 0.0)
