"""What a workspace did, counted, and who works for it: as whoever watches over a gateway asks."""

from dataclasses import dataclass
from typing import Protocol

from gateway.model.entry import EntryType

COUNTED = (
    *(EntryType.RUN_STARTED, EntryType.RUN_RETRIED, EntryType.RUN_ENDED),
    *(EntryType.STEP_DISPATCHED, EntryType.STEP_COMPLETED, EntryType.STEP_FAILED),
    *(EntryType.CALL_COMPLETED, EntryType.CALL_FAILED, EntryType.CALL_DENIED),
    EntryType.QUERY_ANSWERED,
)
"""The types of entries that are counted."""


@dataclass(frozen=True, slots=True)
class ActivityCount:
    """How many entries of a type came in a minute (``2026-03-01T09:30``).

    ``contract`` is that of calls and of attempts of steps; ``outcome`` is the status of a run that
    ended, or the code of a call that failed.
    """

    minute: str
    type: EntryType
    contract: str | None
    outcome: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that advances runs of a workspace: how many, and when the first lease ends."""

    owner: str
    runs: int
    lease_until: str


class ActivityRecords(Protocol):
    """Reading what a workspace did, within bounds."""

    def position_before(self, moment: str) -> int:
        """The position of the last entry before the stamp ``moment``, 0 where there is none; found
        by halving, so it holds as far as clocks went forward."""
        ...

    def last_moment(self) -> str | None:
        """The stamp of the last entry, None before the first."""
        ...

    def moment_behind(self, position: int) -> str | None:
        """The stamp of the first entry behind a position."""
        ...

    def activity(self, workspace: str, after: int, through: int) -> list[ActivityCount]:
        """The entries of a workspace behind ``after``, up to ``through``, counted.

        It reads every entry of that stretch: keep it short.
        """
        ...

    def holders(self, workspace: str, now: str, limit: int) -> list[Holder]:
        """The first ``limit`` processes, by name, whose leases on runs of a workspace last."""
        ...
