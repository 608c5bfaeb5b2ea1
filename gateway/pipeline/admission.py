"""Admission: how much may be under way at once, and what is refused first when it is too much.

Whatever waits inside the gateway belongs to a call that is in progress or to a run that is due, so
bounds on their numbers bound the memory. A number says little of time, for calls may be quick or
slow, so how long the record makes its writers wait has a bound of its own. What would go over a
bound is refused before anything is decided or recorded: a queue that only grows answers everybody
too late.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from gateway.model.problem import Problem, problem
from gateway.telemetry import metrics

RETRY_AFTER = 1.0
"""Seconds after which whoever was refused may try again."""

_TELL_EVERY = 1000

_TOO_MUCH = problem(
    "SERVICE_UNAVAILABLE",
    f"The gateway has too much to do at once. Nothing was done. Try again in {RETRY_AFTER:g} s.",
    retry_after=RETRY_AFTER,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """``calls`` may be in progress at once, ``waiting_runs`` may be due and not yet advanced, and
    for ``delay`` seconds a write may have to wait for the writer."""

    calls: int = 256
    waiting_runs: int = 1000
    delay: float = 0.2


@dataclass(frozen=True, slots=True)
class Gauges:
    """What is measured: how many runs are due and not yet advanced, and how many seconds a write
    has to wait at present."""

    waiting_runs: Callable[[], int] = int
    delay: Callable[[], float] = float


@dataclass(frozen=True, slots=True)
class _Share:
    """How far each bound may be used up, 1 being the whole; None where it does not matter."""

    calls: float
    waiting_runs: float | None = None
    delay: float | None = None


class Priority(Enum):
    """What a call is for, from what is refused first to what is refused last.

    ``NEW`` begins something, ``START`` starts a run of what was compiled and verified before,
    ``OPERATOR`` decides or stops what is under way, and ``ORDINARY`` is everything else. Work that
    others have gone far with is worth more than work that is yet to begin, and whoever wants to
    stop something must never wait behind those who want to start.
    """

    NEW = _Share(0.5, 0.5, 0.25)
    START = _Share(0.75, 1.0, 1.0)
    ORDINARY = _Share(0.75, None, 2.0)
    OPERATOR = _Share(1.0)


class Admission:
    """Counts calls in progress, and holds them and what the gauges tell to the bounds."""

    def __init__(self, bounds: Bounds | None = None, gauges: Gauges | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._gauges = gauges or Gauges()
        self._in_progress = 0
        self._refused = 0

    @property
    def in_progress(self) -> int:
        """How many calls are in progress."""
        return self._in_progress

    def admit(self, priority: Priority) -> Problem | None:
        """Take a place for one call, which ``leave`` gives back.

        Returns:
            SERVICE_UNAVAILABLE with ``retryAfter`` where there is none: then nothing was done, and
            nothing is to be given back. Not raised, because most callers may be refused, and each
            of them should cost little.
        """
        found = self._too_much(priority.value)
        if found is not None:
            return self._refused_for(*found)
        self._in_progress += 1
        return None

    def leave(self) -> None:
        """Give a place back."""
        self._in_progress -= 1

    def _too_much(self, share: _Share) -> tuple[str, str] | None:
        """What there is too much of for a call with this share: for metrics, and in words."""
        bounds, gauges = self._bounds, self._gauges
        if self._in_progress >= _part(bounds.calls, share.calls):
            return "calls", f"{self._in_progress} calls in progress"
        if share.waiting_runs is not None:
            waiting = gauges.waiting_runs()
            if waiting >= _part(bounds.waiting_runs, share.waiting_runs):
                return "runs", f"{waiting} runs waiting"
        if share.delay is not None:
            delay = gauges.delay()
            if delay > bounds.delay * share.delay:
                return "delay", f"writes wait {delay:.2f} s"
        return None

    def _refused_for(self, reason: str, found: str) -> Problem:
        metrics.overload.add(reason)
        if self._refused % _TELL_EVERY == 0:
            _log.warning("too much at once (%s): calls are refused", found)
        self._refused += 1
        return _TOO_MUCH


def _part(bound: int, share: float) -> int:
    return max(1, int(bound * share))
