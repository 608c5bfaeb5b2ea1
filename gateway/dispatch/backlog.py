"""How many runs are due and wait, where several processes take them."""

import asyncio
import logging

from gateway.model.ports import Clock, Journal, Records
from gateway.model.problem import ProblemError
from gateway.model.tasks import cancelled
from gateway.model.time import stamp

_LOOK = 0.5

_log = logging.getLogger(__name__)


class Backlog:
    """Counts the runs that are due and that nobody holds, twice a second and no further than
    ``up_to``."""

    def __init__(self, journal: Journal, clock: Clock, up_to: int) -> None:
        self.count = 0
        self._journal = journal
        self._clock = clock
        self._up_to = up_to
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to count."""
        self._task = asyncio.create_task(self._look())

    async def stop(self) -> None:
        """Count no more."""
        await cancelled(self._task)
        self._task = None

    async def _look(self) -> None:
        while True:
            try:
                self.count = await self._journal.read(self._waiting)
            except ProblemError:
                pass  # while the record is away nothing is started, whatever is told then
            except Exception:
                # A count that nobody renews would refuse, or let in, for ever.
                _log.exception("counting the runs that wait failed")
            await asyncio.sleep(_LOOK)

    def _waiting(self, records: Records) -> int:
        return records.waiting_runs(stamp(self._clock.now()), self._up_to)
