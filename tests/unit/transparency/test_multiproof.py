"""One proof for many leaves gives the root, and nothing that was changed does."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.transparency import inclusion_proof, leaf_hash
from gateway.transparency.multiproof import multiproof, multiproof_root
from tests.small_log import SmallLog

LOG = SmallLog.of(70)


def leaves(*indexes: int) -> dict[int, bytes]:
    return {index: leaf_hash(LOG.leaves[index]) for index in indexes}


@st.composite
def trees(draw: st.DrawFn) -> tuple[int, list[int]]:
    size = draw(st.integers(1, 70))
    return size, sorted(draw(st.sets(st.integers(0, size - 1), min_size=1)))


@given(trees())
def test_the_root_is_that_of_the_tree(tree: tuple[int, list[int]]) -> None:
    size, indexes = tree
    proof = multiproof(indexes, size, LOG.node)
    assert multiproof_root(leaves(*indexes), size, proof) == LOG.root(size)


@given(trees())
def test_it_is_never_longer_than_the_paths_of_the_leaves(tree: tuple[int, list[int]]) -> None:
    size, indexes = tree
    paths = [inclusion_proof(index, size, LOG.node) for index in indexes]
    proof = multiproof(indexes, size, LOG.node)
    assert set(proof) <= {node for path in paths for node in path}
    assert len(proof) <= sum(map(len, paths))
    if len(indexes) == size:
        assert proof == []


@given(trees(), st.sampled_from(["leaf", "node", "fewer", "more"]), st.data())
def test_nothing_that_was_changed_gives_the_root(
    tree: tuple[int, list[int]], what: str, data: st.DataObject
) -> None:
    size, indexes = tree
    proof, known = multiproof(indexes, size, LOG.node), leaves(*indexes)
    signed = LOG.root(size)
    assume(proof or what not in {"node", "fewer"})
    if what == "leaf":
        known[data.draw(st.sampled_from(indexes))] = b"x" * 32
    elif what == "node":
        proof[data.draw(st.integers(0, len(proof) - 1))] = b"x" * 32
    elif what == "fewer":
        proof.pop()
    elif what == "more":
        proof.append(b"x" * 32)
    try:
        found = multiproof_root(known, size, proof)
    except ValueError:
        return
    assert found != signed


@pytest.mark.parametrize(
    ("indexes", "size"), [([], 4), ([1, 1], 4), ([2, 1], 4), ([4], 4), ([-1], 4), ([0], 2**63)]
)
def test_what_is_no_set_of_leaves_is_refused(indexes: list[int], size: int) -> None:
    with pytest.raises(ValueError, match="leaves"):
        multiproof(indexes, size, LOG.node)
    if len(set(indexes)) == len(indexes) and indexes != [2, 1]:
        with pytest.raises(ValueError, match="leaves"):
            multiproof_root(dict.fromkeys(indexes, b""), size, [])


def test_a_tree_that_nobody_has_takes_no_time() -> None:
    with pytest.raises(ValueError, match="nodes"):
        multiproof_root({0: b"x" * 32}, 2**62, [])
