"""Claims: who advances a run, and which runs are due, as protocols that the journal fills in."""

from dataclasses import dataclass
from typing import Protocol

from gateway.model.execution import Claim

LONGEST_LEASE = 600.0
"""The longest lease that can be set, in seconds."""


@dataclass(frozen=True, slots=True)
class DueRun:
    """A run to advance, and its workspace; ``urgent`` says that a caller waits for it."""

    run_id: str
    workspace: str
    urgent: bool = False


class ClaimRecords(Protocol):
    """Reading claims."""

    def claim_of(self, run_id: str) -> Claim | None:
        """The claim of a run."""
        ...

    def due_runs(self, now: str, limit: int, cap: int | None = None) -> list[DueRun]:
        """Runs whose ``wake_at`` or lease has passed, at most ``limit``.

        Where there are more, each workspace is given of its longest overdue ones as many as any
        other, those first for which a caller waits. With a ``cap``, a workspace is given only as
        many as it may have beside those that are held already.
        """
        ...

    def runs_ahead(self, now: str, limit: int, after: str) -> list[DueRun]:
        """Runs that wait for a moment, and that something was last recorded of at a later time than
        ``now``: before a clock went back. At most ``limit``, by id behind ``after``."""
        ...

    def waiting_runs(self, now: str, up_to: int) -> int:
        """How many runs are due that nobody holds, counted no further than ``up_to``."""
        ...

    def next_wake(self) -> str | None:
        """The earliest moment at which a run wants to be woken, or a lease ends."""
        ...


class ClaimQueue(Protocol):
    """Taking runs, keeping them, giving them back and waking them, in a unit of work."""

    def enlist(self, run_id: str, execution_id: str) -> None:
        """Give a new run of a recorded execution its claim row: epoch 0, held by nobody, due."""
        ...

    def claim(
        self, run_id: str, owner: str, lease_until: str, cap: int | None = None
    ) -> Claim | None:
        """Take a run whose claim is free or over, raising its epoch.

        None if somebody holds it, if nothing is left to be done for it, or if ``cap`` runs of its
        workspace are held. Processes that claim at the same moment do not see each other, so that
        for a moment there may be more than ``cap``, by what those claim in one batch.
        """
        ...

    def fence(self, run_id: str, epoch: int, lease_until: str) -> Claim | None:
        """Prolong a claim; None if it was lost (its epoch is no longer ``epoch``)."""
        ...

    def renew(self, owner: str, lease_until: str, before: str) -> list[Claim]:
        """Prolong those claims of an owner whose lease ends ``before``, and return them."""
        ...

    def shorten(self, latest: str) -> int:
        """Let no lease last beyond ``latest``, as those of before a clock went back may; returns
        how many did."""
        ...

    def release(self, run_id: str, epoch: int, wake_seq: int, wake_at: str | None) -> bool:
        """Give a claim back until ``wake_at``; False if a wake-up came since ``wake_seq``."""
        ...

    def free(self, owner: str) -> int:
        """Give back every claim of an owner, due at once; returns how many there were."""
        ...

    def wake(self, run_id: str) -> None:
        """Say that a run has something to do: a wake-up that a release cannot miss."""
        ...

    def remind(self, run_id: str) -> None:
        """Have word of a due run brought to whoever may advance it, once this unit is durable."""
        ...
