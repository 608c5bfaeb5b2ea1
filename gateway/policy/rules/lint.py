"""The linting of rule files: Casbin itself drops, ignores or postpones most mistakes in them."""

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from operator import itemgetter
from pathlib import Path
from typing import TypeAlias

from gateway.model.contract import OperationContract
from gateway.model.decision import Verdict
from gateway.policy.engine.verdicts import DEFAULT_APPROVER, DEFAULT_EXPIRY
from gateway.policy.rules.conditions import Condition
from gateway.policy.rules.findings import CONDITION, CONTRACT, FILE, ROW, VALUE, Findings
from gateway.policy.rules.fit import misfits
from gateway.policy.rules.grammar import ConditionSyntaxError, parse_condition
from gateway.policy.rules.models import ASSIGNMENT, NONE, Check, ModelSpec, duration, escalation
from gateway.policy.rules.rows import Row, RowError, read_rows
from gateway.policy.rules.selectors import Selector, parse_selector


def lint_rows(
    spec: ModelSpec, path: Path, text: str, findings: Findings, first: int = 1
) -> list[Row]:
    """The rows of a rule file that are sound in themselves; ``text`` begins on line ``first``."""
    checks = {"p": spec.columns, **({"g": ASSIGNMENT} if spec.roles else {})}
    names = {kind: tuple(columns) for kind, columns in checks.items()}
    sound: _Sound = {kind: tuple(set() for _ in columns) for kind, columns in checks.items()}
    matched = matched_on(spec)
    seen: dict[tuple[str, ...], int] = {}
    rows: list[Row] = []
    empty = True
    for row in read_rows(spec.rule_file, text, names, first):
        empty = False
        if isinstance(row, RowError):
            findings.add(ROW, path, str(row), row.line, row.column)
        elif _is_whole(row, checks, sound, path, findings) and _is_new(
            row, matched, seen, path, findings
        ):
            rows.append(row)
    if empty:
        findings.add(FILE, path, "the file holds no rule, so it would decide nothing")
    return rows


_HINTS = 20
"""How many unknown contracts of a file are compared with those that are loaded, which is slow."""

_Sound: TypeAlias = Mapping[str, tuple[set[str], ...]]
"""By the kind of row and then by column: the values that were found sound before."""


def matched_on(spec: ModelSpec) -> Callable[[Row], tuple[str, ...]]:
    """What of a row decides whether it applies; two rows that agree in it say the same."""
    names = tuple(spec.columns)
    columns = itemgetter(*[names.index(name) for name in spec.matched_on])

    def matched(row: Row) -> tuple[str, ...]:
        return (row.kind, *(row.values if row.kind == "g" else columns(row.values)))

    return matched


def _is_whole(
    row: Row,
    checks: Mapping[str, Mapping[str, Check]],
    sound: _Sound,
    path: Path,
    findings: Findings,
) -> bool:
    known = sound.get(row.kind)
    if known is None:
        kinds = " or ".join(repr(kind) for kind in checks)
        where = "; role assignments belong into access.csv" if row.kind == "g" else ""
        findings.add(ROW, path, f"a row begins with {kinds}, not {row.kind!r}{where}", row.line)
        return False
    if len(row.values) != len(row.names):
        findings.add(ROW, path, _wrong_count(row), row.line)
        return False
    whole = True
    for at, value in enumerate(row.values):
        if value in known[at]:
            continue
        name = row.names[at]
        wrong = checks[row.kind][name](value) if value else "is empty; write * or -"
        if wrong:
            findings.add(VALUE, path, f"{name}: {wrong}", row.line, row.columns[at])
            whole = False
        else:
            known[at].add(value)
    return whole


def _wrong_count(row: Row) -> str:
    """A row has too few fields or too many; one of an earlier release lacks only the last."""
    if len(row.values) == len(row.names) - 1 and row.names[-1] == "escalation":
        return (
            "the row ends before its last field, escalation: add ', -' for none, or for example "
            "', 4h:manager' to let that role decide too after that time"
        )
    return (
        f"a {row.kind!r} row has {len(row.names)} fields after it "
        f"({', '.join(row.names)}), not {len(row.values)}; quote a field that holds a comma"
    )


def _is_new(
    row: Row,
    matched: Callable[[Row], tuple[str, ...]],
    seen: dict[tuple[str, ...], int],
    path: Path,
    findings: Findings,
) -> bool:
    first = seen.setdefault(matched(row), row.line)
    if first != row.line:
        findings.add(ROW, path, f"the row on line {first} already says what applies here", row.line)
        return False
    return True


