"""Admission: how much may be under way at once, and what is refused first when it is too much.

Whatever waits inside the gateway waits for a call that is in progress or for a run that is due, so
bounds on these two bound the memory and the waiting. What would go over them is refused before
anything is decided or recorded: a queue that only grows answers everybody too late.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from gateway.model.problem import refuse

RETRY_AFTER = 1.0
"""Seconds after which whoever was refused may try again."""

_TELL_EVERY = 1000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """``calls`` may be in progress at once; ``waiting_runs`` may be due and not yet advanced."""

    calls: int = 512
    waiting_runs: int = 1000


@dataclass(frozen=True, slots=True)
class _Share:
    """How full each bound may be, from 0 to 1; None where it does not matter."""

    calls: float
    waiting_runs: float | None = None


class Priority(Enum):
    """What a call is for, from what is refused first to what is refused last.

    ``NEW`` begins something, ``START`` starts a run of what was compiled and verified before,
    ``OPERATOR`` decides or stops what is under way, and ``ORDINARY`` is everything else. Work that
    others have gone far with is worth more than work that is yet to begin, and whoever wants to
    stop something must never wait behind those who want to start.
    """

    NEW = _Share(0.5, 0.5)
    START = _Share(0.75, 1.0)
    ORDINARY = _Share(0.75)
    OPERATOR = _Share(1.0)


class Admission:
    """Counts calls in progress. ``waiting`` tells how many runs are due and not yet advanced."""

    def __init__(self, bounds: Bounds | None = None, waiting: Callable[[], int] = int) -> None:
        self._bounds = bounds or Bounds()
        self._waiting = waiting
        self._in_progress = 0
        self._refused = 0

    @property
    def in_progress(self) -> int:
        """How many calls are in progress."""
        return self._in_progress

    @contextmanager
    def admit(self, priority: Priority) -> Iterator[None]:
        """A place for one call while the context lasts.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE with ``retryAfter``; nothing was done.
        """
        share = priority.value
        if self._in_progress >= _part(self._bounds.calls, share.calls):
            raise self._refusal("calls in progress", self._in_progress)
        if share.waiting_runs is not None:
            waiting = self._waiting()
            if waiting >= _part(self._bounds.waiting_runs, share.waiting_runs):
                raise self._refusal("runs waiting", waiting)
        self._in_progress += 1
        try:
            yield
        finally:
            self._in_progress -= 1

    def _refusal(self, what: str, count: int) -> Exception:
        if self._refused % _TELL_EVERY == 0:
            _log.warning("too much at once (%d %s): calls are refused", count, what)
        self._refused += 1
        return refuse(
            "SERVICE_UNAVAILABLE",
            f"The gateway has too much to do at once. Nothing was done. Try again in "
            f"{RETRY_AFTER:g} s.",
            retry_after=RETRY_AFTER,
        )


def _part(bound: int, share: float) -> int:
    return max(1, int(bound * share))
