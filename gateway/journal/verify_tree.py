"""Checks of the tree: the roots that were signed, and the tiles beside the entries.

The tiles say of each entry which hash it had when it was signed. Where the entries have another
root than the signed one and the tiles have that very root, they tell which entries are not those
that were signed.
"""

import sqlite3
from collections.abc import Sequence

from gateway.journal.findings import FindingKind, Findings
from gateway.journal.sqlite_session import SqliteSession
from gateway.journal.tiles import StoredTiles
from gateway.journal.verify_chains import named
from gateway.journal.verify_checkpoints import Audit, Promise
from gateway.journal.verify_roots import check_forks, tell_broken, tell_cut_off
from gateway.transparency import Frontier, Hash, complete_root
from gateway.transparency.tiles import HASH_BYTES, HEIGHT, WIDTH, hashes_of

NO_LEAF: Hash = bytes(HASH_BYTES)
"""Stands for the leaf of a position that is empty, or of a hash that is none."""


class TreeCheck:
    """Grows the tree over the entries, leaf by leaf, and holds it against roots and tiles."""

    def __init__(self, connection: sqlite3.Connection, findings: Findings, audit: Audit) -> None:
        check_forks(connection, findings, audit.roots)
        self._connection = connection
        self._findings = findings
        self._audit = audit
        self._promises = sorted(audit.roots, key=lambda promise: promise.size, reverse=True)
        self._tiles = StoredTiles(SqliteSession(connection.cursor()))
        self._tree = Frontier()
        self._told: Frontier | None = None  # the tree that the tiles tell, where it is another
        self._differing: dict[int, tuple[Hash, Hash]] = {}
        self._held: list[Hash] = []
        self._above: list[list[Hash]] = []
        self._seen: set[tuple[int, int]] = set()
        self._agreed = 0  # entries up to the last root that held
        self._is_lost = False  # a root did not hold, and the tiles do not say why

    @property
    def size(self) -> int:
        """How many leaves came."""
        return self._tree.size + len(self._held)

    def add(self, leaves: Sequence[Hash]) -> None:
        """The leaf hashes of the next entries."""
        begin = 0
        while begin < len(leaves):
            end = begin + WIDTH - len(self._held)
            self._held += leaves[begin:end]
            begin = end
            if len(self._held) == WIDTH:
                self._flush()

    def skip(self, position: int) -> None:
        """The positions before this one are empty. What nobody signed needs no stand-in."""
        last = max([self._audit.tiled, *(promise.size for promise in self._audit.roots)])
        self.add([NO_LEAF] * (min(position - 1, last) - self.size))

    def finish(self) -> None:
        """No more entries come."""
        if self._held:
            self._flush()
        self._check_above()
        self._check_surplus()
        own = [promise for promise in self._promises if not promise.kept]
        for promise in [*own[:1], *(one for one in reversed(self._promises) if one.kept)]:
            tell_cut_off(self._findings, promise, self.size)
        for position in self._differing:
            self._wrong_tile(0, (position - 1) >> HEIGHT)

    # --- a tile's worth of leaves

    def _flush(self) -> None:
        """Take the leaves held: against their tile, then into the tree, promise by promise."""
        leaves, begin = self._held, self._tree.size
        self._held = []
        told = self._told_by_tile(begin >> HEIGHT, leaves)
        if told != leaves and self._told is None:
            self._told = self._tree.copy()
        for place, (leaf, other) in enumerate(zip(leaves, told, strict=True)):
            if leaf != other:
                self._differing[begin + place + 1] = (leaf, other)
        root = complete_root(leaves) if len(leaves) == WIDTH else None
        if root:
            self._climb(1, root)
        if root and not self._is_promised_before(begin + WIDTH):
            self._tree.append_complete(HEIGHT, root)
            if self._told:
                self._told.append_complete(HEIGHT, complete_root(told))
            self._keep_promises()
        else:
            self._grow_singly(leaves, told)

    def _grow_singly(self, leaves: list[Hash], told: list[Hash]) -> None:
        for leaf, other in zip(leaves, told, strict=True):
            self._tree.append(leaf)
            if self._told:
                self._told.append(other)
            self._keep_promises()

    def _is_promised_before(self, size: int) -> bool:
        return bool(self._promises) and self._promises[-1].size < size

    def _told_by_tile(self, place: int, leaves: list[Hash]) -> list[Hash]:
        """What the stored tile says of these leaves; what it does not say is as they are."""
        stored = self._tile(0, place, len(leaves))
        told = hashes_of(stored)
        return told + leaves[len(told) :]

    def _tile(self, level: int, place: int, count: int) -> bytes:
        """A stored tile, as long as it must be and no longer than ``count`` hashes."""
        self._seen.add((level, place))
        stored = self._tiles(level, place)
        least = min(count, max(0, (self._audit.tiled >> HEIGHT * level) - place * WIDTH))
        if len(stored) > count * HASH_BYTES:
            self._tile_beyond(level, place)
        elif len(stored) < least * HASH_BYTES or len(stored) % HASH_BYTES:
            self._wrong_tile(level, place)
        else:
            return stored
        return b""

    def _tile_beyond(self, level: int, place: int) -> None:
        told = f"tile {place} of level {level} is over entries that the record does not hold"
        self._findings.add(FindingKind.TILE, told)

    def _wrong_tile(self, level: int, place: int) -> None:
        first = (place << HEIGHT * (level + 1)) + 1
        told = f"tile {place} of level {level}, over the entries from position {first}, does not "
        self._findings.add(FindingKind.TILE, f"{told}hold their hashes", position=first)

    # --- the levels above

    def _climb(self, level: int, node: Hash) -> None:
        """Put the root of a full tile into the tile above."""
        while True:
            if len(self._above) < level:
                self._above.append([])
            held = self._above[level - 1]
            held.append(node)
            if len(held) % WIDTH:
                return
            self._compare_above(level, len(held) // WIDTH - 1)
            node, level = complete_root(held[-WIDTH:]), level + 1

    def _check_above(self) -> None:
        for level, held in enumerate(self._above, 1):
            if len(held) % WIDTH:
                self._compare_above(level, len(held) // WIDTH)

    def _compare_above(self, level: int, place: int) -> None:
        hashes = self._above[level - 1][place * WIDTH : (place + 1) * WIDTH]
        stored = self._tile(level, place, len(hashes))
        if stored != b"".join(hashes)[: len(stored)] and not self._told:
            self._wrong_tile(level, place)

    def _check_surplus(self) -> None:
        for level, place in self._connection.execute("SELECT level, place FROM tile"):
            if (level, place) not in self._seen:
                self._tile_beyond(level, place)

    # --- promises

    def _keep_promises(self) -> None:
        while self._promises and self._promises[-1].size <= self._tree.size:
            self._hold(self._promises.pop())

    def _hold(self, promise: Promise) -> None:
        root = self._tree.root()
        if root == promise.root:
            self._agreed = promise.size
            for position in self._differing:  # the entries are right, so the tiles are not
                self._wrong_tile(0, (position - 1) >> HEIGHT)
            self._differing.clear()
            self._told = None
            return
        is_told = self._told is not None and self._told.root() == promise.root
        if promise.kept or not (is_told or self._is_lost):
            tell_broken(self._findings, promise, root, self._agreed)
        if is_told:
            self._name_differing(promise)
        self._is_lost = self._is_lost or not is_told

    def _name_differing(self, promise: Promise) -> None:
        """Name the entries that are not those of the tiles, whose root was signed."""
        signed_at = {told: position for position, (_, told) in self._differing.items()}
        for position, (leaf, _) in self._differing.items():
            row = self._connection.execute(
                "SELECT chain, seq, position, type FROM entry WHERE position = ?", (position,)
            ).fetchone()
            if row is None or position in self._findings.altered:
                continue
            chain, seq = row[:2]
            told = f"{named(*row)} is not the one that {promise.told} signed"
            kind = FindingKind.CHANGED
            if leaf in signed_at:
                told += f" there: that one stood at position {signed_at[leaf]}"
                kind = FindingKind.REORDERED
            self._findings.add(kind, told, chain, seq, position)
        self._differing.clear()
