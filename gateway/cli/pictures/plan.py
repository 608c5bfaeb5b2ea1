"""A plan as a graph of boxes: what depends on what, and how far each step is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.cli.output import Tone, Toned
from gateway.cli.pictures.canvas import Canvas
from gateway.cli.pictures.states import state_of
from gateway.drawing import Box, GraphError, Layout, Node, lay_out
from gateway.model.text import printable

_HEIGHT = 4
"""Rows of a box: its frame, the step's key and its contract."""

_LONGEST = 34
"""Signs of a text in a box; what is longer is cut."""

Row = Sequence[Toned]


@dataclass(frozen=True, slots=True)
class StepPicture:
    """A step as it is drawn: its id, key, contract and status, and the keys it depends on."""

    id: str
    key: str
    contract: str
    status: str
    depends_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanPicture:
    """The steps of a plan; ``edges`` are pairs of keys, from what is needed to what needs it."""

    steps: tuple[StepPicture, ...]
    edges: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, steps: Iterable[Mapping[str, object]]) -> "PlanPicture":
        """From steps as the API gives them."""
        found = tuple(
            StepPicture(
                str(step["stepId"]),
                printable(str(step["key"])),
                printable(str(step["contract"])),
                str(step["status"]),
                tuple(printable(str(key)) for key in _list(step.get("dependsOn"))),
            )
            for step in steps
        )
        edges = tuple((needed, step.key) for step in found for needed in step.depends_on)
        return cls(found, edges)


def draw_plan(plan: PlanPicture, columns: int | None, *, in_unicode: bool) -> list[Row]:
    """The rows of the picture: boxes and lines, or a list where those do not fit.

    Args:
        plan: what to draw.
        columns: how wide it may be; None for any width.
        in_unicode: whether box characters can be printed; else ASCII.
    """
    names = {step.key: _title(step, in_unicode=in_unicode) for step in plan.steps}
    nodes = [Node(step.key, max(len(names[step.key]), len(_kind(step))) + 4) for step in plan.steps]
    try:
        layout = lay_out(nodes, plan.edges)
    except GraphError:
        return _listed(plan, in_unicode=in_unicode)
    if columns is not None and layout.width > columns:
        return _listed(plan, in_unicode=in_unicode)
    return _drawn(plan, layout, names, in_unicode=in_unicode)


def _drawn(
    plan: PlanPicture, layout: Layout, names: Mapping[str, str], *, in_unicode: bool
) -> list[Row]:
    canvas = Canvas(in_unicode=in_unicode)
    tops = layout.tops(box=_HEIGHT, track=1, margin=1)
    steps = {step.key: step for step in plan.steps}
    for box in layout.boxes:
        _draw_box(canvas, tops[box.layer], box, steps[box.id], names[box.id])
    _draw_lines(canvas, layout, tops, in_unicode=in_unicode)
    return list(canvas.rows())


def _draw_box(canvas: Canvas, top: int, box: Box, step: StepPicture, name: str) -> None:
    tone = state_of(step.status).tone
    canvas.box(top, box.left, box.width, _HEIGHT, tone)
    canvas.text(top + 1, box.left + 2, name, tone)
    canvas.text(top + 2, box.left + 2, _kind(step), Tone.QUIET)


def _draw_lines(canvas: Canvas, layout: Layout, tops: Sequence[int], *, in_unicode: bool) -> None:
    for route in layout.routes:
        for number, hop in enumerate(route.hops):
            first, last = tops[hop.layer] + _HEIGHT, tops[hop.layer + 1] - 1
            is_last = number == len(route.hops) - 1
            bend = first + (hop.track or 0)
            canvas.upright(route.source, hop.start, first - 1, bend)
            canvas.flat(route.source, bend, hop.start, hop.end)
            end = last if is_last else last + _HEIGHT + 1
            canvas.upright(route.source, hop.end, bend, end)
            if number == 0:
                canvas.text(first - 1, hop.start, "┬" if in_unicode else "+", Tone.QUIET)
            if is_last:
                canvas.text(last, hop.end, "▼" if in_unicode else "v", Tone.QUIET)


def _listed(plan: PlanPicture, *, in_unicode: bool) -> list[Row]:
    """A row for each step, with what it comes after."""
    width = max((len(_title(step, in_unicode=in_unicode)) for step in plan.steps), default=0)
    rows: list[Row] = []
    for step in plan.steps:
        title = _title(step, in_unicode=in_unicode).ljust(width)
        row = [Toned(title, state_of(step.status).tone), Toned(f"  {step.contract}", Tone.QUIET)]
        if step.depends_on:
            row.append(Toned(f"  after {', '.join(step.depends_on)}"))
        rows.append(row)
    return rows


def _title(step: StepPicture, *, in_unicode: bool) -> str:
    return f"{state_of(step.status).symbol(in_unicode=in_unicode)} {_cut(step.key)}"


def _kind(step: StepPicture) -> str:
    """The contract without its version, which the box has no room for."""
    return _cut(step.contract.partition("@")[0])


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
