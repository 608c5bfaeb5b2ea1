"""What a benchmark measured, printed as a table and kept as JSON."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured value; with a baseline, the ratio that counts. ``goal`` is what it should reach
    and ``met`` whether it did."""

    name: str
    value: float
    unit: str
    baseline: str | None = None
    baseline_value: float | None = None
    ratio: float | None = None
    goal: str | None = None
    met: bool | None = None


def against(name: str, value: float, unit: str, baseline: str, baseline_value: float) -> Figure:
    """A figure beside its baseline, measured in the same run."""
    return Figure(name, value, unit, baseline, baseline_value, value / baseline_value)


def at_least(figure: Figure, ratio: float) -> Figure:
    """The figure, whose ratio should be at least this."""
    met = figure.ratio is not None and figure.ratio >= ratio
    return replace(figure, goal=f">= {ratio:g} x", met=met)


def at_most(figure: Figure, value: float) -> Figure:
    """The figure, whose value should be at most this."""
    return replace(figure, goal=f"<= {value:g} {figure.unit}", met=figure.value <= value)


def percentile(values: list[float], share: float) -> float:
    """The value below which ``share`` (0 to 1) of ``values`` lie."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def print_table(figures: list[Figure]) -> None:
    """Print the figures for a person."""
    print(f"\n{'figure':52} {'value':>12} {'unit':10} {'ratio':>9}  baseline")
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        beside = ""
        if figure.baseline_value is not None:
            beside = f"{figure.baseline} ({figure.baseline_value:,.1f})"
        if figure.goal is not None:
            beside += f"  [{figure.goal}: {'met' if figure.met else 'MISSED'}]"
        print(f"{figure.name:52} {figure.value:12,.2f} {figure.unit:10} {ratio:>9}  {beside}")


def save(figures: list[Figure], path: Path) -> None:
    """Keep the figures as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")
