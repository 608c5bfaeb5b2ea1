"""What became of a commit whose answer was lost."""

import logging
import time
from collections.abc import Callable
from enum import Enum

from gateway.journal.postgres.errors import RESTORED, PostgresError
from gateway.journal.postgres.link import Link
from gateway.journal.postgres.session import PostgresSession
from gateway.journal.statements import ENTRY_HASH

log = logging.getLogger("gateway.journal")

PATIENCE = 10.0
"""Seconds after which nobody waits any more for a database that lacks earlier entries too."""

_TRY = 5.0
_PAUSE = 0.05


class Fate(Enum):
    """What is known of a commit."""

    DURABLE = "durable"
    UNDONE = "undone"
    UNKNOWN = "unknown"


def fate_of(link: Link, position: int, own_hash: str, stopping: Callable[[], bool]) -> Fate:
    """See whether the last entry of a commit is there, asking until the database can tell.

    ``link`` must be one that ``succeeds``: while the server is still at work for the connection
    that the commit was sent on, an entry that is not there may still come. A refusal to answer
    tells nothing of the commit either. It stays unknown where the process is ``stopping``, and
    where the database lacks entries that came before it: that one was restored from the past.
    """
    began = time.monotonic()
    while True:
        try:
            wire = link.wire_within(_TRY, stopping)
            found = PostgresSession(wire).one(ENTRY_HASH, of_position=position)
        except Exception as error:  # whatever it is, the commit may have been made
            if not isinstance(error, PostgresError):
                log.exception("It cannot be seen what became of a commit")
                link.close()  # nobody knows what is still under way on it
            if stopping() or (_stays(error) and time.monotonic() - began >= PATIENCE):
                return Fate.UNKNOWN
            time.sleep(_PAUSE)
        else:
            is_there = found is not None and found[0] == own_hash
            return Fate.DURABLE if is_there else Fate.UNDONE


def _stays(error: Exception) -> bool:
    """True for what does not pass by itself, as an outage does."""
    return not isinstance(error, PostgresError) or error.sqlstate == RESTORED
