"""What the record proves of itself to whoever holds one of its checkpoints.

The tree is that of RFC 6962 over all entries in the order of their positions; the leaf of an entry
has as its input the 32 bytes of the entry's hash.
"""

from collections.abc import Sequence
from typing import Protocol


class TransparencyRecords(Protocol):
    """Reading checkpoints, and the proofs that belong to them. Hashes have 32 bytes."""

    def last_checkpoint(self) -> str | None:
        """The newest signed checkpoint, as its line stands; None before the first."""
        ...

    def checkpoint_of(self, number: int) -> str | None:
        """The line of the checkpoint of this number (from 1); None where there is none."""
        ...

    def origin(self) -> str | None:
        """What the record is called as a log; None while it is empty."""
        ...

    def tree_size(self) -> int:
        """How many entries the tree covers: those up to the last checkpoint."""
        ...

    def tree_root(self, size: int) -> bytes:
        """The root over the first ``size`` entries.

        Raises:
            ValueError: the tree does not cover as many.
        """
        ...

    def inclusion_proof(self, position: int, size: int) -> list[bytes]:
        """The proof that the entry at ``position`` (from 1) is among the first ``size`` entries.

        Raises:
            ValueError: the tree does not cover as many, or the entry is none of them.
        """
        ...

    def multiproof(self, positions: Sequence[int], size: int) -> list[bytes]:
        """One proof that the entries at ``positions`` (rising) are among the first ``size``.

        Raises:
            ValueError: the tree does not cover as many, or an entry is none of them.
        """
        ...

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """The proof that the first ``new`` entries go on from the first ``old``.

        Raises:
            ValueError: the tree does not cover as many, or ``old`` is larger.
        """
        ...
