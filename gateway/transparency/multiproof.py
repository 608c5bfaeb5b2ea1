"""One proof for many leaves: the nodes that lie beside all of them, each once, from left to right.

The audit paths of RFC 6962 section 2.1.1 for the leaves of one run share most of their nodes. What
is left is the tree's nodes that cover none of the leaves and whose sibling covers one: whoever has
the leaves computes the root from these.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from gateway.transparency.merkle import Hash, NodeAt, node_hash, range_root

LARGEST = 2**62
"""The largest tree that a proof may speak of."""


def multiproof(indexes: Sequence[int], size: int, node_at: NodeAt) -> list[Hash]:
    """The proof that the leaves ``indexes`` (rising) are in the tree of ``size`` leaves.

    Raises:
        ValueError: there is none to prove, they do not rise, or the tree does not reach as far.
    """
    _require(indexes, size)
    return [range_root(begin, end, node_at) for begin, end in _beside(indexes, size)]


def multiproof_root(leaves: Mapping[int, Hash], size: int, proof: Sequence[Hash]) -> Hash:
    """The root that leaf hashes by index and a proof give. Compare it with the one that is signed;
    the size must be that which was signed with it, for a root does not hold it.

    Raises:
        ValueError: the proof is not one for these leaves in a tree of this size.
    """
    indexes = sorted(leaves)
    _require(indexes, size)
    if sum(1 for _ in _beside(indexes, size)) != len(proof):
        raise ValueError("the proof does not have as many nodes as these leaves need")
    given = iter(proof)

    def root(begin: int, end: int) -> Hash:  # as deep as the tree is high, 62 at the most
        if not _holds(indexes, begin, end):
            return next(given)
        if end - begin == 1:
            return leaves[begin]
        middle = begin + _split(end - begin)
        left = root(begin, middle)
        return node_hash(left, root(middle, end))

    return root(0, size)


def _beside(indexes: Sequence[int], size: int) -> Iterable[tuple[int, int]]:
    """The nodes of a proof, by their leaves, from left to right."""
    waiting = [(0, size)]
    while waiting:
        begin, end = waiting.pop()
        if not _holds(indexes, begin, end):
            yield begin, end
        elif end - begin > 1:
            middle = begin + _split(end - begin)
            waiting += [(middle, end), (begin, middle)]


def _holds(indexes: Sequence[int], begin: int, end: int) -> bool:
    place = bisect_left(indexes, begin)
    return place < len(indexes) and indexes[place] < end


def _split(count: int) -> int:
    """The largest power of two below ``count``, which is at least 2."""
    return 1 << (count - 1).bit_length() - 1


def _require(indexes: Sequence[int], size: int) -> None:
    rises = all(one < other for one, other in pairwise(indexes))
    if not indexes or not rises:
        raise ValueError("the leaves are named one by one, in their order")
    if not 0 <= indexes[0] <= indexes[-1] < size <= LARGEST:
        raise ValueError(f"a tree of {size} leaves does not hold all of these")
