"""A queue in which workspaces take turns, so that a busy one does not hold up the others."""

from collections import Counter, deque
from collections.abc import Callable

from gateway.model.claims import DueRun

_BACKGROUND_EVERY = 8


class FairQueue:
    """Runs that wait to be advanced by this process.

    Runs behind which a caller waits come first, but of eight runs one is always from the
    background. Among equals workspaces take turns; within one the order is that of arrival.
    ``room`` is how many runs may wait, of which one workspace gets at most half. A fourth as many
    more, shared out likewise, is kept for runs that were found in the record: however many others
    this process is told of, those have their turn too. No workspace has more than ``cap`` runs
    taken at a time (None: no limit).
    """

    def __init__(self, *, room: int, cap: int | None = None) -> None:
        self._room = _Room(room)
        self._kept = _Room(max(room // 4, 1))
        self._cap = cap
        self._turns = (_Turns(), _Turns())
        self._known: dict[str, _Room] = {}
        self._taken: Counter[str] = Counter()
        self._urgent_in_a_row = 0

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._known

    def __len__(self) -> int:
        return len(self._known)

    @property
    def room_left(self) -> int:
        """How many more runs are let in of which this process is told."""
        return self._room.left

    @property
    def room_for_found(self) -> int:
        """How many more runs are let in that were found."""
        return self._room.left + self._kept.left

    def push(self, run: DueRun, *, found: bool = False) -> bool:
        """Let a run wait; False where there is no room, True also for one that waits already."""
        if run.run_id in self._known:
            return True
        for room in (self._room, self._kept) if found else (self._room,):
            if room.take(run.workspace):
                self._known[run.run_id] = room
                self._turns[run.urgent].push(run)
                return True
        return False

    def pop(self) -> DueRun | None:
        """Take the next run; None where none waits whose workspace may have another one.

        Say ``done`` of it when it is no longer advanced.
        """
        urgent_first = self._urgent_in_a_row < _BACKGROUND_EVERY - 1
        for turns in (self._turns[urgent_first], self._turns[not urgent_first]):
            run = turns.pop(self._may_have_another)
            if run is not None:
                self._urgent_in_a_row = self._urgent_in_a_row + 1 if run.urgent else 0
                self._known.pop(run.run_id).give_back(run.workspace)
                self._taken[run.workspace] += 1
                return run
        return None

    def done(self, run: DueRun) -> None:
        """A run that was taken is no longer advanced."""
        _count_down(self._taken, run.workspace)

    def clear(self) -> None:
        """Let go of whatever waits."""
        self._turns = (_Turns(), _Turns())
        self._known.clear()
        self._room.clear()
        self._kept.clear()

    def _may_have_another(self, workspace: str) -> bool:
        return self._cap is None or self._taken[workspace] < self._cap


class _Room:
    """Places for so many runs, of which one workspace gets at most half."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._share = max(places // 2, 1)
        self._waiting: Counter[str] = Counter()
        self.left = places

    def take(self, workspace: str) -> bool:
        if not self.left or self._waiting[workspace] >= self._share:
            return False
        self.left -= 1
        self._waiting[workspace] += 1
        return True

    def give_back(self, workspace: str) -> None:
        self.left += 1
        _count_down(self._waiting, workspace)

    def clear(self) -> None:
        self.left = self._places
        self._waiting.clear()


class _Turns:
    """Workspaces in the order of their turns, each with its runs in the order they came."""

    def __init__(self) -> None:
        self._runs: dict[str, deque[DueRun]] = {}

    def push(self, run: DueRun) -> None:
        self._runs.setdefault(run.workspace, deque()).append(run)

    def pop(self, may_have_another: Callable[[str], bool]) -> DueRun | None:
        workspace = next(filter(may_have_another, self._runs), None)
        if workspace is None:
            return None
        runs = self._runs.pop(workspace)
        run = runs.popleft()
        if runs:
            self._runs[workspace] = runs  # at the end: the others have their turn first
        return run


def _count_down(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if counter[name] <= 0:
        del counter[name]
