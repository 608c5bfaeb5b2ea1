"""The report of an impact analysis as bars: what flips, by contract and by role."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.model.json import JsonObject

_RANKS = {"deny": 0, "blocked": 0, "assist": 1, "autonomous": 2, "allow": 2}
"""How much a decision lets happen."""

TONES = {"looser": "▲", "stricter": "▼", "terms": "◆"}
"""What a change means, with its sign."""

_REST = "other changes"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a bar: ``start`` and ``width`` are percent of the longest bar."""

    change: str
    tone: str
    count: int
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Bar:
    """The flips of a contract or role; ``of`` is how many decisions there were, if that is told."""

    name: str
    count: int
    of: int | None
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A report to be drawn: its bars, and every change with its tone and count."""

    contracts: tuple[Bar, ...]
    roles: tuple[Bar, ...]
    changes: tuple[tuple[str, str, int], ...]


def drawn(report: JsonObject) -> Drawn:
    """The bars of a report (docs/policies.md, Impact)."""
    by_contract: dict[str, dict[str, int]] = {}
    for group in report.get("flips", []):
        counts = by_contract.setdefault(group["contract"], {})
        counts[group["change"]] = counts.get(group["change"], 0) + group["count"]
    contracts = [
        (one["contract"], one["flips"], one["decided"], by_contract.get(one["contract"], {}))
        for one in report.get("byContract", [])
        if one["flips"]
    ]
    roles = [(one["role"], one["flips"], None, one["byChange"]) for one in report.get("byRole", [])]
    changes = report.get("byChange", {}).items()
    return Drawn(
        _bars(contracts),
        _bars(roles),
        tuple((told(change), tone(change), count) for change, count in changes),
    )


def _bars(rows: Iterable[tuple[str, int, int | None, Mapping[str, int]]]) -> tuple[Bar, ...]:
    known = list(rows)
    longest = max((flips for _, flips, _, _ in known), default=1) or 1
    return tuple(
        Bar(name, flips, of, _segments(changes, flips, longest))
        for name, flips, of, changes in known
    )


def _segments(changes: Mapping[str, int], flips: int, longest: int) -> tuple[Segment, ...]:
    """The changes one beside the other; what no group tells comes last."""
    rest = flips - sum(changes.values())
    counted = {**changes, **({_REST: rest} if rest > 0 else {})}
    found: list[Segment] = []
    start = 0.0
    for change, count in counted.items():
        width = round(100 * count / longest, 2)
        found.append(Segment(told(change), tone(change), count, start, width))
        start = round(start + width, 2)
    return tuple(found)


def tone(change: str) -> str:
    """What a change such as ``allow -> deny`` means: one of ``TONES``."""
    before, arrow, after = change.partition(" -> ")
    if not arrow or before not in _RANKS or after not in _RANKS:
        return "terms"
    ahead = _RANKS[after] - _RANKS[before]
    return "looser" if ahead > 0 else "stricter" if ahead < 0 else "terms"


def told(change: str) -> str:
    """A change as people read it."""
    return change.replace("->", "→")
