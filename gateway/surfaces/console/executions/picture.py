"""A plan as a picture: the layout of its graph in pixels, for a template to draw as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.drawing import Box, GraphError, Node, Route, lay_out
from gateway.model.json import JsonObject
from gateway.surfaces.console.executions.flows import Flow
from gateway.surfaces.console.states import State, state_of

MAX_STEPS = 60
"""Plans of more steps are shown as a list alone."""

_COLUMN = 8
_BOX, _TRACK, _MARGIN = 50, 12, 34
_EDGE = 6
_CUT = 10
_LONGEST = 32
_ASKS = "approval"


@dataclass(frozen=True, slots=True)
class DrawnStep:
    """A step's box. ``outline`` is an SVG path; ``asks`` says that people are asked before it."""

    step: JsonObject
    state: State
    x: int
    y: int
    width: int
    outline: str
    label: str
    contract: str
    asks: bool


@dataclass(frozen=True, slots=True)
class DrawnFlow:
    """A line with its tip as SVG paths, and where it arrives."""

    flow: Flow
    line: str
    tip: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything in pixels; boxes are ``box`` high."""

    steps: Sequence[DrawnStep]
    flows: Sequence[DrawnFlow]
    width: int
    height: int
    box: int = _BOX


def picture_of(steps: Sequence[JsonObject], flows: Sequence[Flow]) -> Picture | None:
    """The picture of a plan; None for one that is too large or that cannot be drawn."""
    if not 1 <= len(steps) <= MAX_STEPS:
        return None
    nodes = [Node(step["key"], _columns(step)) for step in steps]
    try:
        layout = lay_out(nodes, [(flow.source, flow.target) for flow in flows])
    except GraphError:
        return None
    tops = [top + _EDGE for top in layout.tops(_BOX, _TRACK, _MARGIN)]
    by_key = {step["key"]: step for step in steps}
    by_pair = {(flow.source, flow.target): flow for flow in flows}
    return Picture(
        [_step(by_key[box.id], box, tops[box.layer]) for box in layout.boxes],
        [_flow(by_pair[route.source, route.target], route, tops) for route in layout.routes],
        _x(layout.width),
        tops[-1] + _EDGE,
    )


def _columns(step: JsonObject) -> int:
    """How many columns of the grid the texts of a box take."""
    badge = len(_ASKS) + 3 if step.get("verdict") == "ASSIST" else 0
    key, contract = _short(step["key"]), _short(_name(step["contract"]))
    return max(len(key) + badge + 5, len(contract) + 4, 12)


def _name(ref: str) -> str:
    """A contract's key without the version."""
    return ref.partition("@")[0]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _x(column: int) -> int:
    return column * _COLUMN + _EDGE


def _step(step: JsonObject, box: Box, top: int) -> DrawnStep:
    state, left, width = state_of(step["status"]), _x(box.left), box.width * _COLUMN
    return DrawnStep(
        *(step, state, left, top, width, _outline(state.shape, left, top, width)),
        label=_short(step["key"]),
        contract=_short(_name(step["contract"])),
        asks=step.get("verdict") == "ASSIST",
    )


def _outline(shape: str, x: int, y: int, width: int) -> str:
    """The outline of a box: round, with corners cut, slanted, or square."""
    right, bottom, middle = x + width, y + _BOX, y + _BOX // 2
    if shape == "round":
        r = _BOX // 2
        return (
            f"M{x + r},{y}H{right - r}A{r},{r} 0 0 1 {right - r},{bottom}"
            f"H{x + r}A{r},{r} 0 0 1 {x + r},{y}Z"
        )
    if shape == "slant":
        return (
            f"M{x + _CUT},{y}H{right - _CUT}L{right},{middle}L{right - _CUT},{bottom}"
            f"H{x + _CUT}L{x},{middle}Z"
        )
    if shape == "cut":
        return (
            f"M{x + _CUT},{y}H{right - _CUT}L{right},{y + _CUT}V{bottom - _CUT}"
            f"L{right - _CUT},{bottom}H{x + _CUT}L{x},{bottom - _CUT}V{y + _CUT}Z"
        )
    return f"M{x},{y}H{right}V{bottom}H{x}Z"


def _flow(flow: Flow, route: Route, tops: Sequence[int]) -> DrawnFlow:
    """A line along its hops: down, along a track, and down."""
    first = route.hops[0]
    parts = [f"M{_middle(first.start)},{tops[first.layer] + _BOX}"]
    for hop in route.hops:
        if hop.track is not None:
            along = tops[hop.layer] + _BOX + _MARGIN // 2 + hop.track * _TRACK + _TRACK // 2
            parts.append(f"V{along}H{_middle(hop.end)}")
        parts.append(f"V{tops[hop.layer + 1]}")
    last = route.hops[-1]
    x, y = _middle(last.end), tops[last.layer + 1]
    return DrawnFlow(flow, "".join(parts), f"M{x - 4},{y - 8}L{x},{y}L{x + 4},{y - 8}Z", x, y)


def _middle(column: int) -> int:
    return _x(column) + _COLUMN // 2
