"""What is laid out, and the layout of it. Everything is counted in cells of a grid."""

from dataclasses import dataclass
from itertools import accumulate


class GraphError(ValueError):
    """What was given is no directed graph without cycles, or is too large to be drawn."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node by its ``id``, and how many columns its box needs at least."""

    id: str
    width: int = 1


@dataclass(frozen=True, slots=True)
class Box:
    """Where a node is: its layer from the top and its first column; layers of nodes that depend
    on nothing are 0, and every other node is below all that it depends on."""

    id: str
    layer: int
    left: int
    width: int

    @property
    def right(self) -> int:
        """The last column of the box."""
        return self.left + self.width - 1

    @property
    def middle(self) -> int:
        """The column in which lines leave the box downward."""
        return self.left + (self.width - 1) // 2


@dataclass(frozen=True, slots=True)
class Hop:
    """A line from ``layer`` to the next one: down in column ``start``, along ``track`` (0 is the
    uppermost of the channel between the two layers), and down in column ``end``. A line without a
    track is straight, so that ``start`` and ``end`` are the same."""

    layer: int
    start: int
    end: int
    track: int | None


@dataclass(frozen=True, slots=True)
class Route:
    """An edge as its hops from top to bottom; between two hops it passes a layer straight down."""

    source: str
    target: str
    hops: tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Boxes by layer and column, routes in the order of the edges.

    Vertical lines of different sources never share a column within a channel, and horizontal ones
    never touch: where two lines of different sources meet, they cross.
    """

    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]
    width: int
    """Columns of the whole picture."""
    tracks: tuple[int, ...]
    """How many tracks each channel has; channel ``i`` is below layer ``i``."""

    def tops(self, box: int, track: int, margin: int) -> tuple[int, ...]:
        """Where each layer begins, and at last where the picture ends, in units of what is given.

        Args:
            box: the height of a box.
            track: the distance between two tracks.
            margin: what a channel has besides its tracks.
        """
        heights = [box + margin + many * track for many in self.tracks]
        return tuple(accumulate([*heights, box] if self.boxes else heights, initial=0))
