"""Chain heads that are locked when they are read."""

from sqlalchemy import bindparam, select

from gateway.journal.heads import Heads
from gateway.journal.statement import Statement
from gateway.journal.tables import chain_head

_LOCKED_HEAD = Statement(
    select(chain_head.c.seq, chain_head.c.hash)
    .where(chain_head.c.chain == bindparam("of_chain"))
    .with_for_update(nowait=True)
)


class LockedHeads(Heads):
    """``Heads`` among several writing processes.

    A head that another process holds, or has moved since this transaction's snapshot, is a
    collision at once. Nobody waits for a head, so nobody can wait in a circle.
    """

    __slots__ = ()

    stored = _LOCKED_HEAD