def lint_terms(rows: Iterable[Row], path: Path, findings: Findings) -> None:
    """A verdict rule says who approves exactly where somebody must."""
    for row in rows:
        verdict = row["verdict"]
        for name in ("approver", "quorum", "expiry"):
            if verdict == Verdict.ASSIST and row[name] == NONE:
                told = f"{name}: an assist rule must say it"
                findings.add(VALUE, path, told, row.line, row.column(name))
        for name in ("approver", "quorum", "expiry", "escalation"):
            if verdict == Verdict.BLOCKED and row[name] != NONE:
                told = f"{name}: what is blocked cannot be approved; write -"
                findings.add(VALUE, path, told, row.line, row.column(name))
        if verdict != Verdict.BLOCKED and row["escalation"] != NONE:
            wrong = _wrong_escalation(row)
            if wrong:
                findings.add(VALUE, path, wrong, row.line, row.column("escalation"))


def _wrong_escalation(row: Row) -> str | None:
    after, role = escalation(row["escalation"])
    expiry = DEFAULT_EXPIRY if row["expiry"] == NONE else row["expiry"]
    approver = DEFAULT_APPROVER if row["approver"] == NONE else row["approver"]
    if after >= duration(expiry):
        return f"escalation: it must come before the request expires ({expiry})"
    if role == approver:
        return f"escalation: {role} may decide from the beginning; name another role, or write -"
    return None


def compile_selectors(rows: Iterable[Row], path: Path, findings: Findings) -> dict[str, Selector]:
    """The selectors of all rules, by their text."""
    compiled: dict[str, Selector] = {}
    for row in rows:
        text = row["obj"]
        if text in compiled:
            continue
        try:
            compiled[text] = parse_selector(text)
        except ValueError as error:
            column = row.column("obj")
            findings.add(VALUE, path, f"obj: {error}", row.line, column)
    return compiled


def compile_conditions(rows: Iterable[Row], path: Path, findings: Findings) -> dict[str, Condition]:
    """The conditions of all verdict rules, by their text."""
    compiled: dict[str, Condition] = {}
    for row in rows:
        text = row["when"]
        if text in compiled:
            continue
        try:
            compiled[text] = parse_condition(text)
        except ConditionSyntaxError as error:
            column = row.column("when") + error.column - 1
            findings.add(CONDITION, path, f"when: {error}", row.line, column)
    return compiled


def lint_contracts(
    rows: Iterable[Row],
    selectors: Mapping[str, Selector],
    contracts: Mapping[str, OperationContract],
    path: Path,
    findings: Findings,
) -> None:
    """Every exact selector must name a loaded contract, unless its whole domain is not loaded."""
    keys = {contract.key for contract in contracts.values()}
    loaded = {key.partition(".")[0] for key in keys}
    waiting: dict[str, str] = {}
    hints = _HINTS
    for row in rows:
        selector = selectors.get(row["obj"])
        if selector is None or not selector.exact:
            continue
        key = selector.exact.partition("@")[0]
        if selector.exact in contracts or selector.exact in keys:
            continue
        column = row.column("obj")
        if selector.optional or key.partition(".")[0] not in loaded:
            waiting.setdefault(
                selector.exact, f"{path}:{row.line}: {selector.exact} is not loaded; its rules wait"
            )
            continue
        near: list[str] = []
        if hints > 0:
            hints -= 1
            near = difflib.get_close_matches(selector.exact, [*keys, *contracts], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        findings.add(
            CONTRACT, path, f"obj: no contract {selector.exact!r} is loaded{hint}", row.line, column
        )
    findings.notes += waiting.values()


def lint_conditions(
    rows: Iterable[Row],
    selectors: Mapping[str, Selector],
    conditions: Mapping[str, Condition],
    contracts: Mapping[str, OperationContract],
    brought: Collection[str],
    path: Path,
    findings: Findings,
) -> None:
    """A condition on one exact contract must read arguments that its input has.

    Of contracts that a skill ``brought`` it is only noted: a skill comes and goes without a change
    of policy, and must not keep a revision from coming into force. Such a condition fails, which
    blocks the call.
    """
    named: dict[str, list[OperationContract]] = {}
    for contract in contracts.values():
        named.setdefault(contract.ref, []).append(contract)
        named.setdefault(contract.key, []).append(contract)
    known: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    for row in rows:
        selector, condition = selectors.get(row["obj"]), conditions.get(row["when"])
        if selector is None or condition is None or not selector.exact or not condition.reads:
            continue
        pair = (selector.exact, condition.text)
        if pair not in known:
            selected = named.get(selector.exact, [])
            known[pair] = [
                (misfit, one.ref in brought)
                for one in selected
                for misfit in misfits(condition, one)
            ]
        for misfit, is_brought in known[pair]:
            if is_brought:
                findings.notes.append(f"{path}:{row.line}: {misfit}; its calls are blocked")
            else:
                findings.add(CONDITION, path, f"when: {misfit}", row.line, row.column("when"))
