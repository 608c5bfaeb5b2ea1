"""Reading the policies: rules, roles and assignments, as one workspace sees them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.model.contract import OperationContract
from gateway.policy.engine.roles import ANYWHERE, USER_PREFIX
from gateway.policy.explaining.request import Visible
from gateway.policy.reading.all_rows import AllRows, all_rows, holds_in, speaks_of
from gateway.policy.reading.role_paths import RolePaths
from gateway.policy.revision import PolicyRevision
from gateway.policy.rules.models import ACCESS, NONE, PII, VERDICT
from gateway.policy.rules.rows import Row

EFFECTS = {ACCESS.name: "eft", VERDICT.name: "verdict", PII.name: "treatment"}
"""The column that says what a rule of a model leads to."""


@dataclass(frozen=True, slots=True)
class RuleFilter:
    """Which rules to list; None does not narrow. ``text`` is a part of the row, in any case."""

    model: str | None = None
    subject: str | None = None
    contract: OperationContract | None = None
    workspace: str | None = None
    effect: str | None = None
    text: str | None = None


def rules(
    revision: PolicyRevision, which: RuleFilter, visible: Visible
) -> Iterator[tuple[str, Row]]:
    """The rules that fit, each with the name of its model, in the order in which they are read."""
    part = which.text.lower() if which.text else ""
    for model, row in all_rows(revision).rules():
        if (
            which.model in (None, model)
            and which.subject in (None, row["sub"])
            and which.workspace in (None, row["dom"])
            and which.effect in (None, row[EFFECTS[model]])
            and (not part or part in row.text.lower())
            and visible(row)
            and (which.contract is None or speaks_of(revision, model, row, which.contract))
        ):
            yield model, row


def selects(
    revision: PolicyRevision, model: str, row: Row, contracts: Iterable[OperationContract]
) -> int:
    """How many of the contracts a rule speaks of."""
    return sum(speaks_of(revision, model, row, contract) for contract in contracts)


@dataclass(frozen=True, slots=True)
class RoleSummary:
    """A role: what it inherits and who inherits it at once, how many ``users`` are assigned to it,
    how many ``rules`` name it, and how many verdict rules ask it for an approval."""

    role: str
    inherits: tuple[str, ...]
    inherited_by: tuple[str, ...]
    users: int
    rules: int
    approves: int


def roles(revision: PolicyRevision, workspace: str) -> list[RoleSummary]:
    """Every role that the policies name in a workspace, by name."""
    rows = all_rows(revision)
    paths = RolePaths(rows.assignments, workspace)
    named = Counter(row["sub"] for _, row in rows.rules() if holds_in(row, workspace))
    asked = _approvers(rows, workspace)
    names = {name for name in (*named, *asked) if ":" not in name and name != ANYWHERE}
    return [_summary(name, paths, named[name], asked[name]) for name in sorted(names | paths.roles)]


def _summary(role: str, paths: RolePaths, rules: int, approves: int) -> RoleSummary:
    holders = {row["subject"] for row in paths.holders_of(role)}
    users = {name for name in holders if name.startswith(USER_PREFIX)}
    inherits = {row["role"] for row in paths.held_from(role)}
    return RoleSummary(
        role,
        tuple(sorted(inherits)),
        tuple(sorted(holders - users)),
        len(users),
        rules,
        approves,
    )


def _approvers(rows: AllRows, workspace: str) -> Counter[str]:
    """How many verdict rules name a role as approver, or escalate to it."""
    found: Counter[str] = Counter()
    for row in rows.verdict:
        if holds_in(row, workspace):
            escalated = row["escalation"].partition(":")[2]
            found.update({row["approver"], escalated} - {NONE, ""})
    return found


def assignments(
    revision: PolicyRevision, workspace: str | None, subject: str | None, role: str | None
) -> list[Row]:
    """The assignments that hold in a workspace (None: in any), narrowed by who holds what."""
    return [
        row
        for row in all_rows(revision).assignments
        if (workspace is None or row["workspace"] in (ANYWHERE, workspace))
        and subject in (None, row["subject"])
        and role in (None, row["role"])
    ]
