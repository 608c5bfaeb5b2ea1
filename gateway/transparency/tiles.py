"""Tiles: the hashes of a tree in rows of 256, so that a proof or a new head reads a few of them.

The layout is that of C2SP tlog-tiles (https://c2sp.org/tlog-tiles): tile ``(0, p)`` holds the leaf
hashes from ``256 p`` on, and tile ``(n, p)`` the roots of 256 tiles of the level below. The last
tile of a level may be partial; it holds complete nodes all the same.
"""

from collections.abc import Callable
from typing import TypeAlias

from gateway.transparency.merkle import Hash, NodeAt, complete_root, range_root

HEIGHT = 8
WIDTH = 1 << HEIGHT
HASH_BYTES = 32

TileAt: TypeAlias = Callable[[int, int], bytes]
"""The hashes of a tile, one behind the other; empty where there is no such tile."""

Place: TypeAlias = tuple[int, int]
"""The level of a tile and its index there."""


class MissingTileError(LookupError):
    """A tile that the tree must have is not there, or is too short."""


def hashes_of(tile: bytes) -> list[Hash]:
    """The hashes in a tile."""
    return [tile[begin : begin + HASH_BYTES] for begin in range(0, len(tile), HASH_BYTES)]


def nodes_in(tile_at: TileAt) -> NodeAt:
    """The complete nodes of a tree, from its tiles; each tile is read once.

    The nodes raise ``MissingTileError`` where a tile lacks them.
    """
    read: dict[Place, list[Hash]] = {}

    def node_at(level: int, index: int) -> Hash:
        tile_level, above = divmod(level, HEIGHT)
        begin, count = index << above, 1 << above
        place = tile_level, begin >> HEIGHT
        if place not in read:
            read[place] = hashes_of(tile_at(*place))
        begin %= WIDTH
        found = read[place][begin : begin + count]
        if len(found) != count:
            raise MissingTileError(f"tile {place[1]} of level {place[0]} lacks hash {begin}")
        return complete_root(found)

    return node_at


class GrowingTiles:
    """A tree that grows in its tiles. ``changed`` are those that are new or have grown."""

    __slots__ = ("_edge", "_tile_at", "changed", "size")

    def __init__(self, size: int, tile_at: TileAt) -> None:
        """The tree of ``size`` leaves whose tiles are stored.

        Raises:
            MissingTileError: the last tile of a level is not there, or is too short.
        """
        self.size = size
        self.changed: dict[Place, bytes] = {}
        self._tile_at = tile_at
        self._edge: list[list[Hash]] = []
        level, count = 0, size
        while count:
            place, filled = divmod(count, WIDTH)
            held = hashes_of(tile_at(level, place))[:filled] if filled else []
            if len(held) != filled:
                raise MissingTileError(f"tile {place} of level {level} is not there or too short")
            self._edge.append(held)
            level, count = level + 1, place

    def append(self, leaf: Hash) -> None:
        """Add the hash of one more leaf."""
        level, node, index = 0, leaf, self.size
        while True:
            if level == len(self._edge):
                self._edge.append([])
            held = self._edge[level]
            held.append(node)
            if len(held) < WIDTH:
                break
            self.changed[level, index >> HEIGHT] = b"".join(held)
            node = complete_root(held)
            held.clear()
            level, index = level + 1, index >> HEIGHT
        self.size += 1

    def finish(self) -> None:
        """Put the partial tiles among the ``changed``; call it once, when no more leaves come."""
        for level, held in enumerate(self._edge):
            if held:
                self.changed[level, self.size >> HEIGHT * (level + 1)] = b"".join(held)

    def root(self) -> Hash:
        """The head of the tree after ``finish``."""
        return range_root(0, self.size, nodes_in(self.tile))

    def tile(self, level: int, place: int) -> bytes:
        """The hashes of a tile as they stand after ``finish``."""
        return self.changed.get((level, place)) or self._tile_at(level, place)
