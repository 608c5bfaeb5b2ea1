"""Merkle trees over a log: hashing, tree heads, inclusion and consistency proofs.

The rules are those of RFC 6962 section 2.1 and RFC 9162 section 2.1, which agree. A tree is named
by its size, and a node by the leaves below it, ``begin`` up to but without ``end``. Nothing here
recurses or reads: whoever asks hands in where complete nodes come from.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

Hash: TypeAlias = bytes
"""SHA-256, 32 bytes."""

NodeAt: TypeAlias = Callable[[int, int], Hash]
"""The complete node of a level (0: leaves) with this index: leaves ``index << level`` and on."""

EMPTY_ROOT: Hash = hashlib.sha256(b"").digest()
"""The head of a tree without leaves."""

_sha256 = hashlib.sha256


def leaf_hash(leaf: bytes) -> Hash:
    """The hash of a leaf's input."""
    return _sha256(b"\0" + leaf).digest()


def node_hash(left: Hash, right: Hash) -> Hash:
    """The hash of a node over its two children."""
    return _sha256(b"\1" + left + right).digest()


def complete_root(nodes: Sequence[Hash]) -> Hash:
    """The root above ``nodes`` of one level; how many there are must be a power of two."""
    level = nodes
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [_sha256(b"\1" + left + right).digest() for left, right in pairs]
    return level[0]


class Frontier:
    """A growing tree by its compact range: the roots of the complete subtrees that tile it.

    ``nodes`` are their hashes, the largest subtree first; there are as many as ``size`` has bits
    set, so a leaf is added in O(log n) and the head is as cheap.
    """

    __slots__ = ("nodes", "size")

    def __init__(self, size: int = 0, nodes: Iterable[Hash] = ()) -> None:
        self.size = size
        self.nodes = list(nodes)
        if len(self.nodes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} complete subtrees")

    def append(self, leaf: Hash) -> None:
        """Add the hash of one more leaf."""
        self.append_complete(0, leaf)

    def append_complete(self, level: int, node: Hash) -> None:
        """Add a complete subtree of ``1 << level`` leaves; the size must be a multiple of that."""
        rest = self.size >> level
        if rest << level != self.size:
            raise ValueError(f"{self.size} leaves do not end where a node of level {level} begins")
        while rest & 1:
            node = node_hash(self.nodes.pop(), node)
            rest >>= 1
        self.nodes.append(node)
        self.size += 1 << level

    def root(self) -> Hash:
        """The head of the tree as it is."""
        return _folded(self.nodes)

    def copy(self) -> "Frontier":
        """A tree that grows on its own from here."""
        return Frontier(self.size, self.nodes)


def _folded(nodes: Sequence[Hash]) -> Hash:
    """The root over complete subtrees, the largest first: right to left, each under one node."""
    if not nodes:
        return EMPTY_ROOT
    root = nodes[-1]
    for node in reversed(nodes[:-1]):
        root = node_hash(node, root)
    return root


# --- proofs


def range_root(begin: int, end: int, node_at: NodeAt) -> Hash:
    """The hash of the node over leaves ``begin`` up to ``end``, from complete nodes."""
    nodes = []
    while begin < end:
        aligned = (begin & -begin).bit_length() - 1 if begin else end.bit_length()
        level = min(aligned, (end - begin).bit_length() - 1)
        nodes.append(node_at(level, begin >> level))
        begin += 1 << level
    return _folded(nodes)


def inclusion_proof(index: int, size: int, node_at: NodeAt) -> list[Hash]:
    """The audit path of leaf ``index`` in the tree of ``size`` leaves (RFC 9162, 2.1.3.1).

    Raises:
        ValueError: there is no such leaf in a tree of that size.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    siblings = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((begin, middle))
            begin = middle
    return [range_root(*sibling, node_at) for sibling in reversed(siblings)]


def consistency_proof(old: int, new: int, node_at: NodeAt) -> list[Hash]:
    """The proof that the tree of ``new`` leaves goes on from that of ``old`` (RFC 9162, 2.1.4.1).

    It is empty where the old tree is empty or both are one.

    Raises:
        ValueError: the new tree is the smaller one, or a size is negative.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves cannot go on from one of {old}")
    if old in {0, new}:
        return []
    siblings = []
    begin, end = 0, new
    while end != old:
        middle = begin + _split(end - begin)
        if old <= middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((begin, middle))
            begin = middle
    if begin:  # else the old tree is itself a complete node, which the verifier knows
        siblings.append((begin, end))
    return [range_root(*sibling, node_at) for sibling in reversed(siblings)]


def _split(count: int) -> int:
    """The largest power of two below ``count``, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


# --- verifying


def verify_inclusion(leaf: Hash, index: int, size: int, proof: Sequence[Hash], root: Hash) -> bool:
    """Whether ``proof`` shows the leaf hash at ``index`` in the tree of ``size`` leaves with this
    ``root`` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(sibling, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(
    old: int, new: int, old_root: Hash, new_root: Hash, proof: Sequence[Hash]
) -> bool:
    """Whether ``proof`` shows that the tree of ``new`` leaves with ``new_root`` goes on from that
    of ``old`` leaves with ``old_root`` (RFC 9162, 2.1.4.2).

    Every tree goes on from the empty one, and each from itself; both need an empty proof.
    """
    if not 0 <= old <= new:
        return False
    if old in {0, new}:
        known = EMPTY_ROOT if old == 0 else new_root
        return not proof and old_root == known and (new > 0 or new_root == EMPTY_ROOT)
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    return bool(path) and _consistent(old - 1, new - 1, old_root, new_root, path)


def _consistent(place: int, last: int, old_root: Hash, new_root: Hash, path: list[Hash]) -> bool:
    while place & 1:
        place, last = place >> 1, last >> 1
    earlier = later = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            earlier, later = node_hash(sibling, earlier), node_hash(sibling, later)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            later = node_hash(later, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and earlier == old_root and later == new_root
