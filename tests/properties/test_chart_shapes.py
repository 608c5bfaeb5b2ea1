"""Charts stay in their box and tell what they show, whatever the values are."""

import math

from hypothesis import given
from hypothesis import strategies as st

from gateway.surfaces.console.charts import (
    HEIGHT,
    WIDTH,
    Chart,
    Series,
    part_of,
    stacked,
    top_of,
)

ANY = st.one_of(st.integers(-10, 10**9), st.floats(allow_nan=True, allow_infinity=True))
LABELS = st.lists(st.text(max_size=5), max_size=70)


def numbers(chart: Chart) -> list[float]:
    bars = [(one.x, one.y, one.width, one.height) for one in chart.bars]
    return [
        *(number for bar in bars for number in bar),
        *(tick.at for tick in (*chart.levels, *chart.moments)),
    ]


@given(st.lists(st.lists(ANY, max_size=80), max_size=4), LABELS, st.integers(-1, 20))
def test_every_shape_is_finite_and_in_the_box(
    values: list[list[float]], labels: list[str], every: int
) -> None:
    series = [Series(f"s{at}", "good", one) for at, one in enumerate(values)]

    chart = stacked("Things", series, labels, every)

    assert all(math.isfinite(number) for number in numbers(chart))
    for bar in chart.bars:
        assert bar.x >= 0
        assert bar.y >= 0
        assert bar.height >= 0
        assert bar.x + bar.width <= WIDTH + 0.02
        assert bar.y + bar.height <= HEIGHT
    assert all(0 <= level.at <= HEIGHT for level in chart.levels)
    assert all(0 <= moment.at <= WIDTH for moment in chart.moments)
    assert all(len(one.values) == len(labels) for one in chart.series)
    assert chart.told.startswith("Things: ")


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=60))
def test_bars_are_as_high_as_their_values(values: list[int]) -> None:
    chart = stacked("Things", [Series("s", "good", values)], [str(v) for v in values], 15)
    base, room = chart.levels[0].at, chart.levels[0].at - chart.levels[-1].at
    top = top_of(max(values))

    assert len(chart.bars) == sum(value > 0 for value in values)
    shown = [value for value in values if value]
    for value, bar in zip(shown, chart.bars, strict=True):
        assert math.isclose(bar.y + bar.height, base, abs_tol=0.02)
        assert math.isclose(bar.height, room * value / top, abs_tol=0.02)


@given(st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), min_size=1, max_size=60))
def test_stacks_do_not_overlap(pairs: list[tuple[int, int]]) -> None:
    series = [Series(name, name, [pair[at] for pair in pairs]) for at, name in enumerate("ab")]
    chart = stacked("Things", series, [""] * len(pairs), 15)

    by_place: dict[float, list[float]] = {}
    for bar in chart.bars:
        by_place.setdefault(bar.x, []).extend((round(bar.y + bar.height, 2), bar.y))
    for edges in by_place.values():
        assert edges == sorted(edges, reverse=True)


@given(st.floats(allow_nan=False))
def test_an_axis_reaches_what_it_has_to(highest: float) -> None:
    top = top_of(highest)

    assert 2 <= top <= 1e12
    assert top >= min(highest, 1e12)
    assert top <= max(2.0, 5 * highest)
    assert (top / 2).is_integer()


@given(st.floats())
def test_a_meter_is_never_more_than_full(share: float) -> None:
    assert 0 <= part_of(share) <= 100
