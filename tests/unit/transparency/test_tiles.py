"""Trees in tiles are the same trees."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.transparency import Frontier, leaf_hash, range_root
from gateway.transparency.tiles import HASH_BYTES, GrowingTiles, MissingTileError, Place, nodes_in

LEAVES = [leaf_hash(str(number).encode()) for number in range(70_000)]


def grown(sizes: list[int]) -> tuple[dict[Place, bytes], GrowingTiles]:
    """The tiles of a tree that was stored at each of these sizes."""
    stored: dict[Place, bytes] = {}
    tree = GrowingTiles(0, lambda level, place: b"")
    size = 0
    for size_then in sizes:
        tree = GrowingTiles(size, lambda *place, stored=stored: stored.get(place, b""))
        for leaf in LEAVES[size:size_then]:
            tree.append(leaf)
        tree.finish()
        stored |= tree.changed
        size = size_then
    return stored, tree


def root_of(size: int) -> bytes:
    frontier = Frontier()
    for leaf in LEAVES[:size]:
        frontier.append(leaf)
    return frontier.root()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 1_500), min_size=1, max_size=6).map(sorted))
def test_a_tree_that_grows_in_any_steps_has_the_same_head_and_tiles(sizes: list[int]) -> None:
    stored, tree = grown(sizes)
    at_once, _ = grown(sizes[-1:])

    assert tree.root() == root_of(sizes[-1])
    assert stored == at_once
    for size in sizes:
        assert range_root(0, size, nodes_in(lambda *place: stored.get(place, b""))) == root_of(size)


def test_a_tree_of_three_levels_reads_a_few_tiles() -> None:
    stored, tree = grown([255, 256, 257, 65_535, 65_536, 70_000])
    asked: list[Place] = []

    def tile_at(*place: int) -> bytes:
        asked.append(place)
        return stored[place]

    assert {level for level, _ in stored} == {0, 1, 2}
    assert tree.root() == range_root(0, 70_000, nodes_in(tile_at)) == root_of(70_000)
    assert sorted(asked) == [(0, 273), (1, 1), (2, 0)]
    assert sum(map(len, stored.values())) == HASH_BYTES * (70_000 + 273 + 1)


def test_a_missing_or_short_tile_is_told() -> None:
    stored, _ = grown([600])
    for place in ((0, 2), (1, 0)):
        held = {**stored, place: stored[place][:-HASH_BYTES]}
        with pytest.raises(MissingTileError):
            GrowingTiles(600, lambda *at, held=held: held.get(at, b""))
        with pytest.raises(MissingTileError):
            range_root(0, 600, nodes_in(lambda *at, held=held: held.get(at, b"")))
