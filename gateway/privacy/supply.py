"""Keys that are nobody's yet: durable beforehand, so that whoever begins something waits for no
disk but the journal's.

Each workspace has some, however many workspaces there are: so they are bounded together, and are
kept as they were drawn, which takes a tenth of what an opened cipher does.
"""

from collections import OrderedDict
from collections.abc import Container, Sequence
from typing import NamedTuple, TypeAlias

MOST = 16_384
"""Keys that are held for all workspaces together, each of 0.25 KB."""

Kind: TypeAlias = tuple[str, int | None]
"""Workspace and lifetime of what keys will seal."""


class Spare(NamedTuple):
    """A key that has sealed nothing yet; ``seals_until`` (RFC 3339) is when it may no more."""

    id: str
    workspace: str
    secret: bytes
    seals_until: str | None


class Supply:
    """Spare keys by kind, at most ``most``: those that nobody took from for the longest time go.

    They are lost then as at the end of a process: the store keeps their rows. Not thread-safe.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._held: OrderedDict[Kind, list[Spare]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        """How many are held."""
        return self._count

    def share(self, wanted: int) -> int:
        """How many to make of one kind, of ``wanted``: fewer where many kinds share the bound."""
        return max(1, min(wanted, self._most // (len(self._held) + 1)))

    def take(self, kind: Kind) -> Spare | None:
        """One of a kind, None where there is none."""
        held = self._held.pop(kind, None)
        if held is None:
            return None
        self._count -= 1
        spare = held.pop()
        if held:
            self._held[kind] = held
        return spare

    def keep(self, kind: Kind, spares: Sequence[Spare]) -> None:
        """Hold these, instead of what is there of the kind."""
        self._count -= len(self._held.pop(kind, ()))
        if spares:
            self._held[kind] = list(spares)
            self._count += len(spares)
        while self._count > self._most:
            _, gone = self._held.popitem(last=False)
            self._count -= len(gone)

    def drop(self, gone: Container[str] | None) -> None:
        """Forget those with these ids, or all."""
        for kind in list(self._held):
            left = [one for one in self._held[kind] if gone is not None and one.id not in gone]
            self._count -= len(self._held[kind]) - len(left)
            self._held[kind] = left
            if not left:
                del self._held[kind]
