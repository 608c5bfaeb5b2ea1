"""What a benchmark measured, printed as a table and kept as JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured value; with a baseline, the ratio that counts."""

    name: str
    value: float
    unit: str
    baseline: str | None = None
    baseline_value: float | None = None
    ratio: float | None = None


def against(name: str, value: float, unit: str, baseline: str, baseline_value: float) -> Figure:
    """A figure beside its baseline, measured in the same run."""
    return Figure(name, value, unit, baseline, baseline_value, value / baseline_value)


def percentile(values: list[float], share: float) -> float:
    """The value below which ``share`` (0 to 1) of ``values`` lie."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def print_table(figures: list[Figure]) -> None:
    """Print the figures for a person."""
    print(f"\n{'figure':52} {'value':>12} {'unit':10} {'ratio':>7}  baseline")
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        beside = ""
        if figure.baseline_value is not None:
            beside = f"{figure.baseline} ({figure.baseline_value:,.1f})"
        print(f"{figure.name:52} {figure.value:12,.2f} {figure.unit:10} {ratio:>7}  {beside}")


def save(figures: list[Figure], path: Path) -> None:
    """Keep the figures as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")
