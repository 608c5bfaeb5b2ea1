"""When a failed delivery is tried again, and when it is given up."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.model.delivery import Delivery, DeliveryStatus
from gateway.model.entry import EntryType, NewEntry
from gateway.model.retry_after import MAX_RETRY_AFTER
from gateway.model.time import END, parse
from gateway.model.time import after as stamp_after

MINUTE, HOUR = 60.0, 3600.0

RETRIES = (5.0, 5 * MINUTE, 30 * MINUTE, *(hours * HOUR for hours in (2, 5, 10, 14, 20, 24)))
"""Seconds before each further attempt: the schedule that Standard Webhooks 1.0.0 suggests."""

GONE = 410

_JITTER = 0.2


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one attempt: the ``status`` of the answer, or None without one.

    ``error`` says what went wrong, without anything that the receiver said; ``retry_after`` is
    in seconds.
    """

    status: int | None
    error: str | None
    retry_after: float | None = None

    @property
    def taken(self) -> bool:
        """True if the receiver has taken the message."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """True if the receiver wants nothing more from here."""
        return self.status == GONE


@dataclass(frozen=True, slots=True)
class Schedule:
    """The rules of retrying.

    ``scale`` multiplies every pause; ``jitter`` gives numbers from 0 to 1, of which each adds up
    to a fifth to a pause, so that what failed together does not come back together.
    """

    jitter: Callable[[], float]
    scale: float = 1.0

    def settle(self, delivery: Delivery, attempt: Attempt, now: str) -> Delivery:
        """The delivery after an attempt that ended at the moment ``now``."""
        told = replace(
            delivery,
            attempts=delivery.attempts + 1,
            next_at=None,
            last_status=attempt.status,
            last_error=attempt.error,
            updated_at=now,
        )
        if attempt.taken:
            return replace(told, status=DeliveryStatus.DELIVERED)
        if attempt.gone or told.attempts > len(RETRIES):
            return replace(told, status=DeliveryStatus.DEAD)
        return replace(told, next_at=stamp_after(now, self._pause(told.attempts, attempt)))

    def latest(self, now: str) -> str:
        """The latest moment that a delivery is put off to at ``now``."""
        try:
            return stamp_after(now, max(max(RETRIES) * self.scale * (1 + _JITTER), MAX_RETRY_AFTER))
        except OverflowError:
            return END

    def _pause(self, attempts: int, attempt: Attempt) -> float:
        pause = RETRIES[attempts - 1] * self.scale * (1 + _JITTER * self.jitter())
        return max(pause, attempt.retry_after or 0.0)


def replayed(delivery: Delivery, now: str) -> Delivery:
    """A settled delivery, due again at once and with all its attempts before it."""
    return replace(delivery, status=DeliveryStatus.PENDING, attempts=0, next_at=now, updated_at=now)


def dead_letter(delivery: Delivery) -> NewEntry:
    """The record of a delivery that is given up, on the chain of its workspace."""
    body = {
        "endpoint": delivery.endpoint,
        "deliveryId": delivery.id,
        "eventId": delivery.event_id,
        "attempts": delivery.attempts,
        "lastStatus": delivery.last_status,
    }
    return NewEntry(EntryType.WEBHOOK_DEAD, delivery.workspace, body)


def seconds_until(moment: str, now: datetime) -> float:
    """How many seconds from ``now`` to the stamp ``moment``; 0 where it has passed."""
    return max((parse(moment) - now).total_seconds(), 0.0)
