"""Positions: gap-free, and in the order of commits.

A sequence would be neither: numbers of undone transactions are lost, and rows become visible in
another order than that of their numbers, so that a reader who has seen 7 could miss 6 for ever. So
whoever is about to commit takes a lock that is held until the commit, and only then looks how far
the record goes: on a second connection, because the snapshot of its own transaction is older than
the commits of others.
"""

from gateway.journal.postgres.link import Link
from gateway.journal.postgres.session import PostgresSession
from gateway.journal.postgres.values import rows_of
from gateway.journal.postgres.wire import Wire
from gateway.journal.queries import LAST_POSITION

_LOCKS = 0x67617465  # "gate": the class of our advisory locks
_POSITIONS = 1
_LOCK = f"SELECT pg_advisory_xact_lock({_LOCKS}, {_POSITIONS})"
_TAKE_NAME = f"SELECT pg_try_advisory_lock({_LOCKS}, $1::int)"
_FIRST_NAME = 1_000
_NAMES = 1_000


class Positions:
    """Hands out the positions behind the end of the record.

    It also gives the process a name of its own among those that write (``writer-1`` and so on),
    held as long as its second connection lasts. Names only keep the chains of workspaces apart:
    should two processes ever have one, they collide on the heads and go on in turns.
    """

    def __init__(self, url: str) -> None:
        self.writer = ""
        self._link = Link(url, "gateway-positions", self._take_name)

    def open(self) -> None:
        """Connect.

        Raises:
            LostConnectionError: the database cannot be reached.
        """
        self._link.wire()

    def behind_last(self, committing: PostgresSession) -> int:
        """Lock the end of the record for the transaction that is ``committing``; returns the last
        position. Whatever the transaction has sent is done afterwards.

        Raises:
            PostgresError: something that it had sent failed, or the lock was not to be had.
        """
        committing.command(_LOCK)
        committing.settle()
        row = PostgresSession(self._link.wire()).one(LAST_POSITION)
        return (row and row[0]) or 0

    def close(self) -> None:
        """Let the connection go, and the name with it."""
        self._link.close()

    def _take_name(self, wire: Wire) -> None:
        for number in range(1, _NAMES):
            wire.send(_TAKE_NAME, (_FIRST_NAME + number,))
            if rows_of(wire.answers()[-1]) == [(True,)]:
                self.writer = f"writer-{number}"
                return
        raise RuntimeError("a thousand processes write to this record already")
