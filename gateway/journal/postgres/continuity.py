"""Whether the database still has what this process wrote, seen at each new connection.

A server may come back as one that was restored to an earlier moment, or as a standby that took over
without the last commits. A process that lived through that would go on with what it remembers, and
do again what the record does not know any more.
"""

import logging

from gateway.journal.continuing import holds
from gateway.journal.postgres.errors import RESTORED, LostConnectionError
from gateway.journal.postgres.session import PostgresSession
from gateway.journal.postgres.wire import Wire

_log = logging.getLogger("gateway.journal")


class Continuity:
    """The last entry that this process knows to be durable: its position (0 before the first) and
    its hash."""

    def __init__(self, position: int, own: str) -> None:
        self._last = (position, own)

    def reached(self, position: int, own: str) -> None:
        """An entry became durable."""
        self._last = (position, own)

    def require(self, wire: Wire) -> None:
        """See that the record on a new connection has that entry.

        Raises:
            LostConnectionError: it has not, so that nothing can be written there.
        """
        position, own = self._last
        if position and not holds(PostgresSession(wire), position, own):
            told = "The database lacks entry %d, which was committed: it was restored to before"
            _log.error(told, position)
            raise LostConnectionError(RESTORED)
