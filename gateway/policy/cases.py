"""Running the policies' own cases: every expected decision is asked for and compared."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gateway.model.contract import OperationContract
from gateway.model.decision import AccessDecision, VerdictDecision
from gateway.policy.case_files import PolicyCase, read_cases
from gateway.policy.revision import PolicyRevision
from gateway.policy.rules.models import NONE, escalation

REFERENCE_LIMIT = 1_000
"""With more rules than that, Casbin takes too long to be asked as well."""


class CaseStatus(StrEnum):
    """How a case ended; it is skipped where its contract is not loaded."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case that was run: ``at`` is its ``file:line``; ``messages`` say what differs, with the
    rule that decided, or why the case was skipped. ``workspace`` is that of its principal, whose
    rules decide, and empty for callers without a token."""

    name: str
    at: str
    status: CaseStatus
    messages: tuple[str, ...] = ()
    workspace: str = ""


def run_cases(revision: PolicyRevision, where: Path) -> list[CaseResult]:
    """Run every case of a revision; ``where`` is the folder that issues name.

    Up to ``REFERENCE_LIMIT`` rules, each case is also decided by Casbin itself, and fails where
    that comes out otherwise.

    Raises:
        ProblemError: POLICY_CASES_INVALID, if a case file cannot be read.
    """
    cases = read_cases(revision.content, where)
    rules = sum(len(index.rows) for index in revision.book.rules.indexes.values())
    reference = revision.reference() if rules <= REFERENCE_LIMIT else None
    return [run_case(revision, case, reference) for case in cases]


def run_case(
    revision: PolicyRevision, case: PolicyCase, reference: PolicyRevision | None = None
) -> CaseResult:
    """Run one case; with a ``reference``, it must decide and explain the same."""
    contract, workspace = revision.registry.resolve(case.contract), case.principal.workspace
    if contract is None:
        note = f"the contract {case.contract} is not loaded"
        return CaseResult(case.name, case.at, CaseStatus.SKIPPED, (note,), workspace)
    messages = tuple(_mismatches(revision, contract, case))
    if reference is not None:
        messages += tuple(_disagreements(revision, reference, contract, case))
    status = CaseStatus.FAILED if messages else CaseStatus.PASSED
    return CaseResult(case.name, case.at, status, messages, workspace)


def _mismatches(
    policies: PolicyRevision, contract: OperationContract, case: PolicyCase
) -> Iterator[str]:
    expect = case.expect
    if expect.access is not None:
        access = policies.access(case.principal, contract)
        found = "allow" if access.allowed else "deny"
        if found != expect.access:
            yield f"access: expected {expect.access}, got {found} ({_access_why(access)})"
    yield from _verdict_mismatches(policies, contract, case)
    for name, treatment in expect.pii.items():
        shown = policies.treatment(case.principal, contract.ref, name)
        if shown is not treatment:
            yield f"pii {name}: expected {treatment.value}, got {shown.value}"
    missing = sorted(expect.roles - policies.roles(case.principal))
    if missing:
        yield f"roles: expected {', '.join(missing)} as well, which the principal does not hold"


def _verdict_mismatches(
    policies: PolicyRevision, contract: OperationContract, case: PolicyCase
) -> Iterator[str]:
    expect = case.expect
    decision = policies.verdict(case.principal, contract, case.arguments, case.unknown)
    compared = (
        ("verdict", expect.verdict, decision.verdict),
        ("approver", expect.approver, decision.approver_role),
        ("quorum", expect.quorum, decision.quorum),
    )
    for name, expected, found in compared:
        if expected is not None and expected != found:
            yield f"{name}: expected {expected}, got {found} ({_verdict_why(decision)})"
    if expect.escalation is not None and not _escalates(decision, expect.escalation):
        after = decision.escalate_after
        found = NONE if after is None else f"{after:g}s:{decision.escalate_to}"
        yield f"escalation: expected {expect.escalation}, got {found} ({_verdict_why(decision)})"
    reasons = " ".join(decision.reasons)
    if expect.reason is not None and expect.reason not in reasons:
        yield f"reason: expected it to say {expect.reason!r}, got {reasons!r}"


def _disagreements(
    revision: PolicyRevision,
    reference: PolicyRevision,
    contract: OperationContract,
    case: PolicyCase,
) -> Iterator[str]:
    """Where the index does not decide and explain as Casbin does."""
    compared = zip(
        _decided(revision, contract, case), _decided(reference, contract, case), strict=True
    )
    for (name, found), (_, expected) in compared:
        if found != expected:
            yield f"{name}: the index decides {found}, Casbin decides {expected}"


def _decided(
    policies: PolicyRevision, contract: OperationContract, case: PolicyCase
) -> Iterator[tuple[str, str]]:
    """Each decision that a case is about, with the rules that made it."""
    access = policies.access(case.principal, contract)
    yield "access", f"{'allow' if access.allowed else 'deny'} ({_access_why(access)})"
    verdict = policies.verdict(case.principal, contract, case.arguments, case.unknown)
    yield "verdict", f"{verdict.verdict.value} ({_verdict_why(verdict)})"
    for name in case.expect.pii:
        yield f"pii {name}", policies.treatment(case.principal, contract.ref, name).value


def _escalates(decision: VerdictDecision, expected: str) -> bool:
    wanted = (None, "") if expected == NONE else escalation(expected)
    return wanted == (decision.escalate_after, decision.escalate_to)


def _access_why(decision: AccessDecision) -> str:
    return f"{decision.rule.ref}: {decision.rule.text}" if decision.rule else decision.reason


def _verdict_why(decision: VerdictDecision) -> str:
    rules = "; ".join(f"{rule.ref}: {rule.text}" for rule in decision.rules)
    return rules or " ".join(decision.reasons)
