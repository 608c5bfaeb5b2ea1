"""Chain heads as a batch of units sees them.

Each unit works on an overlay: kept when it succeeds, dropped when it is undone, so that a failed
unit leaves no gap. Heads are read anew in each batch; nothing is remembered across commits.
"""

from typing import TypeAlias

from gateway.journal.session import Session
from gateway.journal.statements import CHAIN_HEAD, STORE_HEAD
from gateway.model.entry import GENESIS

Head: TypeAlias = tuple[int, str]
"""The ``seq`` and the hash of a chain's last entry."""


class Heads:
    """The heads that one batch moves. ``last`` is the position and hash of its last entry."""

    __slots__ = ("_kept", "_moved", "_newest", "_read", "_session", "last")

    stored = CHAIN_HEAD
    """The statement that reads the stored head of a chain, given as ``of_chain``."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._kept: dict[str, Head] = {}
        self._moved: dict[str, Head] = {}
        self._read: dict[str, Head] = {}
        self._newest: tuple[int, str] | None = None
        self.last: tuple[int, str] | None = None

    def of(self, chain: str, *, begins: bool = False) -> Head:
        """The head of a chain; ``(0, GENESIS)`` before its first entry.

        Where an entry ``begins`` a chain, nothing is looked up: if there were one all the same, its
        first place would be taken, and the record refuses to put a second entry there.
        """
        known = self._moved.get(chain) or self._kept.get(chain) or self._read.get(chain)
        if known is None:
            if begins:
                return 0, GENESIS
            seq, own_hash = self._session.one(self.stored, of_chain=chain) or (0, GENESIS)
            known = self._read[chain] = (seq, own_hash)
        return known

    def move(self, chain: str, seq: int, own_hash: str, position: int) -> None:
        """The present unit has put an entry on a chain."""
        self._moved[chain] = (seq, own_hash)
        self._newest = (position, own_hash)

    def keep(self) -> None:
        """The present unit succeeded."""
        self._kept.update(self._moved)
        self.last = self._newest or self.last
        self.drop()

    def drop(self) -> None:
        """The present unit was undone, or a new one begins."""
        self._moved.clear()
        self._newest = None

    def store(self) -> None:
        """Write every moved head, in sorted order."""
        for chain, (seq, own) in sorted(self._kept.items()):
            self._session.change_unseen(STORE_HEAD, chain=chain, seq=seq, hash=own)
