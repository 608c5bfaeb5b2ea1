"""The dispatcher of a process whose runs others advance.

Word of a run is brought to them by an engine. What is due for so long that the word must have been
lost is told again.
"""

from collections.abc import Callable

from gateway.dispatch.settling import Settling
from gateway.dispatch.sweeper import Pace, Sweeper
from gateway.model.claims import DueRun
from gateway.model.ports import Clock, Dispatcher, Journal, Tx

_BATCH = 64


class ElsewhereDispatcher(Dispatcher):
    """Leaves runs to workers.

    ``lease`` is in seconds. ``tell`` is called after the commit that woke a run, for engines that
    cannot be told within it.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        lease: float,
        tell: Callable[[DueRun], None] | None = None,
    ) -> None:
        self._journal = journal
        self._tell = tell
        self._settling = Settling(journal, clock)
        pace = Pace(every=lease, busy=lease / 2, late=lease / 4, jitter=lease / 4)
        self._sweeper = Sweeper(
            journal, clock, found=self._remind, wanted=lambda: _BATCH, pace=pace
        )

    def start(self) -> None:
        """Begin to look for runs that nobody takes."""
        self._sweeper.start()

    async def stop(self) -> None:
        """Look no more, and let go whoever waits."""
        await self._sweeper.stop()
        await self._settling.stop()

    def submit(self, run: DueRun) -> None:
        """Tell the engine; one that is told in the unit of work knows already."""
        if self._tell is not None:
            self._tell(run)

    def schedule(self, wake_at: str) -> None:
        """Nothing: whoever advances runs looks for those that are due."""

    def waiting(self) -> int:
        """None: what waits, waits in the record, and who advances runs bounds what it takes."""
        return 0

    async def settled(self, run_id: str) -> None:
        """Wait until the run is parked or has ended, for half a minute at most."""
        await self._settling.settled(run_id)

    async def _remind(self, due: list[DueRun]) -> None:
        if self._tell is not None:
            for run in due:
                self._tell(run)
        elif due:
            await self._journal.write(lambda tx: _remind(tx, due))


def _remind(tx: Tx, due: list[DueRun]) -> None:
    for run in due:
        tx.remind(run.run_id)
