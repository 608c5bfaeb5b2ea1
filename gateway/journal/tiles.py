"""The tree over all entries, kept in tiles beside them.

Leaf ``i`` is the entry at position ``i + 1``, and its input the 32 bytes of that entry's hash.
Tiles say nothing that the entries do not say; verification computes them anew.
"""

from collections.abc import Mapping

from sqlalchemy import bindparam, func, select

from gateway.journal.session import Session
from gateway.journal.statement import Statement, storing
from gateway.journal.tables import entry, tile
from gateway.model.problem import Problem, ProblemError
from gateway.transparency import leaf_hash
from gateway.transparency.tiles import HASH_BYTES, WIDTH, GrowingTiles, MissingTileError, Place

_TILE = Statement(
    select(tile.c.hashes).where(
        tile.c.level == bindparam("of_level"), tile.c.place == bindparam("of_place")
    )
)
_LAST_TILE = Statement(
    select(tile.c.place, func.length(tile.c.hashes))
    .where(tile.c.level == 0)
    .order_by(tile.c.place.desc())
    .limit(1)
)
_LEAVES = Statement(
    select(entry.c.position, entry.c.hash)
    .where(entry.c.position > bindparam("after_position"))
    .order_by(entry.c.position)
)
_STORE = storing(tile, "level", "place")


class StoredTiles:
    """The tiles of a database; an instance is a ``TileAt``."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def __call__(self, level: int, place: int) -> bytes:
        """The hashes of a tile; empty where there is none."""
        row = self._session.one(_TILE, of_level=level, of_place=place)
        return bytes(row[0]) if row and isinstance(row[0], bytes) else b""


def tree_size(session: Session) -> int:
    """How many entries the stored tiles cover."""
    place, length = session.one(_LAST_TILE) or (0, 0)
    return int(place) * WIDTH + int(length) // HASH_BYTES


def grown_tiles(session: Session) -> GrowingTiles:
    """The tree over all entries, grown from the stored tiles by the entries that came since.

    Raises:
        ProblemError: JOURNAL_DAMAGED where a position is empty, or a tile or a hash is no such.
    """
    try:
        tree = GrowingTiles(tree_size(session), StoredTiles(session))
        for position, own_hash in session.each(_LEAVES, after_position=tree.size):
            if position != tree.size + 1:
                raise journal_damaged(f"position {tree.size + 1} is empty")
            tree.append(leaf_hash(bytes.fromhex(own_hash)))
    except (MissingTileError, ValueError, TypeError) as error:
        raise journal_damaged(str(error)) from error
    tree.finish()
    return tree


def store_tiles(session: Session, tiles: Mapping[Place, bytes]) -> None:
    """Keep tiles, replacing those of the same place."""
    for (level, place), hashes in tiles.items():
        session.change(_STORE, level=level, place=place, hashes=hashes)


def journal_damaged(why: str) -> ProblemError:
    """The problem of a record that cannot be vouched for."""
    return ProblemError(
        Problem(
            code="JOURNAL_DAMAGED",
            title="The journal is damaged",
            status=500,
            detail=f"No checkpoint can be signed over this record: {why}. Verify it with `gateway "
            "audit verify`, and restore a backup from before the damage.",
            category="internal",
        )
    )
