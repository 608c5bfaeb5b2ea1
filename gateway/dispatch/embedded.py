"""The embedded dispatcher: this process advances runs.

A run that waits costs its row, and where several processes share the record an entry in the
``Timers`` of the one that parked it: no task, no connection. One sweep finds what is due and nobody
brings.
"""

from dataclasses import dataclass

from gateway.dispatch.pool import Advance, RunPool
from gateway.dispatch.settling import Settling
from gateway.dispatch.sweeper import ALONE, Pace, Sweeper
from gateway.dispatch.timers import Timers
from gateway.model.claims import DueRun
from gateway.model.ports import Clock, Dispatcher, Journal

_BATCH = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one process takes on: ``max_runs`` are advanced at a time, ``ahead`` wait for it.

    ``per_workspace`` is how many runs of a workspace may be advanced at a time, over all processes;
    None for as many as there are.
    """

    max_runs: int = 512
    per_workspace: int | None = None
    ahead: int = 4096


class EmbeddedDispatcher(Dispatcher):
    """Advances runs in this process, fairly among workspaces.

    ``pace`` says how the record is looked through for due runs; ``is_alone`` that no other process
    advances runs of the same record.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        *,
        limits: Limits | None = None,
        pace: Pace = ALONE,
        is_alone: bool = True,
    ) -> None:
        limits = limits or Limits()
        cap = limits.per_workspace
        self.pool = RunPool(max_runs=limits.max_runs, ahead=limits.ahead, cap=cap)
        self._settling = Settling(journal, clock)
        self._sweeper = Sweeper(
            journal, clock, found=self._found, wanted=self._wanted, pace=pace, cap=cap
        )
        self.pool.on_room = self._sweeper.look
        self._timers = Timers(clock, self.submit)
        self.pool.on_wake = self._parked
        # Under a cap a run may come back because others are held: the sweeper knows which may go.
        self._has_timers = pace.is_shared and cap is None
        self._is_alone = is_alone

    def start(self, advance: Advance) -> None:
        """Begin to advance; whatever is due already is taken at once."""
        self.pool.start(advance)
        self._sweeper.start()
        self._timers.start()

    def leave(self) -> None:
        """Take no more runs; those under way go on."""
        self.pool.close()

    async def stop(self, patience: float = 10.0) -> None:
        """Stop taking runs and wait ``patience`` seconds for those under way.

        Whoever takes next what is cut then counts its attempts as of unknown outcome.
        """
        await self._timers.stop()
        await self._sweeper.stop()
        await self.pool.stop(patience)
        await self._settling.stop()

    def submit(self, run: DueRun) -> None:
        """Advance this run soon; if it is being advanced, tell whoever does."""
        self._sweeper.notice()
        self.pool.submit(run)

    def schedule(self, wake_at: str) -> None:
        """Look for due runs at ``wake_at`` at the latest."""
        self._sweeper.schedule(wake_at)

    def waiting(self) -> int:
        """How many runs wait here for others to be parked or over before they are advanced."""
        return self.pool.waiting

    async def settled(self, run_id: str) -> None:
        """Wait until nobody has anything more to do for the run at present."""
        was_here = run_id in self.pool
        await self.pool.settled(run_id)
        if not (was_here and self._is_alone):
            await self._settling.settled(run_id)

    def _parked(self, run: DueRun, wake_at: str) -> None:
        self._sweeper.notice()
        if self._has_timers:
            self._timers.add(run, wake_at)
        else:
            self._sweeper.schedule(wake_at)

    async def _found(self, due: list[DueRun]) -> None:
        for run in due:
            if run.run_id not in self.pool:
                self.pool.submit(run, found=True)

    def _wanted(self) -> int:
        """How many are to be looked for. For whom there is no room from now on need not be among
        what is found."""
        wanted = min(self.pool.room_for_found, _BATCH)
        self.pool.has_missed = wanted <= 0
        return wanted
