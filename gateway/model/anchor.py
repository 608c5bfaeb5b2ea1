"""Anchors and witnesses: how far the checkpoints have left the house, and what came back.

Like webhook deliveries this is no projection: it says what this process has done about the
checkpoints, and a rebuild leaves it alone. It makes no entries either, for each entry asks for
another checkpoint, which would ask for another entry.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gateway.model.json import JsonObject


class TargetKind(StrEnum):
    """Who gets checkpoints: an anchor keeps them, a witness also signs them."""

    ANCHOR = "anchor"
    WITNESS = "witness"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a target has come: it has every checkpoint up to ``number`` that it was to get.

    ``attempts`` counts those that failed since the last one that did not; ``next_at`` says when
    the next is due, None for at once. ``last_error`` says what went wrong. Times are stamps.
    """

    kind: TargetKind
    target: str
    number: int
    updated_at: str
    attempts: int = 0
    next_at: str | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a target gave for a checkpoint: ``body`` is its answer, as JSON.

    ``cosignature`` is the signature line of a witness (C2SP signed-note), without its line feed.
    """

    number: int
    kind: TargetKind
    target: str
    at: str
    body: JsonObject
    cosignature: str | None = None


@dataclass(frozen=True, slots=True)
class Brought:
    """That a target has a checkpoint: its receipt without what it answered, which may be long."""

    number: int
    kind: TargetKind
    target: str
    cosignature: str | None = None


class AnchorRecords(Protocol):
    """Reading what became of the checkpoints outside."""

    def progress_of(self, kind: TargetKind, target: str) -> Progress | None:
        """How far a target has come; None if it is new."""
        ...

    def receipts(self, first: int, last: int) -> list[Receipt]:
        """The receipts for the checkpoints ``first`` to ``last``, by number, kind and target."""
        ...

    def brought(self, first: int, last: int) -> list[Brought]:
        """Who has the checkpoints ``first`` to ``last``, as ``receipts`` and in its order, and
        without reading any answer."""
        ...


class AnchorQueue(Protocol):
    """Writing it, within a unit of work."""

    def open_target(self, start: Progress) -> None:
        """Let a new target begin; one that is known stays where it is."""
        ...

    def move_target(self, before: Progress, after: Progress, receipt: Receipt | None) -> bool:
        """Store what came of an attempt; False if the target is no longer where it was ``before``.

        Nothing is stored then.
        """
        ...
