"""What became of a commit whose answer was lost."""

import logging
import time
from collections.abc import Callable
from enum import Enum

from sqlalchemy import bindparam, select

from gateway.journal.postgres.errors import RESTORED, PostgresError
from gateway.journal.postgres.link import Link
from gateway.journal.postgres.session import PostgresSession
from gateway.journal.statement import Statement
from gateway.journal.tables import entry

log = logging.getLogger("gateway.journal")

PATIENCE = 10.0
"""Seconds after which nobody waits any more for a database that lacks earlier entries too."""

LOCKED_HASH = Statement(
    select(entry.c.hash)
    .where(entry.c.position == bindparam("of_position"))
    .with_for_update(read=True, key_share=True)
)
"""The hash of an entry, told once everything before is as durable as an answer promises.

To end a session that waits for a synchronous standby ends the wait, not the commit: the entry is
there then and may be on this server alone. To lock a row is a change of its own, which is committed
behind that one, and so is answered only when a standby has both.
"""

_TRY = 5.0
_PAUSE = 0.05


class Fate(Enum):
    """What is known of a commit."""

    DURABLE = "durable"
    UNDONE = "undone"
    UNKNOWN = "unknown"


def fate_of(link: Link, position: int, own_hash: str, stopping: Callable[[], bool]) -> Fate:
    """See whether the last entry of a commit is there to stay, asking until the database can tell.

    ``link`` must be one that ``succeeds``: while the server is still at work for the connection
    that the commit was sent on, an entry that is not there may still come. A refusal to answer
    tells nothing of the commit either. It stays unknown where the process is ``stopping``, and
    where the database lacks entries that came before it: that one was restored from the past.
    """
    began = time.monotonic()
    while True:
        try:
            wire = link.wire_within(_TRY, stopping)
            found = PostgresSession(wire).one(LOCKED_HASH, of_position=position)
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
