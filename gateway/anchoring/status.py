"""What left the house: cosignatures and receipts of checkpoints, and how each target is doing."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from gateway.anchoring.anchor import AnchorError
from gateway.anchoring.cosigner import cosignature_in
from gateway.anchoring.targets import Destinations, WitnessTarget
from gateway.model.anchor import Brought, Progress, Receipt, TargetKind
from gateway.model.ports import Records
from gateway.transparency import parse_note

Given = TypeVar("Given", Receipt, Brought)


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """How a target is doing; ``behind`` counts the checkpoints that it has not got yet."""

    progress: Progress
    behind: int


def targets_of(destinations: Destinations) -> list[tuple[TargetKind, str]]:
    """Every anchor and witness that is configured, in the order of the file."""
    return [
        *((TargetKind.ANCHOR, one.id) for one in destinations.anchors),
        *((TargetKind.WITNESS, one.id) for one in destinations.witnesses),
    ]


def target_statuses(
    records: Records, destinations: Destinations, newest: int
) -> list[TargetStatus]:
    """How the configured targets are doing, where ``newest`` is the number of the last checkpoint.

    One that was never started for is left out.
    """
    found = []
    for kind, own in targets_of(destinations):
        progress = records.progress_of(kind, own)
        if progress is not None:
            found.append(TargetStatus(progress, max(newest - progress.number, 0)))
    return found


def cosignatures(receipts: Iterable[Given]) -> list[Given]:
    """The receipts that are cosignatures."""
    return [one for one in receipts if one.cosignature is not None]


def is_cosigned(destinations: Destinations, note: str, receipts: Sequence[Given]) -> bool:
    """Whether as many of the configured witnesses signed a checkpoint, by its ``note``, as are
    wanted.

    Cosignatures were verified when they came, and are again: nothing signs the table that keeps
    them. Those of witnesses that left the file, or have another key in it by now, do not count.
    """
    if not destinations.quorum:
        return True
    text = parse_note(note).text
    held = [one for one in destinations.witnesses if _has_signed(one, text, receipts)]
    return len(held) >= destinations.quorum


def _has_signed(witness: WitnessTarget, text: str, receipts: Sequence[Given]) -> bool:
    for one in cosignatures(receipts):
        if one.kind is TargetKind.WITNESS and one.target == witness.id:
            with suppress(AnchorError):
                cosignature_in(f"{one.cosignature}\n".encode(), text, witness.key)
                return True
    return False


def with_cosignatures(note: str, receipts: Iterable[Receipt]) -> str:
    """A checkpoint's note with its cosignatures below its own signature."""
    return note + "".join(f"{one.cosignature}\n" for one in cosignatures(receipts))
