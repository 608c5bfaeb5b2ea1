"""The record as anchors and witnesses need it: the next checkpoint to bring, and its tree."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.anchoring.anchor import SignedCheckpoint
from gateway.journal import parsed_line
from gateway.model.ports import Journal, Records


def next_after(records: Records, number: int) -> SignedCheckpoint | None:
    """The first checkpoint behind a number that may leave the house; None where there is none.

    Those of format 1 name executions, and stay.

    Raises:
        ValueError: a stored checkpoint is none.
    """
    while (line := records.checkpoint_of(number + 1)) is not None:
        number += 1
        found = parsed_line(line)
        if found.checkpoint is not None:
            own = found.checkpoint
            return SignedCheckpoint(number, found.note, str(own), own.origin, own.size, own.root)
    return None


@dataclass(frozen=True, slots=True)
class JournalHistory:
    """``History`` of the record in this journal."""

    journal: Journal

    async def root(self, size: int) -> bytes | None:
        """The root of the first ``size`` entries; None where the tree covers not so many."""

        def query(records: Records) -> bytes | None:
            return records.tree_root(size) if size <= records.tree_size() else None

        return await self.journal.read(query)

    async def proof(self, old: int, new: int) -> Sequence[bytes]:
        """The proof that the tree of ``new`` entries goes on from that of ``old``.

        Raises:
            ValueError: the tree does not cover as many.
        """
        return await self.journal.read(lambda records: records.consistency_proof(old, new))
