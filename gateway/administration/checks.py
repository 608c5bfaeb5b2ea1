"""Checks: what a proposed revision is held to before people are asked about it.

It must build, its cases must hold, and lint must find no error in it that the base does not have.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.administration.lockout import locked_out
from gateway.administration.scope import Scope
from gateway.model.json import JsonObject
from gateway.model.policy import ChangesetStatus
from gateway.model.problem import ProblemError
from gateway.policy import CaseResult, CaseStatus, PolicyContent, PolicyRevision, run_cases
from gateway.policy.advice import Advice, Severity, advise
from gateway.policy.contents.content import RULE_FILES, Edited
from gateway.policy.loader import derive_revision
from gateway.policy.rules.findings import CONTRACT

STORED = Path()
"""The folder that findings in stored policies name: none."""

MAX_TOLD = 200
"""How many findings, and how many failures, are kept with a changeset; errors come first."""

_UNSEEN = "the change is wrong for a row of another workspace, which you do not see"
_UNSEEN_CASE = "the case is about another workspace, whose rows you do not see"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is the matter with a revision; ``known`` says that its base has it too."""

    advice: Advice
    known: bool = False

    @property
    def refuses(self) -> bool:
        """True if a changeset with it cannot go on."""
        return self.advice.severity is Severity.ERROR and not self.known

    def to_json(self) -> JsonObject:
        """The finding as it is recorded and told."""
        return {**self.advice.to_json(), "known": self.known}


@dataclass(frozen=True, slots=True)
class Checks:
    """What the checks found; ``revision`` is None where the content cannot be built."""

    revision: PolicyRevision | None
    findings: tuple[Finding, ...]
    cases: tuple[CaseResult, ...]

    @property
    def status(self) -> ChangesetStatus:
        """CHECKED if nothing speaks against asking people, else DRAFT."""
        failed = any(result.status is CaseStatus.FAILED for result in self.cases)
        refused = any(finding.refuses for finding in self.findings)
        passed = self.revision is not None and not failed and not refused
        return ChangesetStatus.CHECKED if passed else ChangesetStatus.DRAFT

    def findings_json(self) -> list[JsonObject]:
        """The findings as they are recorded: errors first, at most ``MAX_TOLD``."""
        ranked = sorted(self.findings, key=lambda one: (one.known, one.advice.severity.rank))
        return [finding.to_json() for finding in ranked[:MAX_TOLD]]

    def cases_json(self) -> JsonObject:
        """The outcome of the cases as it is recorded."""
        counts = {
            status.value: sum(result.status is status for result in self.cases)
            for status in CaseStatus
        }
        failures = [
            {"name": result.name, "at": result.at, "messages": list(result.messages)}
            for result in self.cases
            if result.status is CaseStatus.FAILED
        ]
        return {**counts, "failures": failures[:MAX_TOLD]}


def check(edited: Edited, base: PolicyRevision, scope: Scope) -> Checks:
    """Hold what edits made of ``base`` to everything that a revision is held to.

    Of rows that ``scope`` does not see nothing is told but that the change is wrong for one. It
    takes as long as reading all rules does: not for the event loop.
    """
    try:
        revision = derive_revision(base, edited, STORED)
    except ProblemError as error:
        return Checks(None, _seen(_errors(error), edited.content, scope), ())
    before = frozenset(_advice(base, scope.workspace))
    found = (Finding(one, one in before) for one in _advice(revision, scope.workspace))
    findings = _seen(found, edited.content, scope)
    try:
        cases = tuple(_case_seen(one, scope) for one in run_cases(revision, STORED))
    except ProblemError as error:
        return Checks(revision, (*_errors(error), *findings), ())
    return Checks(revision, findings, cases)


def _seen(findings: Iterable[Finding], content: PolicyContent, scope: Scope) -> tuple[Finding, ...]:
    """The findings without what they say of rows that ``scope`` does not see."""
    if scope.is_whole:
        return tuple(findings)
    lines: dict[str, list[str]] = {}
    seen: list[Finding] = []
    for finding in findings:
        file, line, _ = finding.advice.at.rsplit(":", 2)
        if file in RULE_FILES and file not in lines:
            lines[file] = content.files.get(file, "").split("\n")
        row = lines[file][int(line) - 1].strip() if file in lines else ""
        if not row or row.startswith("#") or scope.sees_row(file, row):
            seen.append(finding)
        elif not finding.known:
            advice = replace(finding.advice, message=_UNSEEN, rule="")
            seen.append(replace(finding, advice=advice))
    return tuple(seen)


def _case_seen(result: CaseResult, scope: Scope) -> CaseResult:
    """The outcome of a case without the rules that decided, where ``scope`` does not see these."""
    if scope.is_whole or not result.messages or result.workspace in ("", scope.workspace):
        return result
    return replace(result, messages=(_UNSEEN_CASE,))


def _advice(revision: PolicyRevision, workspace: str) -> Iterator[Advice]:
    """What lint says of a revision, and what was noted when it was built."""
    yield from advise(revision)
    yield from locked_out(revision, workspace)
    for note in revision.notes:
        place, _, told = note.partition(": ")
        yield Advice(Severity.NOTE, CONTRACT, f"{Path(place).name}:1", told)


def _errors(error: ProblemError) -> tuple[Finding, ...]:
    """The issues of files that cannot be used, which nothing makes known."""
    return tuple(
        Finding(Advice(Severity.ERROR, issue.code, issue.path, issue.message))
        for issue in error.problem.issues
    )
