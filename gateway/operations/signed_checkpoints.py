"""Looking up checkpoints: by number and by the size of their tree.

Numbers count from 1 without gaps and sizes never fall, so both are found by halving.
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

from gateway.journal import parsed_line
from gateway.model.ports import Records
from gateway.model.problem import refuse


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A checkpoint as it is shown: its ``note``, when it was signed, and what it says."""

    number: int
    at: str
    note: str
    origin: str
    size: int
    root: bytes


def note_of(records: Records, number: int) -> SignedNote | None:
    """The checkpoint of a number; None where there is none that may be shown.

    Those of format 1 name executions of every workspace, and may not.
    """
    line = records.checkpoint_of(number) if number > 0 else None
    found = parsed_line(line) if line is not None else None
    if found is None or found.checkpoint is None:
        return None
    own = found.checkpoint
    return SignedNote(number, found.at, found.note, own.origin, own.size, own.root)


def numbers(records: Records) -> range:
    """The numbers of the checkpoints that may be shown."""
    line = records.last_checkpoint()
    end = parsed_line(line).number + 1 if line is not None else 1
    every = range(1, end)
    first = bisect_left(every, True, key=lambda number: note_of(records, number) is not None)
    return every[first:] if first < len(every) else range(end, end)


def newest(records: Records) -> SignedNote:
    """The last checkpoint.

    Raises:
        ProblemError: PRECONDITION_FAILED where none was signed yet.
    """
    there = numbers(records)
    found = note_of(records, there[-1]) if there else None
    if found is None:
        told = "No checkpoint was signed yet. auditCheckpointCreate signs one."
        raise refuse("PRECONDITION_FAILED", told)
    return found


def note_of_size(records: Records, size: int) -> SignedNote | None:
    """The first checkpoint whose tree has just this size."""
    there = numbers(records)
    place = bisect_left(there, size, key=_size_in(records))
    found = note_of(records, there[place]) if place < len(there) else None
    return found if found is not None and found.size == size else None


def _size_in(records: Records) -> Callable[[int], int]:
    def size(number: int) -> int:
        found = note_of(records, number)
        return found.size if found is not None else 0

    return size
