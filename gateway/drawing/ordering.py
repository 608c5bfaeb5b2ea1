"""The order within each layer, chosen so that few lines cross."""

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from itertools import pairwise

from gateway.drawing.layering import Layered

_SWEEPS = 12
"""How often the layers are gone through; what is not better by then hardly becomes so."""

Layers = list[list[int]]


def ordered(graph: Layered) -> Layers:
    """The cells of each layer from left to right, by the barycentre heuristic (Sugiyama, 1981)."""
    above, below = graph.neighbours()
    layers = graph.layers
    best, fewest = layers, crossings(layers, below)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        layers = _swept(layers, above if sweep % 2 == 0 else below, down=sweep % 2 == 0)
        many = crossings(layers, below)
        if many < fewest:
            best, fewest = layers, many
    return best


def crossings(layers: Layers, below: Mapping[int, Sequence[int]]) -> int:
    """How many pairs of links cross."""
    total = 0
    for upper, lower in pairwise(layers):
        place = {cell: at for at, cell in enumerate(lower)}
        seen: list[int] = []
        for cell in upper:
            ends = [place[end] for end in below.get(cell, ())]
            total += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _swept(layers: Layers, beside: Mapping[int, Sequence[int]], *, down: bool) -> Layers:
    """Each layer sorted by where the neighbours of its cells are in the layer before it."""
    result = layers.copy()
    way = range(1, len(layers)) if down else range(len(layers) - 2, -1, -1)
    for at in way:
        before = result[at - 1 if down else at + 1]
        place = {cell: position for position, cell in enumerate(before)}
        share = len(before) / len(result[at])
        centre = {
            cell: _mean([place[end] for end in beside.get(cell, ())], position * share)
            for position, cell in enumerate(result[at])
        }
        result[at] = sorted(result[at], key=centre.__getitem__)
    return result


def _mean(places: Sequence[int], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise
