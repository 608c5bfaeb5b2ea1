"""How executions are shown to people, and to what reads the text behind a pipe."""

import shutil
from collections.abc import Iterable, Mapping, Sequence

from gateway.cli.execution_trace import show_trace
from gateway.cli.output import Cell, Output, Tone, Toned
from gateway.cli.pictures import PlanPicture, draw_plan, state_of, symbols_of
from gateway.cli.remote.reading import Sight
from gateway.model.execution import ExecutionStatus, StepStatus
from gateway.model.json import JsonObject

_PIPED = 160
"""How wide a picture may be in a pipe."""

_NAME = 10
"""Columns of a fact's name on a terminal."""


_ASKED = frozenset({StepStatus.WAITING_APPROVAL.value, StepStatus.REJECTED.value})
"""Statuses of steps for which policy says why people are asked."""


def columns_of(out: Output) -> int:
    """How wide a picture may be."""
    return shutil.get_terminal_size().columns if out.for_people else _PIPED


def status_cell(out: Output, status: str) -> Toned:
    """A status with its symbol, as it stands in a table; a pipe gets the word alone."""
    state = state_of(status)
    symbol = f"{state.symbol(in_unicode=out.in_unicode)} " if out.for_people else ""
    return Toned(f"{symbol}{status}", state.tone)


def show_facts(out: Output, facts: Iterable[tuple[str, Cell | None]]) -> None:
    """One line for each fact that is known: its name and its value."""
    known = [(name, value) for name, value in facts if value not in (None, "")]
    if not out.for_people:
        out.table(("FACT", "VALUE"), [(name, value) for name, value in known if value])
        return
    for name, value in known:
        if value:
            out.line(Toned(name.ljust(_NAME), Tone.QUIET), value)


def show_sight(out: Output, sight: Sight) -> None:
    """An execution: its facts, its plan as a picture, its steps, its trace, what may be done."""
    execution = sight.execution
    show_facts(
        out,
        [
            ("execution", str(execution["executionId"])),
            ("status", status_cell(out, sight.status)),
            ("risk", execution.get("riskTier")),
            ("verdict", (sight.plan or {}).get("verdict")),
            ("run", execution.get("runId")),
            ("plan", execution.get("planId")),
            ("created", execution.get("createdAt")),
            ("updated", execution.get("updatedAt")),
            ("you may", ", ".join(map(_action, execution.get("allowedActions") or ()))),
        ],
    )
    if sight.steps:
        out.line("")
        for row in picture(out, sight, columns_of(out)):
            out.line(*row)
        out.line("")
        show_steps(out, sight.steps)
    elif execution.get("planId"):
        out.line(Toned("The plan is not shown to you: operators and auditors see it.", Tone.QUIET))
    if out.for_people and sight.status.lower() == ExecutionStatus.WAITING_APPROVAL:
        decide = f"gateway execution approve {execution['executionId']}"
        out.line(Toned(f"It waits for people: `{decide}` shows what for, and asks.", Tone.QUIET))
    if sight.trace is not None:
        show_trace(out, sight.steps, sight.trace["entries"], columns_of(out))


def _action(contract: str) -> str:
    """The name of what may be done, without what all of them begin with."""
    return contract.removeprefix("controlPlane.").removeprefix("execution.")


def picture(out: Output, sight: Sight, columns: int) -> list[Sequence[Cell]]:
    """The plan as a graph with its legend, in signs that the output takes."""
    in_unicode = out.in_unicode and out.for_people
    plan = PlanPicture.of(sight.steps)
    knows_edges = sight.plan is not None
    drawn = draw_plan(plan, columns if knows_edges else 0, in_unicode=in_unicode)
    legend = symbols_of((str(step["status"]) for step in sight.steps), in_unicode=in_unicode)
    return [*drawn, [""], legend]


def show_steps(out: Output, steps: Sequence[JsonObject]) -> None:
    """The steps as a table, and under it what is wrong with some or why they wait."""
    out.table(
        ("STEP", "STATUS", "VERDICT", "RISK", "TRIES", "CONTRACT"),
        [
            (
                str(step["key"]),
                status_cell(out, str(step["status"])),
                str(step.get("verdict") or "-"),
                str(step.get("riskTier") or "-"),
                str(step.get("attempt", "-")),
                str(step["contract"]),
            )
            for step in steps
        ],
    )
    for step in steps:
        if said := why(step):
            out.line(Toned(str(step["key"]), state_of(str(step["status"])).tone), f": {said}")


def why(step: Mapping[str, object]) -> str | None:
    """Why a step is not completed, in words; None where nothing is to be said."""
    problem = step.get("problem")
    if isinstance(problem, dict):
        code = problem.get("code")
        return f"{code}: {problem.get('detail')} See docs/errors/{code}.md."
    reasons = step.get("reasons")
    if str(step["status"]).lower() in _ASKED and isinstance(reasons, list):
        return " ".join(map(str, reasons))
    return None
