"""Advisory locks: what several processes on one database agree on.

A lock has two numbers: that of this program, and its own. No table and no row stands behind it; a
session that ends, however it ends, gives back what it holds.
"""

from enum import IntEnum

PROGRAM = 0x67736872
"""The first number of every lock here ("gshr" in ASCII), so that no other program meets them. The
record has locks of its own under another first number (``gateway.journal.postgres``)."""


class SharedLock(IntEnum):
    """The second number of each lock. They are compatibility data: old and new releases meet."""

    KEYS_CHANGE = 1
    """Held for one change of the key store, so that changes come one after the other."""

    KEYS_IN_USE = 2
    """Held in share by whoever has the key store open, alone by whoever rotates its keys."""

    DUTIES = 3
    """Held by the process that does what only one process does."""
