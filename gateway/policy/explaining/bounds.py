"""Which numbers an argument may be: tried on the decision point, region by region.

Conditions compare arguments with numbers. Between two such numbers nothing changes, so that the
verdict of every number follows from one trial for each number and for each gap between two.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import floor, inf

from gateway.model.decision import Verdict
from gateway.policy.explaining.condition_parts import parts_of
from gateway.policy.explaining.explanation import Bounds
from gateway.policy.explaining.request import Request
from gateway.policy.rules.conditions import kind_of

MAX_ARGUMENTS = 4
"""How many arguments are tried."""

MAX_NUMBERS = 32
"""How many numbers that conditions compare an argument with are tried."""


@dataclass(frozen=True, slots=True)
class Region:
    """All numbers from ``low`` to ``high``, which are one number where they are equal and do not
    belong to it otherwise; ``sample`` lies inside."""

    low: float
    high: float
    sample: float


@dataclass(frozen=True, slots=True)
class Reach:
    """An argument that leads to ``verdict`` within ``bounds``; ``sample`` is such a number, the
    bound itself where it belongs to them."""

    path: str
    bounds: Bounds
    sample: float
    verdict: Verdict


def regions(numbers: Iterable[float], whole: bool) -> list[Region]:
    """The line cut at ``numbers``, from low to high; ``whole`` leaves out what holds no integer."""
    cuts = sorted(set(numbers))
    edges = [-inf, *cuts, inf]
    found = []
    for low, high in pairwise(edges):
        sample = _between(low, high, whole)
        if sample is not None:
            found.append(Region(low, high, sample))
        if high != inf and not (whole and high != floor(high)):
            found.append(Region(high, high, high))
    return found


def _between(low: float, high: float, whole: bool) -> float | None:
    if low == -inf:
        return floor(high) - 1.0
    if high == inf:
        return floor(low) + 1.0
    middle = floor(low) + 1.0 if whole else (low + high) / 2
    return middle if low < middle < high else None


def compared(conditions: Iterable[str]) -> dict[str, set[float]]:
    """The arguments that conditions compare with numbers, and the numbers."""
    found: dict[str, set[float]] = {}
    for text in conditions:
        for path, number in parts_of(text).numbers():
            if path in found or len(found) < MAX_ARGUMENTS:
                numbers = found.setdefault(path, set())
                if len(numbers) < MAX_NUMBERS:
                    numbers.add(number)
    return found


def reaches(request: Request, path: str, numbers: Iterable[float], rank: int) -> list[Reach]:
    """Where verdicts better than ``rank`` begin, below and above the given number: for each
    verdict the nearest numbers on both sides."""
    line = regions(numbers, _is_whole(request, path))
    verdicts = [request.with_argument(path, one.sample).decided_verdict().verdict for one in line]
    at = _standing(request, path, line)
    found = []
    for wanted in sorted({one for one in verdicts if one.rank < rank}, key=lambda one: -one.rank):
        below = next((index for index in range(at, -1, -1) if verdicts[index] is wanted), None)
        above = next((index for index in range(at, len(line)) if verdicts[index] is wanted), None)
        if below is not None:
            found.append(_stretch(path, line, verdicts, below, downwards=True))
        if above is not None:
            found.append(_stretch(path, line, verdicts, above, downwards=False))
    return list({(one.bounds, one.verdict): one for one in reversed(found)}.values())[::-1]


def _standing(request: Request, path: str, line: list[Region]) -> int:
    """The region of the given number; above all of them where none is given."""
    value: object = request.arguments
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, int | float) and kind_of(value) is not None and value is not True:
        for index, one in enumerate(line):
            if one.low < value < one.high or value == one.low == one.high:
                return index
    return len(line) - 1


def _stretch(
    path: str, line: list[Region], verdicts: list[Verdict], index: int, *, downwards: bool
) -> Reach:
    """All regions with the same verdict side by side, from the one that lies nearest."""
    low = high = index
    while low > 0 and verdicts[low - 1] is verdicts[index]:
        low -= 1
    while high + 1 < len(line) and verdicts[high + 1] is verdicts[index]:
        high += 1
    bottom, top = line[low], line[high]
    bounds = Bounds(
        at_least=bottom.low if bottom.low == bottom.high else None,
        above=bottom.low if -inf < bottom.low < bottom.high else None,
        at_most=top.high if top.low == top.high else None,
        below=top.high if top.low < top.high < inf else None,
    )
    nearest = line[high if downwards else low]
    return Reach(path, bounds, nearest.sample, verdicts[index])


def _is_whole(request: Request, path: str) -> bool:
    found = request.contract.input.get(path)
    return found is not None and found.name == "Int"
