"""Whether the operations on one execution could have happened one after the other.

The search of Wing and Gong (as in Jepsen's Knossos): every operation takes effect at one moment
between its call and its answer; one of unknown outcome at any moment after its call, or never. The
machine may move by itself in between. A history of which no such order exists is an anomaly.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.checker.machine import State, answer, moves
from tests.faults.history import INFO, Operation

LIMIT = 400_000
"""The most configurations that are looked at: beyond that the search gives up, which is told."""

_NEVER = float("inf")


@dataclass(frozen=True)
class Configuration:
    """Which operations took effect (a set of bits), and the state after them."""

    taken: int
    state: State


def explain(operations: Sequence[Operation], first: State | None = None) -> str | None:
    """None where an order exists; else what stands in its way."""
    ordered = sorted(operations, key=lambda operation: operation.invoked)
    start = Configuration(0, first or State())
    seen, stack = {start}, [start]
    furthest = start
    needed = _bits(index for index, one in enumerate(ordered) if one.outcome != INFO)
    while stack:
        at = stack.pop()
        if at.taken & needed == needed:
            return None
        if (at.taken & needed).bit_count() > (furthest.taken & needed).bit_count():
            furthest = at
        for following in _following(at, ordered):
            if following not in seen:
                seen.add(following)
                stack.append(following)
        if len(seen) > LIMIT:
            return f"the search was given up after {LIMIT} configurations"
    return _told(furthest, ordered)


def _following(at: Configuration, ordered: Sequence[Operation]) -> list[Configuration]:
    found = [Configuration(at.taken, state) for state in moves(at.state)]
    for index in _candidates(at.taken, ordered):
        taken = at.taken | 1 << index
        found += [Configuration(taken, state) for state in answer(at.state, ordered[index])]
    return found


def _candidates(taken: int, ordered: Sequence[Operation]) -> list[int]:
    """Those that may take effect next: called before any other was answered."""
    left = [index for index in range(len(ordered)) if not taken >> index & 1]
    earliest = min((_answered_at(ordered[index]) for index in left), default=_NEVER)
    return [index for index in left if ordered[index].invoked <= earliest]


def _answered_at(operation: Operation) -> float:
    unknown = operation.outcome == INFO or operation.ended is None
    return _NEVER if unknown else operation.ended or _NEVER


def _bits(indices: object) -> int:
    found = 0
    for index in indices:  # type: ignore[attr-defined]
        found |= 1 << index
    return found


def _told(furthest: Configuration, ordered: Sequence[Operation]) -> str:
    stuck = [str(ordered[index]) for index in _candidates(furthest.taken, ordered)]
    state = furthest.state
    return f"no order explains it; from {state} none of these can follow: {'; '.join(stuck[:6])}"
