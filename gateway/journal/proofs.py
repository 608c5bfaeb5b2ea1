"""Proofs over the record, read from its tiles: a proof reads a few tiles however long the record
is."""

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from gateway.journal.checkpoint_lines import origin_of
from gateway.journal.session import Session
from gateway.journal.statement import Statement
from gateway.journal.tables import checkpoint, entry
from gateway.journal.tiles import StoredTiles, tree_size
from gateway.model.transparency import TransparencyRecords
from gateway.transparency import consistency_proof, inclusion_proof, leaf_hash, range_root
from gateway.transparency.multiproof import multiproof
from gateway.transparency.tiles import HASH_BYTES, nodes_in

_CHECKPOINT = Statement(
    select(checkpoint.c.line).where(checkpoint.c.number == bindparam("of_number"))
)
_LAST_CHECKPOINT = Statement(
    select(checkpoint.c.line).order_by(checkpoint.c.number.desc()).limit(1)
)
_FIRST_HASH = Statement(select(entry.c.hash).where(entry.c.position == 1))


class SqlTransparencyRecords(TransparencyRecords):
    """``TransparencyRecords`` over the session of ``SqlRecords``."""

    __slots__ = ()
    _session: Session

    def last_checkpoint(self) -> str | None:
        """The newest signed checkpoint, as its line stands; None before the first."""
        row = self._session.one(_LAST_CHECKPOINT)
        return row[0] if row else None

    def checkpoint_of(self, number: int) -> str | None:
        """The line of the checkpoint of this number (from 1); None where there is none."""
        row = self._session.one(_CHECKPOINT, of_number=number)
        return row[0] if row else None

    def origin(self) -> str | None:
        """What the record is called as a log; None while it is empty."""
        row = self._session.one(_FIRST_HASH)
        if row:
            return origin_of(leaf_hash(bytes.fromhex(row[0])))
        first = StoredTiles(self._session)(0, 0)[:HASH_BYTES]  # the entry itself may be archived
        return origin_of(first) if first else None

    def tree_size(self) -> int:
        """How many entries the tree covers: those up to the last checkpoint."""
        return tree_size(self._session)

    def tree_root(self, size: int) -> bytes:
        """The root over the first ``size`` entries.

        Raises:
            ValueError: the tree does not cover as many.
        """
        self._require(size)
        return range_root(0, size, nodes_in(StoredTiles(self._session)))

    def inclusion_proof(self, position: int, size: int) -> list[bytes]:
        """The proof that the entry at ``position`` (from 1) is among the first ``size`` entries.

        Raises:
            ValueError: the tree does not cover as many, or the entry is none of them.
        """
        self._require(size)
        return inclusion_proof(position - 1, size, nodes_in(StoredTiles(self._session)))

    def multiproof(self, positions: Sequence[int], size: int) -> list[bytes]:
        """One proof that the entries at ``positions`` (rising) are among the first ``size``.

        Raises:
            ValueError: the tree does not cover as many, or an entry is none of them.
        """
        self._require(size)
        indexes = [position - 1 for position in positions]
        return multiproof(indexes, size, nodes_in(StoredTiles(self._session)))

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """The proof that the first ``new`` entries go on from the first ``old``.

        Raises:
            ValueError: the tree does not cover as many, or ``old`` is larger.
        """
        self._require(new)
        return consistency_proof(old, new, nodes_in(StoredTiles(self._session)))

    def _require(self, size: int) -> None:
        covered = tree_size(self._session)
        if not 0 <= size <= covered:
            raise ValueError(f"the tree covers {covered} entries, not {size}")
