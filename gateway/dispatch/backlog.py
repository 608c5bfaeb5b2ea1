"""How many runs wait in the record for anybody to advance them.

A process whose runs others advance cannot count them itself. It looks into the record, at most once
a second and only while somebody asks; in between, the last count stands.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from gateway.model.ports import Clock, Journal
from gateway.model.problem import ProblemError
from gateway.model.time import stamp

EVERY = 1.0
"""Seconds between two counts."""

STALE = 5.0
"""Seconds after which a count says nothing any more. A record that is away is no queue of runs: how
long writes wait tells of that."""

_log = logging.getLogger(__name__)


class Backlog:
    """Counts the due runs that nobody holds, up to ``most``; ``seconds`` is a clock that only
    measures."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        most: int,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._most = most
        self._seconds = seconds
        self._count = 0
        self._counted: float | None = None
        self._counting: asyncio.Task[None] | None = None

    def waiting(self) -> int:
        """The last count, 0 where none is known. Asking has them counted anew soon."""
        age = None if self._counted is None else self._seconds() - self._counted
        if (age is None or age >= EVERY) and (self._counting is None or self._counting.done()):
            self._counting = asyncio.create_task(self._look())
        return self._count if age is not None and age < STALE else 0

    async def stop(self) -> None:
        """Count no more."""
        if self._counting is not None:
            self._counting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._counting

    async def _look(self) -> None:
        try:
            now, most = stamp(self._clock.now()), self._most
            self._count = await self._journal.read(lambda records: records.count_due(now, most))
            self._counted = self._seconds()
        except ProblemError as error:
            _log.debug("due runs could not be counted: %s", error.problem.code)
        except Exception:
            _log.exception("counting due runs failed")
