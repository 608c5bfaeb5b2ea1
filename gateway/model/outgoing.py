"""What leaves the record by itself: events to webhooks, checkpoints to anchors and witnesses."""

from typing import Protocol

from gateway.model.anchor import AnchorQueue, AnchorRecords
from gateway.model.delivery import DeliveryQueue, DeliveryRecords
from gateway.model.transparency import TransparencyRecords


class OutgoingRecords(AnchorRecords, DeliveryRecords, TransparencyRecords, Protocol):
    """Reading what there is to bring, and how far it was brought."""


class OutgoingQueue(AnchorQueue, DeliveryQueue, Protocol):
    """Writing how far it was brought, within a unit of work."""
