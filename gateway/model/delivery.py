"""Webhook deliveries: one event on its way to one endpoint, and the queue of them.

The queue is no projection: like claims it says how far this process has come, not what happened.
What happened stands in the journal, and a message is built from there each time it is sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from gateway.model.json import digest
from gateway.model.time import END

if TYPE_CHECKING:
    from gateway.model.ports import Page


class DeliveryStatus(StrEnum):
    """Where a delivery stands: still to be sent, taken by the receiver, or given up."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one endpoint.

    ``id`` is also the ``webhook-id`` of every attempt. ``position`` and ``index`` say which event
    of which entry is sent. ``attempts`` counts those made since the delivery was queued or last
    replayed; ``next_at`` is None unless one more is due. ``last_status`` is the HTTP status of the
    last answer, ``last_error`` what went wrong with the last attempt. Times are stamps.
    """

    id: str
    workspace: str
    endpoint: str
    event_id: str
    position: int
    index: int
    type: str
    execution_id: str | None
    created_at: str
    updated_at: str
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: int = 0
    next_at: str | None = None
    last_status: int | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries to list; None does not narrow."""

    workspace: str
    status: str | None = None
    endpoint: str | None = None


def delivery_id(workspace: str, endpoint: str, event_id: str) -> str:
    """The id of the delivery of an event to an endpoint: always the same, and without a dot.

    Its parts are encoded before they are hashed, so that no two deliveries share one.
    """
    return f"msg_{digest([workspace, endpoint, event_id])[:32]}"


class DeliveryRecords(Protocol):
    """Reading the queue. An endpoint is known by its workspace and its id."""

    def delivery(self, workspace: str, delivery_id: str) -> Delivery | None:
        """The delivery of this id."""
        ...

    def deliveries(self, which: DeliveryFilter, page: "Page") -> tuple[list[Delivery], int]:
        """A page of deliveries, the newest event first, and how many there are in all."""
        ...

    def due_deliveries(
        self, workspace: str, endpoint: str, now: str, limit: int, latest: str = END
    ) -> list[Delivery]:
        """Pending deliveries of an endpoint whose time has come, the longest overdue first.

        Behind them those that wait for a moment after ``latest``: nobody puts one off for so long,
        so that was said before a clock went back.
        """
        ...

    def next_delivery(
        self, workspace: str, endpoint: str, now: str, latest: str = END
    ) -> str | None:
        """When the next pending delivery of an endpoint that is not due yet will be."""
        ...

    def webhook_position(self, workspace: str, endpoint: str) -> int | None:
        """The position up to which events were queued for an endpoint; None if it is new."""
        ...

    def webhook_places(self) -> list[tuple[str, str]]:
        """The workspace and the id of every endpoint that there ever was, in order."""
        ...


class DeliveryQueue(Protocol):
    """Writing the queue, within a unit of work."""

    def open_webhook(self, workspace: str, endpoint: str, position: int) -> None:
        """Let a new endpoint begin behind ``position``; one that is known stays where it is."""
        ...

    def move_webhook(self, workspace: str, endpoint: str, before: int, position: int) -> bool:
        """Move an endpoint on from ``before`` to ``position``; False if it is elsewhere."""
        ...

    def queue_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """Add deliveries; one that is there already stays as it is."""
        ...

    def change_delivery(self, before: Delivery, after: Delivery) -> bool:
        """Store what became of a delivery; False if it is no longer what it was ``before``."""
        ...

    def prune_deliveries(self, status: DeliveryStatus, before: str, limit: int) -> int:
        """Remove up to ``limit`` deliveries of a status that last changed before a moment."""
        ...
