"""A revision from the one before it: only what changed is read, linted and compiled.

Whatever is not plainly in order is left to a build from scratch, which tells everything at once.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

from gateway.model.contract import OperationContract
from gateway.policy.contents.content import LineChange
from gateway.policy.engine.book import RuleBook, Rules
from gateway.policy.engine.index import RuleIndex
from gateway.policy.engine.roles import RoleGraph
from gateway.policy.rules.conditions import Condition
from gateway.policy.rules.findings import Findings
from gateway.policy.rules.lint import (
    compile_conditions,
    compile_selectors,
    lint_conditions,
    lint_contracts,
    lint_rows,
    lint_terms,
    matched_on,
)
from gateway.policy.rules.models import ACCESS, MODELS, VERDICT, ModelSpec
from gateway.policy.rules.rows import Row
from gateway.policy.rules.selectors import Selector

V = TypeVar("V")

Operations = Mapping[str, OperationContract]
"""The contracts that are loaded, by their ``ref``."""


class _DoubtfulError(Exception):
    """The change is not plainly in order."""


@dataclass(slots=True)
class _Changes:
    """The rows that a change takes out of one rule file and those that it brings."""

    removed: list[Row] = field(default_factory=list)
    added: list[Row] = field(default_factory=list)

    def of_kind(self, kind: str) -> "_Changes":
        """Those that are rules (``p``) or role assignments (``g``)."""
        return _Changes(
            [row for row in self.removed if row.kind == kind],
            [row for row in self.added if row.kind == kind],
        )


def book_after(
    before: RuleBook, lines: Sequence[LineChange], operations: Operations, where: Path
) -> RuleBook | None:
    """The book after ``lines`` changed, or None if only a build from scratch can tell.

    Its cost grows with the number of changes, not of rules (but for copying references to them).
    """
    try:
        changes = {spec.name: _read(spec, lines, where) for spec in MODELS}
        rules = _rules_after(before.rules, changes)
        _lint(before.rules, rules, changes, operations, where)
        notes = before.notes
        if any(_waits(each, before.rules, rules, operations) for each in changes.values()):
            notes = _notes(rules, operations, where)
    except _DoubtfulError:
        return None
    return RuleBook.compiled(rules, notes)


def _read(spec: ModelSpec, lines: Sequence[LineChange], where: Path) -> _Changes:
    """The rows before and after, of lines that may have changed several times."""
    first: dict[int, str] = {}
    last: dict[int, str] = {}
    for change in lines:
        if change.file == spec.rule_file:
            first.setdefault(change.line, change.before)
            last[change.line] = change.after
    changed = [line for line in first if first[line] != last[line]]
    path = where / spec.rule_file
    return _Changes(
        [row for line in changed for row in _row(spec, first[line], line, path)],
        [row for line in changed for row in _row(spec, last[line], line, path)],
    )


def _row(spec: ModelSpec, text: str, line: int, path: Path) -> list[Row]:
    """The row that a line holds, if it is no comment."""
    if not text.strip() or text.strip().startswith("#"):
        return []
    findings = Findings()
    rows = lint_rows(spec, path, text, findings, line)
    _refuse_doubt(bool(findings.issues))
    return rows


def _rules_after(before: Rules, changes: Mapping[str, _Changes]) -> Rules:
    """The rules after the change, where each still says something of its own."""
    added = [row for each in changes.values() for row in each.of_kind("p").added]
    conditional = changes[VERDICT.name].added
    findings, path = Findings(), Path()
    selectors = _grown(before.selectors, compile_selectors(_new(added, before), path, findings))
    conditions = _grown(before.conditions, compile_conditions(conditional, path, findings))
    _refuse_doubt(bool(findings.issues))
    indexes = {
        spec.name: _index_after(spec, before.indexes[spec.name], changes[spec.name], selectors)
        for spec in MODELS
    }
    assigned = changes[ACCESS.name].of_kind("g")
    assignments = _assignments_after(before.assignments, assigned)
    _refuse_doubt(any(not index.rows for index in indexes.values()))
    return Rules(
        models=before.models,
        indexes=indexes,
        assignments=assignments,
        graph=_graph_after(before.graph, assigned),
        selectors=_selectors_left(selectors, changes, indexes),
        conditions=_conditions_left(conditions, changes[VERDICT.name], indexes[VERDICT.name]),
    )


def _new(rows: Iterable[Row], before: Rules) -> Iterator[Row]:
    return (row for row in rows if row["obj"] not in before.selectors)


def _grown(known: Mapping[str, V], found: Mapping[str, V]) -> Mapping[str, V]:
    """What is known together with what was found; what was known stays the same object."""
    fresh = {text: value for text, value in found.items() if text not in known}
    return {**known, **fresh} if fresh else known


def _index_after(
    spec: ModelSpec, before: RuleIndex, changes: _Changes, selectors: Mapping[str, Selector]
) -> RuleIndex:
    rules = changes.of_kind("p")
    if not rules.removed and not rules.added:
        return before
    for row in rules.removed:
        same = before.at(row["obj"], row["dom"], row["sub"])
        _refuse_doubt(not any(other.line == row.line for other in same))
    after = before.changed(rules.removed, rules.added, selectors)
    matched = matched_on(spec)
    for row in rules.added:
        same = after.at(row["obj"], row["dom"], row["sub"])
        _refuse_doubt(sum(matched(other) == matched(row) for other in same) != 1)
    return after


def _assignments_after(before: tuple[Row, ...], changes: _Changes) -> tuple[Row, ...]:
    if not changes.removed and not changes.added:
        return before
    by_line = attrgetter("line")
    rows = list(before)
    for row in changes.removed:
        at = bisect_left(rows, row.line, key=by_line)
        _refuse_doubt(at == len(rows) or rows[at].line != row.line)
        del rows[at]
    for row in changes.added:
        insort(rows, row, key=by_line)
    return tuple(rows)


def _graph_after(before: RoleGraph, changes: _Changes) -> RoleGraph:
    if not changes.removed and not changes.added:
        return before
    removed = [(*_link(row), row.line) for row in changes.removed]
    for name, role, workspace, line in removed:
        _refuse_doubt(before.line_of(name, role, workspace) != line)
    gone = {(name, role, workspace) for name, role, workspace, _ in removed}
    added: dict[tuple[str, str, str], int] = {}
    for row in changes.added:
        link = _link(row)
        known = before.line_of(*link) is not None and link not in gone
        _refuse_doubt(known or link in added)
        added[link] = row.line
    return before.changed(gone, added.items())


def _link(row: Row) -> tuple[str, str, str]:
    subject, role, workspace = row.values
    return subject, role, workspace


def _selectors_left(
    selectors: Mapping[str, Selector],
    changes: Mapping[str, _Changes],
    indexes: Mapping[str, RuleIndex],
) -> Mapping[str, Selector]:
    gone = {
        row["obj"]
        for each in changes.values()
        for row in each.of_kind("p").removed
        if not any(row["obj"] in index for index in indexes.values())
    }
    return _without(selectors, gone)


def _conditions_left(
    conditions: Mapping[str, Condition], changes: _Changes, index: RuleIndex
) -> Mapping[str, Condition]:
    gone = {row["when"] for row in changes.removed}
    if gone:
        at = tuple(VERDICT.columns).index("when")
        gone -= {row.values[at] for row in index.rows}
    return _without(conditions, gone)


def _without(known: Mapping[str, V], gone: Iterable[str]) -> Mapping[str, V]:
    left = set(gone)
    return {text: value for text, value in known.items() if text not in left} if left else known


def _lint(
    before: Rules,
    rules: Rules,
    changes: Mapping[str, _Changes],
    operations: Operations,
    where: Path,
) -> None:
    """What is asked of a row on its own, asked of those that were added.

    Where a condition does not fit, be it of a row that goes, a build from scratch says what that
    means.
    """
    findings = Findings()
    for spec in MODELS:
        added = changes[spec.name].of_kind("p").added
        lint_contracts(added, rules.selectors, operations, where / spec.rule_file, findings)
    added, path = changes[VERDICT.name].added, where / VERDICT.rule_file
    lint_terms(added, path, findings)
    removed = changes[VERDICT.name].removed
    for rows, known in ((added, rules), (removed, before)):
        lint_conditions(rows, known.selectors, known.conditions, operations, (), path, findings)
    _refuse_doubt(bool(findings.issues))


def _waits(changes: _Changes, before: Rules, after: Rules, operations: Operations) -> bool:
    """True if a row that came or went speaks of a contract that is not loaded."""
    loaded = operations.keys() | {contract.key for contract in operations.values()}
    rows = [(row, before) for row in changes.removed] + [(row, after) for row in changes.added]
    selected = [rules.selectors[row["obj"]].exact for row, rules in rows if row.kind == "p"]
    return any(exact and exact not in loaded for exact in selected)


def _notes(rules: Rules, operations: Operations, where: Path) -> tuple[str, ...]:
    """The notes of all rules: they name the first that waits for each contract."""
    loaded = operations.keys() | {contract.key for contract in operations.values()}
    findings = Findings()
    for spec in MODELS:
        index = rules.indexes[spec.name]
        waiting: list[Row] = []
        for text in index.selectors:
            exact = rules.selectors[text].exact
            if exact and exact not in loaded:
                waiting += index.with_selector(text)
        waiting.sort(key=attrgetter("line"))
        lint_contracts(waiting, rules.selectors, operations, where / spec.rule_file, findings)
    return tuple(findings.notes)


def _refuse_doubt(doubtful: bool) -> None:
    """Leave it to a build from scratch if anything is doubtful."""
    if doubtful:
        raise _DoubtfulError
