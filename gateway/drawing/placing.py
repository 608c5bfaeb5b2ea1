"""The columns of the cells: near to what they are linked with, in their order, apart by a gap."""

from collections.abc import Mapping, Sequence

from gateway.drawing.layering import Layered
from gateway.drawing.ordering import Layers

_SWEEPS = 8
_STRAIGHT = 8.0
"""How much more a waypoint keeps its column than a box does: long lines look best straight."""


def placed(graph: Layered, layers: Layers, gap: int) -> list[int]:
    """The first column of each cell, ``gap`` columns between two of a layer; the least is 0."""
    above, below = graph.neighbours()
    left = [0] * len(graph.widths)
    for layer in layers:
        column = 0
        for cell in layer:
            left[cell] = column
            column += graph.widths[cell] + gap
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            _settle(graph, layer, above if down else below, left, gap)
    least = min(left, default=0)
    return [column - least for column in left]


def _settle(
    graph: Layered,
    layer: Sequence[int],
    beside: Mapping[int, Sequence[int]],
    left: list[int],
    gap: int,
) -> None:
    """Move the cells of a layer as near to their neighbours as their order and ``gap`` allow."""
    offsets, offset = [], 0
    wanted, weights = [], []
    for cell in layer:
        offsets.append(offset)
        ends = beside.get(cell, ())
        middle = graph.widths[cell] / 2
        column = (
            sum(left[end] + graph.widths[end] / 2 for end in ends) / len(ends) - middle
            if ends
            else left[cell]
        )
        wanted.append(column - offset)
        weights.append((_STRAIGHT if cell >= graph.nodes else 1.0) if ends else 0.1)
        offset += graph.widths[cell] + gap
    for cell, column, offset in zip(layer, _rising(wanted, weights), offsets, strict=True):
        left[cell] = round(column) + offset


def _rising(wanted: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The values that never fall and are nearest to those wanted, by pooling adjacent violators."""
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(wanted, weights, strict=True):
        many = 1
        while pools and pools[-1][0] > value:
            before, heavy, more = pools.pop()
            value = (before * heavy + value * weight) / (heavy + weight)
            weight, many = weight + heavy, many + more
        pools.append((value, weight, many))
    return [value for value, _, many in pools for _ in range(many)]
