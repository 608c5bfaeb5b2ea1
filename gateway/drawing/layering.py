"""Layers: each node below all that it depends on, and edges cut into hops from layer to layer."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gateway.drawing.graph import GraphError, Node

WAYPOINTS = 20_000
"""In how many places edges may pass layers: what is larger cannot be read, and takes long."""

Edge = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Layered:
    """A graph whose links go from one layer to the next.

    Its cells are numbers: the nodes in their order, and behind them the waypoints, which are where
    an edge passes a layer.
    """

    nodes: int
    widths: Sequence[int]
    layer_of: Sequence[int]
    chains: Mapping[Edge, Sequence[int]]
    """The cells of each edge from its source to its target."""

    @property
    def layers(self) -> list[list[int]]:
        """The cells of each layer, in their order."""
        found: list[list[int]] = [[] for _ in range(max(self.layer_of, default=-1) + 1)]
        for cell, layer in enumerate(self.layer_of):
            found[layer].append(cell)
        return found

    def neighbours(self) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
        """The cells above and below each cell."""
        above, below = defaultdict[int, list[int]](list), defaultdict[int, list[int]](list)
        for chain in self.chains.values():
            for upper, lower in pairwise(chain):
                above[lower].append(upper)
                below[upper].append(lower)
        return above, below


def layered(nodes: Sequence[Node], edges: Sequence[Edge], waypoint: int) -> Layered:
    """Cut ``edges`` into hops; ``waypoint`` is how many columns one that passes a layer needs.

    Raises:
        GraphError: for ids that come twice, edges from or to what is no node, cycles, and graphs
            whose edges pass too many layers.
    """
    index = {node.id: cell for cell, node in enumerate(nodes)}
    if len(index) != len(nodes):
        raise GraphError("two nodes have the same id")
    unknown = {end for edge in edges for end in edge} - index.keys()
    if unknown:
        raise GraphError(f"an edge names {min(unknown)!r}, which is no node")
    layer_of = _depths(len(nodes), [(index[source], index[target]) for source, target in edges])
    arriving = [0] * len(nodes)
    chains: dict[Edge, list[int]] = {}
    for edge in dict.fromkeys(edges):
        source, target = index[edge[0]], index[edge[1]]
        arriving[target] += 1
        passed = range(layer_of[source] + 1, layer_of[target])
        chains[edge] = [source, *range(len(layer_of), len(layer_of) + len(passed)), target]
        layer_of.extend(passed)
        if len(layer_of) > len(nodes) + WAYPOINTS:
            raise GraphError("the edges pass too many layers to be drawn")
    widths = [max(node.width, 2 * many + 3) for node, many in zip(nodes, arriving, strict=True)] + [
        waypoint
    ] * (len(layer_of) - len(nodes))
    return Layered(len(nodes), widths, layer_of, chains)


def _depths(many: int, links: Sequence[tuple[int, int]]) -> list[int]:
    """The longest way to each node from one that depends on nothing."""
    below: dict[int, list[int]] = defaultdict(list)
    missing = [0] * many
    for source, target in links:
        below[source].append(target)
        missing[target] += 1
    depths = [0] * many
    ready = [cell for cell in range(many) if not missing[cell]]
    for cell in ready:  # it grows while it is gone through
        for target in below[cell]:
            depths[target] = max(depths[target], depths[cell] + 1)
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    if len(ready) != many:
        raise GraphError("the edges form a cycle")
    return depths
