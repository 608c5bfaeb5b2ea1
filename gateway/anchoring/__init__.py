"""Checkpoints leave the house: anchors keep them, witnesses sign them."""

from gateway.anchoring.build import build_anchoring
from gateway.anchoring.config import load_destinations
from gateway.anchoring.service import Anchoring
from gateway.anchoring.status import (
    TargetStatus,
    cosignatures,
    is_cosigned,
    target_statuses,
    with_cosignatures,
)
from gateway.anchoring.targets import Destinations

__all__ = [
    "Anchoring",
    "Destinations",
    "TargetStatus",
    "build_anchoring",
    "cosignatures",
    "is_cosigned",
    "load_destinations",
    "target_statuses",
    "with_cosignatures",
]
