"""When an anchor that failed is tried again: sooner at first, then each hour, and never given up.

Checkpoints are few, and each of them stands for all entries before it: one that did not leave the
house is worth trying for as long as it takes.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.anchoring.anchor import AnchorError
from gateway.model.anchor import Progress
from gateway.model.time import after

MINUTE, HOUR = 60.0, 3600.0

PAUSES = (5.0, 30.0, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR)
"""Seconds before each further attempt; the last one counts for all that follow."""

MAX_RETRY_AFTER = 6 * HOUR
"""The longest that the other side can put an attempt off, in seconds."""

_JITTER = 0.2


@dataclass(frozen=True, slots=True)
class Schedule:
    """The rules of retrying.

    ``scale`` multiplies every pause; ``jitter`` gives numbers from 0 to 1, of which each adds up
    to a fifth to a pause.
    """

    jitter: Callable[[], float]
    scale: float = 1.0

    @property
    def longest(self) -> float:
        """The longest that an attempt is put off, in seconds."""
        return max(max(PAUSES) * self.scale * (1 + _JITTER), MAX_RETRY_AFTER)

    def failed(self, progress: Progress, error: AnchorError, now: str) -> Progress:
        """The progress after an attempt that failed at the moment ``now``."""
        pause = PAUSES[min(progress.attempts, len(PAUSES) - 1)]
        pause *= self.scale * (1 + _JITTER * self.jitter())
        pause = max(pause, min(error.retry_after or 0.0, MAX_RETRY_AFTER))
        return replace(
            progress,
            attempts=progress.attempts + 1,
            next_at=after(now, pause),
            last_error=str(error),
            updated_at=now,
        )


def moved_on(progress: Progress, number: int, now: str) -> Progress:
    """The progress once the target has the checkpoint ``number``."""
    return Progress(progress.kind, progress.target, number, now)
