"""Trees, proofs and their verification, against published vectors and the definition."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.transparency import (
    EMPTY_ROOT,
    Frontier,
    complete_root,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    range_root,
    verify_consistency,
    verify_inclusion,
)

# The vectors of the reference implementation of certificate transparency (RFC 6962).
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        *("", "00", "10", "2021", "3031", "40414243"),
        *("5051525354555657", "606162636465666768696a6b6c6d6e6f"),
    )
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
PATHS = {
    (0, 1): (),
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
    (1, 5): (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
CONSISTENCIES = {
    (1, 1): (),
    (1, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}


def root_of(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word."""
    if len(leaves) < 2:
        return leaf_hash(leaves[0]) if leaves else EMPTY_ROOT
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    return node_hash(root_of(leaves[:middle]), root_of(leaves[middle:]))


def path_of(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962 section 2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    if index < middle:
        return [*path_of(index, leaves[:middle]), root_of(leaves[middle:])]
    return [*path_of(index - middle, leaves[middle:]), root_of(leaves[:middle])]


def subproof_of(old: int, leaves: Sequence[bytes], known: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962 section 2.1.2, word for word."""
    if old == len(leaves):
        return [] if known else [root_of(leaves)]
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    if old <= middle:
        return [*subproof_of(old, leaves[:middle], known), root_of(leaves[middle:])]
    return [*subproof_of(old - middle, leaves[middle:], False), root_of(leaves[:middle])]


def numbered(count: int) -> list[bytes]:
    return [str(number).encode() for number in range(count)]


def node_in(leaves: Sequence[bytes]):
    """Where complete nodes of a tree come from."""
    return lambda level, index: root_of(leaves[index << level : (index + 1) << level])


def grown(leaves: Sequence[bytes]) -> Frontier:
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf_hash(leaf))
    return frontier


@pytest.mark.parametrize("size", range(9))
def test_heads_are_the_published_ones(size: int) -> None:
    frontier = grown(LEAVES[:size])

    assert frontier.root().hex() == ROOTS[size]
    assert range_root(0, size, node_in(LEAVES)).hex() == ROOTS[size]
    assert len(frontier.nodes) == size.bit_count()


@pytest.mark.parametrize(("index", "size"), PATHS)
def test_audit_paths_are_the_published_ones(index: int, size: int) -> None:
    path = inclusion_proof(index, size, node_in(LEAVES))

    assert tuple(node.hex() for node in path) == PATHS[index, size]
    root = bytes.fromhex(ROOTS[size])
    assert verify_inclusion(leaf_hash(LEAVES[index]), index, size, path, root)


@pytest.mark.parametrize(("old", "new"), CONSISTENCIES)
def test_consistency_proofs_are_the_published_ones(old: int, new: int) -> None:
    proof = consistency_proof(old, new, node_in(LEAVES))

    assert tuple(node.hex() for node in proof) == CONSISTENCIES[old, new]
    roots = bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new])
    assert verify_consistency(old, new, *roots, proof)


@given(st.integers(1, 90), st.data())
def test_proofs_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    leaves = numbered(size)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    root, old_root = root_of(leaves), root_of(leaves[:old])

    path = inclusion_proof(index, size, node_in(leaves))
    proof = consistency_proof(old, size, node_in(leaves))

    assert grown(leaves).root() == root
    assert path == path_of(index, leaves)
    assert proof == subproof_of(old, leaves, True)
    assert verify_inclusion(leaf_hash(leaves[index]), index, size, path, root)
    assert verify_consistency(old, size, old_root, root, proof)


@given(st.integers(1, 70), st.data())
def test_no_other_proof_of_inclusion_is_taken(size: int, data: st.DataObject) -> None:
    leaves = numbered(size)
    index = data.draw(st.integers(0, size - 1))
    root, leaf = root_of(leaves), leaf_hash(leaves[index])
    path = inclusion_proof(index, size, node_in(leaves))

    assert not verify_inclusion(leaf_hash(b"other"), index, size, path, root)
    assert not verify_inclusion(leaf, index, size, [*path, root], root)
    assert not verify_inclusion(leaf, size, size, path, root)
    assert not verify_inclusion(leaf, -1, size, path, root)
    other = data.draw(st.integers(0, size - 1))
    assert verify_inclusion(leaf, other, size, path, root) == (other == index)
    if path:
        assert not verify_inclusion(leaf, index, size, path[:-1], root)
        place = data.draw(st.integers(0, len(path) - 1))
        changed = [*path[:place], leaf_hash(path[place]), *path[place + 1 :]]
        assert not verify_inclusion(leaf, index, size, changed, root)


@given(st.integers(2, 70), st.data())
def test_no_other_proof_of_consistency_is_taken(new: int, data: st.DataObject) -> None:
    leaves = numbered(new)
    old = data.draw(st.integers(1, new - 1))
    fork = [*leaves[: old - 1], b"fork"]
    old_root, root = root_of(leaves[:old]), root_of(leaves)
    proof = consistency_proof(old, new, node_in(leaves))

    assert not verify_consistency(old, new, root_of(fork), root, proof)
    assert not verify_consistency(old, new, old_root, root_of([*leaves, b"more"]), proof)
    assert not verify_consistency(old, new, old_root, root, proof[:-1])
    assert not verify_consistency(old, new, old_root, root, [*proof, root])
    assert not verify_consistency(new, old, root, old_root, proof)


def test_the_empty_tree_and_the_same_tree_need_an_empty_proof() -> None:
    root = bytes.fromhex(ROOTS[5])

    assert consistency_proof(0, 5, node_in(LEAVES)) == []
    assert verify_consistency(0, 5, EMPTY_ROOT, root, [])
    assert not verify_consistency(0, 5, root, root, [])
    assert not verify_consistency(0, 5, EMPTY_ROOT, root, [root])
    assert verify_consistency(5, 5, root, root, [])
    assert not verify_consistency(5, 5, EMPTY_ROOT, root, [])
    assert verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    assert not verify_consistency(0, 0, EMPTY_ROOT, root, [])


def test_impossible_questions_are_refused() -> None:
    for index, size in ((0, 0), (8, 8), (-1, 8)):
        with pytest.raises(ValueError, match="has no leaf"):
            inclusion_proof(index, size, node_in(LEAVES))
    for old, new in ((2, 1), (-1, 1)):
        with pytest.raises(ValueError, match="cannot go on"):
            consistency_proof(old, new, node_in(LEAVES))
    with pytest.raises(ValueError, match="2 complete subtrees"):
        Frontier(3, [EMPTY_ROOT])


@given(st.integers(0, 40), st.integers(0, 5))
def test_complete_subtrees_may_be_added_at_once(blocks: int, level: int) -> None:
    leaves = numbered(blocks << level)
    frontier = Frontier()
    for block in range(blocks):
        own = leaves[block << level : (block + 1) << level]
        frontier.append_complete(level, complete_root([leaf_hash(leaf) for leaf in own]))

    assert frontier.root() == root_of(leaves)
    if level:
        frontier.append(EMPTY_ROOT)
        with pytest.raises(ValueError, match="do not end where"):
            frontier.append_complete(level, EMPTY_ROOT)


def test_a_copy_grows_on_its_own() -> None:
    frontier = grown(LEAVES[:5])
    copy = frontier.copy()
    copy.append(leaf_hash(LEAVES[5]))

    assert (frontier.root().hex(), copy.root().hex()) == (ROOTS[5], ROOTS[6])
