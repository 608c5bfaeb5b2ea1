"""Where the boxes and lines of a picture go, as data: terminals and pages draw the same layout."""

from gateway.drawing.graph import Box, GraphError, Hop, Layout, Node, Route
from gateway.drawing.layout import lay_out

__all__ = ["Box", "GraphError", "Hop", "Layout", "Node", "Route", "lay_out"]
