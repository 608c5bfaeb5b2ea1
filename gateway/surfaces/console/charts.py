"""Small charts: from values to the places of shapes in a box, and what they say in words.

Nothing here knows a page: templates draw what these functions give as SVG. Every number is finite
and lies within the box, whatever the values are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 320.0, 120.0
"""The box of a chart."""

_LEFT, _TOP, _BOTTOM = 34.0, 8.0, 20.0
_STEPS = (1, 2, 4, 10)  # half of each, times ten, is a whole number
_MOST = 1e12
_GAP = 0.2


@dataclass(frozen=True, slots=True)
class Series:
    """Values in the order of time; ``tone`` is a class of the style sheet."""

    name: str
    tone: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle, ``y`` being its upper edge."""

    tone: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A label beside an axis; ``at`` is its place on it."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked bars with their axes. ``told`` says in words what they show; ``series`` and
    ``labels`` are what a table of the same has. The box begins at 0, the bars at ``left``."""

    title: str
    told: str
    bars: Sequence[Bar]
    levels: Sequence[Tick]
    moments: Sequence[Tick]
    series: Sequence[Series]
    labels: Sequence[str]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = _LEFT


def stacked(title: str, series: Sequence[Series], labels: Sequence[str], every: int) -> Chart:
    """Bars for each label, the series upon one another; one of ``every`` labels is written.

    Values that are no number, or negative, count as 0; those beyond a series' end are missing.
    """
    clean = [Series(one.name, one.tone, _clean(one.values, len(labels))) for one in series]
    sums = [sum(column) for column in zip(*(one.values for one in clean), strict=True)]
    top = top_of(max(sums, default=0.0))
    return Chart(
        title=title,
        told=_in_words(title, clean, sums, labels),
        bars=_bars(clean, len(labels), top),
        levels=[Tick(_height(level, top), _short(level)) for level in (0.0, top / 2, top)],
        moments=[
            Tick(_place(at, len(labels)), labels[at]) for at in range(0, len(labels), max(every, 1))
        ],
        series=clean,
        labels=labels,
    )


def top_of(highest: float) -> float:
    """Where an axis ends that has to reach ``highest``: 2, or the next of 1, 2 and 4 times a power
    of ten."""
    if not highest > 2:
        return 2.0
    power = 10.0 ** math.floor(math.log10(min(highest, _MOST)))
    return next(step * power for step in _STEPS if step * power >= min(highest, _MOST))


def part_of(share: float, width: float = 100.0) -> float:
    """How much of a meter of this width a share fills; below 0 is nothing, above 1 all."""
    return round(min(max(share if math.isfinite(share) else 0.0, 0.0), 1.0) * width, 2)


def _clean(values: Sequence[float], length: int) -> list[float]:
    told = [min(max(one, 0), _MOST) if math.isfinite(one) else 0 for one in values[:length]]
    return told + [0] * (length - len(told))


def _place(at: int, count: int) -> float:
    """The left edge of a bar's place."""
    return round(_LEFT + (WIDTH - _LEFT) * at / count, 2)


def _height(value: float, top: float) -> float:
    """How far down a value is written."""
    room = HEIGHT - _TOP - _BOTTOM
    return round(_TOP + room * (1 - min(value / top, 1.0)), 2)


def _bars(series: Sequence[Series], count: int, top: float) -> list[Bar]:
    width = round((WIDTH - _LEFT) / count * (1 - _GAP), 2) if count else 0.0
    found = []
    for at in range(count):
        below = 0.0
        for one in series:
            value = one.values[at]
            if value:
                upper, lower = _height(below + value, top), _height(below, top)
                bar = Bar(one.tone, _place(at, count), upper, width, round(lower - upper, 2))
                found.append(bar)
            below += value
    return found


def _short(value: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _in_words(
    title: str, series: Sequence[Series], sums: Sequence[float], labels: Sequence[str]
) -> str:
    """The totals, and when there was most."""
    if not any(sums):
        return f"{title}: none."
    totals = ", ".join(f"{one.name} {_short_total(sum(one.values))}" for one in series)
    most = max(range(len(sums)), key=sums.__getitem__)
    return f"{title}: {totals}. Most at {labels[most]}: {_short_total(sums[most])}."


def _short_total(value: float) -> str:
    return f"{value:,.0f}"
