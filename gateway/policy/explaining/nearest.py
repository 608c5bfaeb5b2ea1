"""The rules that would have allowed more, and what each of them lacks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest

from gateway.contracts import pii_of
from gateway.model.decision import AccessDecision, Rule, Verdict, VerdictDecision
from gateway.model.json import JsonValue
from gateway.policy.engine.access import grants
from gateway.policy.engine.roles import ANYWHERE, USER_PREFIX
from gateway.policy.explaining.condition_parts import Part, parts_of
from gateway.policy.explaining.explanation import MAX_NEAREST, Gap, GapKind, Nearest
from gateway.policy.explaining.request import Request, Visible, type_of
from gateway.policy.rules.conditions import Failed, Outcome, Undecided
from gateway.policy.rules.models import ACCESS, VERDICT
from gateway.policy.rules.rows import Row

_SHOWN = 200
"""The longest text among given values that is shown."""

_LOOKED_AT = 200
"""How many of the nearest rules are looked at closely."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule that would have allowed more, with what it lacks."""

    row: Row
    gaps: tuple[Gap, ...]


def told(model: str, effect: str, candidates: list[Candidate]) -> Iterator[Nearest]:
    """The nearest of them; ``effect`` names the column that says what a rule leads to."""
    for one in candidates[:MAX_NEAREST]:
        yield Nearest(model, one.row.rule, one.row[effect], one.gaps)


def access_candidates(
    request: Request, decided: AccessDecision, visible: Visible
) -> list[Candidate]:
    """The rules that allow the contract, to whomever, the nearest first."""
    shared = [*_capability_gap(request)]
    if decided.rule is not None:
        message = f"the deny at {decided.rule.ref} outweighs every allow"
        shared.append(Gap(GapKind.OUTWEIGHED, decided.rule.ref, message))
    ranked = (
        (_distance(request, row), order, row)
        for order, row in enumerate(request.speaking(ACCESS.name))
        if row["eft"] == "allow" and visible(row)
    )
    return [
        Candidate(row, (*_subject_gaps(request, row), *shared))
        for _, _, row in nsmallest(_LOOKED_AT, ranked, key=lambda one: one[:2])
    ]


def verdict_candidates(
    request: Request, decided: VerdictDecision, visible: Visible
) -> list[Candidate]:
    """The verdict rules for the contract that lead to a better verdict than the decided one, the
    nearest first."""
    rows = request.speaking(VERDICT.name)
    last = _place_of(decided.rules[-1], rows) if decided.rules else len(rows)
    better = {one.value for one in Verdict if one.rank < decided.verdict.rank}
    failing: dict[str, int] = {}

    def distance(row: Row, order: int) -> tuple[int, int]:
        when = row["when"]
        if when not in failing:
            failing[when] = sum(1 for _ in parts_of(when).failing(request.given))
        late = order > last
        return _distance(request, row, failing[when] + late, int(late))

    ranked = (
        (distance(row, order), order, row)
        for order, row in enumerate(rows)
        if row["verdict"] in better and visible(row)
    )
    nearest = nsmallest(_LOOKED_AT, ranked, key=lambda one: one[:2])
    return [
        Candidate(
            row,
            (
                *_subject_gaps(request, row),
                *_condition_gaps(request, row),
                *_outweighed(rows, order, last),
            ),
        )
        for _, order, row in nearest
    ]


def _distance(request: Request, row: Row, more: int = 0, fixed: int = 0) -> tuple[int, int]:
    """How many things a rule lacks, and how many of these nobody could bring along; with ``more``
    that it lacks besides, ``fixed`` of them for good."""
    away = row["dom"] not in (ANYWHERE, request.subject.workspace)
    name = row["sub"]
    other = not request.subject.plays(name)
    bound = other and (type_of(name) is not None or name.startswith(USER_PREFIX))
    return away + other + more, away + bound + fixed


def _place_of(rule: Rule, rows: Sequence[Row]) -> int:
    places = (index for index, row in enumerate(rows) if row.line == rule.line)
    return next(places, len(rows))


def _outweighed(rows: Sequence[Row], order: int, last: int) -> Iterator[Gap]:
    if order > last:
        first = rows[last]
        when = "" if first["when"] == "true" else f", as long as {first['when']}"
        message = f"the rule at {first.rule.ref} decides before it{when}"
        yield Gap(GapKind.OUTWEIGHED, first.rule.ref, message)


def _subject_gaps(request: Request, row: Row) -> Iterator[Gap]:
    if row["dom"] not in (ANYWHERE, request.subject.workspace):
        message = f"it holds in the workspace {row['dom']} alone"
        yield Gap(GapKind.WORKSPACE, row["dom"], message)
    name = row["sub"]
    if request.subject.plays(name):
        return
    kind = type_of(name)
    if kind is not None:
        message = f"it is for principals of the type {kind} alone"
        yield Gap(GapKind.TYPE, kind, message)
    elif name.startswith(USER_PREFIX):
        message = f"it is for {name} alone"
        yield Gap(GapKind.USER, name.removeprefix(USER_PREFIX), message)
    else:
        yield Gap(GapKind.ROLE, name, f"the role {name} is missing")


def _capability_gap(request: Request) -> Iterator[Gap]:
    granted, contract = request.principal.capabilities, request.contract
    if granted is None or grants(granted, contract):
        return
    if contract.capability:
        message = f"the token does not grant {contract.capability}"
    else:
        message = f"the token is limited to capabilities, and {contract.key} belongs to none"
    yield Gap(GapKind.CAPABILITY, contract.capability, message)


def _condition_gaps(request: Request, row: Row) -> Iterator[Gap]:
    for part, outcome in parts_of(row["when"]).failing(request.given):
        yield _condition_gap(request, part, outcome)


def _condition_gap(request: Request, part: Part, outcome: Outcome) -> Gap:
    reads = tuple(part.condition.reads)
    values = {path: value for path in reads for value in _plain_at(request, path)}
    return Gap(GapKind.CONDITION, part.text, _why(part, outcome), reads, values or None)


def _why(part: Part, outcome: Outcome) -> str:
    if isinstance(outcome, Failed):
        return f"{part.text} cannot be decided: {outcome.why}"
    if isinstance(outcome, Undecided):
        return f"{part.text} is open until {' and '.join(outcome.paths)} is known"
    return f"{part.text} does not hold"


def _plain_at(request: Request, path: str) -> Iterator[JsonValue]:
    """The value at a path, if it is a plain one and no PII."""
    private = pii_of(request.contract, "input")
    if any(path == one or path.startswith(f"{one}.") for one in private):
        return
    value: JsonValue = request.arguments
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, str):
        yield value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
    elif isinstance(value, bool | int | float):
        yield value
