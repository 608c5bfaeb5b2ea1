"""The lines: in which column each leaves and arrives, and on which track it goes between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from gateway.drawing.layering import Layered
from gateway.drawing.ordering import Layers

Neighbours = Mapping[int, Sequence[int]]


@dataclass(slots=True)
class Lines:
    """Where lines leave and on which track they go (by cell), and where they arrive (by link)."""

    leaving: dict[int, int] = field(default_factory=dict)
    track: dict[int, int] = field(default_factory=dict)
    arriving: dict[tuple[int, int], int] = field(default_factory=dict)
    tracks: list[int] = field(default_factory=list)


def routed(graph: Layered, layers: Layers, left: Sequence[int]) -> Lines:
    """Choose columns and tracks from top to bottom.

    A line arrives in a column in which no other cell of the layer above is left, so that vertical
    lines of two sources never lie upon one another. There is always such a column: those that are
    left are two apart at least, and a box is wide enough (see ``layering``).
    """
    above, below = graph.neighbours()
    lines = Lines()
    taken: dict[int, int] = {}
    for at, layer in enumerate(layers):
        for cell in layer:
            columns = range(left[cell], left[cell] + graph.widths[cell])
            if cell < graph.nodes:
                _arrive(cell, above.get(cell, ()), columns[1:-1], taken, lines)
                lines.leaving[cell] = columns[(len(columns) - 1) // 2]
            else:  # the line goes on in the column in which it came
                _arrive(cell, above[cell], columns, taken, lines)
                lines.leaving[cell] = lines.arriving[above[cell][0], cell]
        taken = {lines.leaving[cell]: cell for cell in layer if cell in below}
        if at:
            lines.tracks.append(_share_tracks(layers[at - 1], below, lines))
    return lines


def _arrive(
    cell: int, sources: Sequence[int], columns: range, taken: Mapping[int, int], lines: Lines
) -> None:
    """Give each line to ``cell`` a column: its own if it can go straight down, else one that is
    free and near to where it should be."""
    ordered = sorted(sources, key=lines.leaving.__getitem__)
    starts = [lines.leaving[source] for source in ordered]
    wanted = _wanted(starts, columns)
    free = [column for column in columns if column not in taken]
    first, bent = 0, sum(start not in columns for start in starts)
    for source, start, near in zip(ordered, starts, wanted, strict=True):
        if start in columns:
            lines.arriving[source, cell] = start
            continue
        bent -= 1
        _, chosen = min((abs(free[at] - near), at) for at in range(first, len(free) - bent))
        lines.arriving[source, cell] = free[chosen]
        first = chosen + 1


def _wanted(starts: Sequence[int], columns: range) -> list[float]:
    """Where lines should arrive that start in these columns, in their order: straight down where
    that is among ``columns``, and the others spread evenly before, between and behind those."""
    wanted: list[float] = []
    border = columns.start - 1
    for is_straight, run in groupby(starts, key=columns.__contains__):
        group = list(run)
        if is_straight:
            wanted += group
            border = group[-1]
            continue
        following = starts[len(wanted) + len(group) :]
        end = following[0] if following else columns.stop
        wanted += [
            border + (end - border) * at / (len(group) + 1) for at in range(1, len(group) + 1)
        ]
    return wanted


def _share_tracks(layer: Sequence[int], below: Neighbours, lines: Lines) -> int:
    """Put the lines of each cell of ``layer`` on one track, apart from all others on it (the
    left-edge algorithm); returns how many tracks that takes."""
    spans = []
    for cell in layer:
        ends = [lines.arriving[cell, end] for end in below.get(cell, ())]
        start = lines.leaving[cell]
        if any(end != start for end in ends):
            spans.append((min(start, *ends), max(start, *ends), cell))
    reached: list[int] = []
    for begin, end, cell in sorted(spans):
        track = next((at for at, column in enumerate(reached) if column + 1 < begin), len(reached))
        reached[track : track + 1] = [end]
        lines.track[cell] = track
    return len(reached)
