"""Chain heads that are locked when they are read."""

from sqlalchemy import bindparam, literal, select

from gateway.journal.chain import execution_chain
from gateway.journal.heads import Heads
from gateway.journal.postgres.many import storing_many
from gateway.journal.statement import Statement
from gateway.journal.tables import chain_head, execution

LOCKED_HEAD = Statement(
    select(chain_head.c.seq, chain_head.c.hash)
    .where(chain_head.c.chain == bindparam("of_chain"))
    .with_for_update(nowait=True)
)


_id_of_run = (
    select(execution.c.id).where(execution.c.run_id == bindparam("of_run")).scalar_subquery()
)
LOCKED_HEAD_OF_RUN = Statement(
    select(chain_head.c.chain, chain_head.c.seq, chain_head.c.hash)
    .where(chain_head.c.chain == literal(execution_chain("")) + _id_of_run)
    .with_for_update(nowait=True, of=chain_head)
)


_EXECUTIONS = execution_chain("")
_STORE = storing_many(chain_head, "chain")


class LockedHeads(Heads):
    """``Heads`` among several writing processes.

    A head that another process holds, or has moved since this transaction's snapshot, is a
    collision at once. Nobody waits for a head, so nobody can wait in a circle.
    """

    __slots__ = ()

    stored = LOCKED_HEAD

    def store(self) -> None:
        """Write every moved head, in sorted order, by one statement."""
        if not self._kept:
            return
        chains = sorted(self._kept)
        moved = [self._kept[chain] for chain in chains]
        seqs, hashes = zip(*moved, strict=True)
        self._session.change_unseen(_STORE, chain=tuple(chains), seq=seqs, hash=hashes)

    def of_workspaces(self) -> list[str]:
        """The chains that were moved and are of no execution."""
        return [chain for chain in self._kept if not chain.startswith(_EXECUTIONS)]

    def knows(self, chain: str) -> bool:
        """True where the head of a chain needs not be read any more."""
        return chain in self._moved or chain in self._kept or chain in self._read

    def know(self, chain: str, seq: int, own_hash: str) -> None:
        """The stored head of a chain, read and locked by another way."""
        self._read[chain] = (seq, own_hash)
