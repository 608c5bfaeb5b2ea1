"""What journals have in common, whatever database they lie in: two threads and a tail."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TypeVar

from gateway.journal.checkpoint_file import CheckpointFile
from gateway.journal.place import Place
from gateway.journal.records import SqlRecords
from gateway.journal.session import Session
from gateway.journal.tail import Tail
from gateway.journal.unit import Unit
from gateway.journal.work import Work
from gateway.journal.worker import Worker
from gateway.model.ports import Clock, Journal, Records, Tx
from gateway.model.problem import ProblemError
from gateway.telemetry import metrics

T = TypeVar("T")

OUTSTANDING = 1024
"""How many recorded units may wait to become durable before ``record`` waits too."""

log = logging.getLogger("gateway.journal")


class DurableJournal(Journal):
    """A journal at a ``place``, over a writing and a reading thread, which a subclass makes.

    ``lost_records`` counts the units handed to ``record`` that could not be written. ``clock`` is
    this process's; ``checkpoints`` is the file in which the checkpoints stand once more.
    ``on_woken`` is called on the event loop with each run that was woken while some process, maybe
    this one, holds it.
    """

    def __init__(self, place: Place, clock: Clock, data_dir: Path) -> None:
        self.place = place
        self.clock = clock
        self.checkpoints = CheckpointFile(data_dir)
        self.lost_records = 0
        self.on_woken: Callable[[str], None] = lambda _: None
        self._room = asyncio.Semaphore(OUTSTANDING)

    _writer: Worker
    _reader: Worker
    _tail: Tail

    def snapshot(self) -> AbstractContextManager[Session]:
        """A session of its own on the record as it is now, for what takes long to read.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE, DATABASE_UNREADABLE.
        """
        raise NotImplementedError

    async def write(self, unit: Callable[[Tx], T]) -> T:
        """Run a unit of work; returns what it returned once it is durable.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when it could not be made durable; nothing of it
                is then recorded.
        """
        result: T = await self._writer.call(unit)
        return result

    async def record(self, unit: Callable[[Tx], None]) -> None:
        """Queue a unit without waiting for it to be durable; waits while the queue is full.

        A unit that fails is counted in ``lost_records`` and logged.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE after ``close``.
        """
        await self._room.acquire()
        try:
            self._writer.submit(Work(unit, self._recorded))
        except ProblemError:
            self._room.release()
            raise

    def _recorded(self, work: Work) -> None:
        self._room.release()
        if work.error is not None:
            self.lost_records += 1
            metrics.lost_units.add()
            cause = type(work.error).__name__
            if isinstance(work.error, ProblemError):
                cause = work.error.problem.code
            log.error("A recorded unit was lost (%s); %d so far", cause, self.lost_records)

    async def read(self, query: Callable[[Records], T], most: int | None = None) -> T:
        """Run a query over one consistent snapshot, of which it may read ``most`` bytes of JSON.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when the database cannot be read;
                ANSWER_LIMIT_EXCEEDED.
        """
        bounded = query if most is None else partial(_within, most, query)
        result: T = await self._reader.call(bounded)
        return result

    def delay(self) -> float:
        """Seconds that a unit would have to wait for the writer now, 0 where there is no queue.

        Reads count only where they hang: else they are over soon, and hold nobody up for long.
        """
        return max(self._writer.waits.expected(), self._reader.waits.hung())

    async def moved(self, after: int) -> None:
        """Return once an entry behind the position ``after`` is durable; waiting costs nothing.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE once the record is closed.
        """
        await self._tail.moved(after)

    async def adopt(self) -> int:
        """Free the claims that an earlier process left behind, where none of it can live any more.

        Returns how many there were.
        """
        raise NotImplementedError

    async def wake_waiting(self) -> int:
        """Wake every run that waits, as a change of policy asks; returns how many there were."""
        return await self.run(Unit.wake_waiting)

    async def run(self, unit: Callable[[Unit], T]) -> T:
        """``write`` for the journal's own parts, which need more than the port offers."""
        result: T = await self._writer.call(unit)
        return result

    async def close(self) -> None:
        """Finish what is queued, then let the database go."""
        raise NotImplementedError


def _within(most: int, query: Callable[[Records], T], records: SqlRecords) -> T:
    return query(records.within(most))
