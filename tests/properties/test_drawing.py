"""A layout holds for every graph: edges go down, nothing lies upon anything else."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.drawing import GraphError, Layout, Node, lay_out
from tests.properties.amounts import examples

Graph = tuple[list[Node], list[tuple[str, str]]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Nodes of all widths, in an order that says nothing of their edges."""
    widths = draw(st.lists(st.integers(0, 30), max_size=14))
    nodes = [Node(f"n{number}", width) for number, width in enumerate(widths)]
    pairs = [(lower, upper) for upper in range(len(nodes)) for lower in range(upper)]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=40)) if pairs else []
    return draw(st.permutations(nodes)), [(f"n{lower}", f"n{upper}") for lower, upper in chosen]


def verticals(drawn: Layout) -> Iterator[tuple[int, int, str]]:
    """The channel, column and source of each vertical line in a channel."""
    for route in drawn.routes:
        for hop in route.hops:
            yield from {(hop.layer, hop.start, route.source), (hop.layer, hop.end, route.source)}


@settings(max_examples=examples(150), deadline=None)
@given(graphs(), st.integers(1, 4))
def test_every_node_is_drawn_once_and_no_two_boxes_touch(graph: Graph, gap: int) -> None:
    nodes, edges = graph
    drawn = lay_out(nodes, edges, gap)
    assert sorted(box.id for box in drawn.boxes) == sorted(node.id for node in nodes)
    wanted = {node.id: node.width for node in nodes}
    assert all(box.width >= wanted[box.id] for box in drawn.boxes)
    for box, following in pairwise(drawn.boxes):
        if box.layer == following.layer:
            assert following.left - box.right > gap
        else:
            assert following.layer == box.layer + 1
    assert all(box.left >= 0 and box.right < drawn.width for box in drawn.boxes)


@settings(max_examples=examples(150), deadline=None)
@given(graphs())
def test_every_edge_goes_down_from_its_source_to_its_target_without_a_break(graph: Graph) -> None:
    nodes, edges = graph
    drawn = lay_out(nodes, edges)
    boxes = {box.id: box for box in drawn.boxes}
    assert [(route.source, route.target) for route in drawn.routes] == list(dict.fromkeys(edges))
    for route in drawn.routes:
        source, target = boxes[route.source], boxes[route.target]
        layers = [hop.layer for hop in route.hops]
        assert layers == list(range(source.layer, target.layer))
        assert route.hops[0].start == source.middle
        assert target.left < route.hops[-1].end < target.right
        for hop, following in pairwise(route.hops):
            assert hop.end == following.start
        for hop in route.hops:
            assert (hop.track is None) == (hop.start == hop.end)
            assert hop.track is None or hop.track < drawn.tracks[hop.layer]


@settings(max_examples=examples(150), deadline=None)
@given(graphs())
def test_no_line_lies_upon_another_or_passes_through_a_box(graph: Graph) -> None:
    nodes, edges = graph
    drawn = lay_out(nodes, edges)
    upright = defaultdict[tuple[int, int], set[str]](set)
    for layer, column, source in verticals(drawn):
        upright[layer, column].add(source)
    assert all(len(sources) == 1 for sources in upright.values())
    flat = defaultdict[tuple[int, int | None, int], set[str]](set)
    for route in drawn.routes:
        for hop in route.hops:
            for column in range(min(hop.start, hop.end), max(hop.start, hop.end) + 1):
                flat[hop.layer, hop.track, column].add(route.source)
    for (layer, track, column), sources in flat.items():
        beside = flat.get((layer, track, column + 1), sources)
        assert track is None or (len(sources) == 1 and beside == sources)
    for route in drawn.routes:
        for hop in route.hops[1:]:
            passed = [box for box in drawn.boxes if box.layer == hop.layer]
            assert not any(box.left - 1 <= hop.start <= box.right + 1 for box in passed)


@settings(max_examples=examples(60), deadline=None)
@given(graphs())
def test_the_same_graph_always_comes_out_the_same(graph: Graph) -> None:
    assert lay_out(*graph) == lay_out(*graph)


@pytest.mark.parametrize(
    ("nodes", "edges", "said"),
    [
        ("aa", [], "same id"),
        ("ab", [("a", "c")], "'c', which is no node"),
        ("ab", [("a", "b"), ("b", "a")], "cycle"),
        ("a", [("a", "a")], "cycle"),
    ],
)
def test_what_is_no_graph_without_cycles_is_refused(
    nodes: str, edges: list[tuple[str, str]], said: str
) -> None:
    with pytest.raises(GraphError, match=said):
        lay_out([Node(name) for name in nodes], edges)


def test_what_is_too_large_is_refused_before_it_is_laid_out() -> None:
    chain = [(f"{number}", f"{number + 1}") for number in range(400)]
    far = [(f"{number}", "400") for number in range(400)]
    with pytest.raises(GraphError, match="too many layers"):
        lay_out([Node(f"{number}") for number in range(401)], [*chain, *far])


def test_lines_that_can_be_drawn_without_crossing_are() -> None:
    nodes = [Node(name, 5) for name in "abcxyz"]
    drawn = lay_out(nodes, [("a", "z"), ("b", "y"), ("c", "x")])
    assert [box.id for box in drawn.boxes if box.layer == 1] == ["z", "y", "x"]
    assert drawn.tracks == (0,)


def test_layers_begin_below_the_tracks_of_the_channel_above() -> None:
    drawn = lay_out([Node(name, 5) for name in "abc"], [("a", "b"), ("a", "c")])
    assert drawn.tracks == (1,)
    assert drawn.tops(box=3, track=2, margin=1) == (0, 6, 9)
