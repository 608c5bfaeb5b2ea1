"""nodes and edges -> layers -> order -> columns -> lines"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from gateway.drawing.graph import Box, GraphError, Hop, Layout, Node, Route
from gateway.drawing.layering import Edge, Layered, layered
from gateway.drawing.ordering import ordered
from gateway.drawing.placing import placed
from gateway.drawing.routing import Lines, routed

_WAYPOINT = 3
"""Columns kept free for an edge that passes a layer: one to go in, two to step aside."""


def lay_out(nodes: Sequence[Node], edges: Iterable[Edge], gap: int = 3) -> Layout:
    """Lay out a directed graph without cycles, from top to bottom. The same graph always comes out
    the same.

    Args:
        nodes: in the order that is kept where nothing else speaks for another one.
        edges: source and target by id; one that comes twice counts once.
        gap: columns between two boxes of a layer, at least one.

    Raises:
        GraphError: for ids that come twice, edges from or to what is no node, cycles, and graphs
            that are too large to be drawn.
    """
    if gap < 1:
        raise GraphError("the gap between two boxes is at least one column")
    graph = layered(nodes, list(edges), _WAYPOINT)
    layers = ordered(graph)
    left = placed(graph, layers, gap)
    lines = routed(graph, layers, left)
    boxes = tuple(
        Box(nodes[cell].id, at, left[cell], graph.widths[cell])
        for at, layer in enumerate(layers)
        for cell in layer
        if cell < graph.nodes
    )
    routes = tuple(Route(*edge, _hops(graph, chain, lines)) for edge, chain in graph.chains.items())
    width = max((left[cell] + graph.widths[cell] for cell in range(len(left))), default=0)
    return Layout(boxes, routes, width, tuple(lines.tracks))


def _hops(graph: Layered, chain: Sequence[int], lines: Lines) -> tuple[Hop, ...]:
    hops = []
    for upper, lower in pairwise(chain):
        start, end = lines.leaving[upper], lines.arriving[upper, lower]
        track = None if start == end else lines.track[upper]
        hops.append(Hop(graph.layer_of[upper], start, end, track))
    return tuple(hops)
