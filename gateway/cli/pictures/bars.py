"""A timeline: bars along one axis of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from gateway.cli.output import Tone, Toned

_GAP = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """What lasted from one moment to another, in seconds since the axis begins."""

    name: str
    begin: float
    end: float
    tone: Tone


def draw_bars(bars: Sequence[Bar], columns: int, *, in_unicode: bool) -> list[list[Toned]]:
    """A row for each bar, under a scale from 0 to the end of the last one.

    Args:
        bars: in the order of the rows.
        columns: how wide the picture may be.
        in_unicode: whether block characters can be printed; else ASCII.
    """
    if not bars:
        return []
    names = max(len(bar.name) for bar in bars)
    over = max(bar.end for bar in bars)
    lengths = max(len(_seconds(bar.end - bar.begin)) for bar in bars)
    width = max(columns - names - _GAP - lengths - 1, 10)
    full = "█" if in_unicode else "="
    rows = [[Toned(_scale(names + _GAP, width, over), Tone.QUIET)]]
    for bar in bars:
        first = _column(bar.begin, over, width)
        last = max(_column(bar.end, over, width), first)
        rows.append(
            [
                Toned(bar.name.ljust(names + _GAP) + " " * first),
                Toned(full * (last - first + 1), bar.tone),
                Toned(f" {_seconds(bar.end - bar.begin)}", Tone.QUIET),
            ]
        )
    return rows


def _scale(indent: int, width: int, over: float) -> str:
    end = _seconds(over)
    return " " * indent + "0" + end.rjust(max(width - 1, len(end) + 1))


def _column(moment: float, over: float, width: int) -> int:
    return min(int(moment / over * width), width - 1) if over else 0


def _seconds(moment: float) -> str:
    """A length of time: milliseconds below a second, whole seconds from a minute on."""
    if moment < 1:
        return f"{moment * 1000:.0f} ms"
    if moment < 60:
        return f"{moment:.1f} s"
    return str(timedelta(seconds=int(moment)))
