"""Running the policies' own cases: every expected decision is asked for and compared."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from gateway.contracts import Registry
from gateway.model.contract import OperationContract
from gateway.model.decision import AccessDecision, VerdictDecision
from gateway.policy.case_files import PolicyCase, read_cases
from gateway.policy.models import NONE, escalation
from gateway.policy.policies import Policies


class CaseStatus(StrEnum):
    """How a case ended; it is skipped where its contract is not loaded."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case that was run: ``at`` is its ``file:line``; ``messages`` say what differs, with the
    rule that decided, or why the case was skipped."""

    name: str
    at: str
    status: CaseStatus
    messages: tuple[str, ...] = ()


def run_cases(policies: Policies, registry: Registry, folder: Path) -> list[CaseResult]:
    """Run every case of the policies folder ``folder`` (its ``cases/*.yaml``).

    Raises:
        ProblemError: POLICY_CASES_INVALID, if a case file cannot be read.
    """
    return [_run(policies, registry, case) for case in read_cases(folder)]


def _run(policies: Policies, registry: Registry, case: PolicyCase) -> CaseResult:
    contract = registry.resolve(case.contract)
    if contract is None:
        note = f"the contract {case.contract} is not loaded"
        return CaseResult(case.name, case.at, CaseStatus.SKIPPED, (note,))
    messages = tuple(_mismatches(policies, contract, case))
    status = CaseStatus.FAILED if messages else CaseStatus.PASSED
    return CaseResult(case.name, case.at, status, messages)


def _mismatches(policies: Policies, contract: OperationContract, case: PolicyCase) -> Iterator[str]:
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


def _verdict_mismatches(
    policies: Policies, contract: OperationContract, case: PolicyCase
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


def _escalates(decision: VerdictDecision, expected: str) -> bool:
    wanted = (None, "") if expected == NONE else escalation(expected)
    return wanted == (decision.escalate_after, decision.escalate_to)


def _access_why(decision: AccessDecision) -> str:
    return f"{decision.rule.ref}: {decision.rule.text}" if decision.rule else decision.reason


def _verdict_why(decision: VerdictDecision) -> str:
    rules = "; ".join(f"{rule.ref}: {rule.text}" for rule in decision.rules)
    return rules or " ".join(decision.reasons)
