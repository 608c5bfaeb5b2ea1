"""What is wrong, and what to do about it: one rule a function, over what was read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from gateway.health.checks import Cases
from gateway.health.report import Alert, AlertKind, Budget, ProcessState, RecordState, Severity
from gateway.model.contract import OperationContract
from gateway.model.time import parse
from gateway.rights import Reading

SHOWN = 20
"""How many of those that an alert is about are named."""

LATE = 3.0
"""For so many intervals no entry should wait for a checkpoint."""

BEHIND = 3
"""So many checkpoints that a target has not got are too many."""

PLACEHOLDERS = frozenset({"n-a", "nobody", "none", "tbd", "to-do", "unknown", "unowned"})
"""What stands for an owner where there is none. A contract without any is refused at the start."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What the rules look at. ``unverified`` are skills that are installed; ``deprecated`` calls of
    the last hour by contract; ``schemas`` published ones that differ. ``cases`` and ``schemas`` are
    None while that is not known, and ``clock`` where that is so."""

    now: str
    contracts: Sequence[OperationContract]
    unverified: Sequence[str]
    deprecated: Mapping[str, int]
    cases: Cases | None
    schemas: Sequence[str] | None
    budget: Budget
    record: RecordState
    process: ProcessState
    head: str | None
    interval: float
    believes_both: bool
    clock: Reading | None = None


def alerts_of(found: Findings) -> list[Alert]:
    """Every alert, the most urgent first."""
    rules = (
        *(_policy, _skills, _cases, _clock, _budget, _checkpoint, _anchors),
        *(_tokens, _owners, _deprecated, _schemas),
    )
    told = [alert for rule in rules for alert in rule(found)]
    return sorted(told, key=lambda alert: list(Severity).index(alert.severity))


def _about(
    kind: AlertKind, severity: Severity, names: Sequence[str], message: str, remedy: str
) -> Iterator[Alert]:
    """An alert about these, where there are any."""
    if names:
        shown = tuple(sorted(names)[:SHOWN])
        yield Alert(kind, severity, message, remedy, shown, len(names))


def _policy(found: Findings) -> Iterator[Alert]:
    here = found.process.revision
    if found.head not in (None, here):
        yield Alert(
            AlertKind.POLICY_NOT_FOLLOWED,
            Severity.CRITICAL,
            f"This process does not decide under the policy in force, but under {here}.",
            "Wait a few seconds. If it stays so, look for an error of policy in the log of this "
            "process, and start it again.",
        )


def _skills(found: Findings) -> Iterator[Alert]:
    yield from _about(
        *(AlertKind.SKILL_NOT_VERIFIED, Severity.CRITICAL, found.unverified),
        "Installed skills do not verify any more, so their contracts are not offered.",
        "Ask controlPlaneSkillVerify why. Install a version that is signed anew, trust its "
        "publisher's key, or disable it.",
    )


def _cases(found: Findings) -> Iterator[Alert]:
    cases = found.cases
    if cases is not None and not cases.is_readable:
        yield Alert(
            AlertKind.POLICY_CASE_FAILS,
            Severity.WARNING,
            "The case files of the policy in force cannot be read, so nothing tests it.",
            "Mend them in a changeset; gateway policy test says where they are wrong.",
        )
    elif cases is not None:
        yield from _about(
            *(AlertKind.POLICY_CASE_FAILS, Severity.CRITICAL, cases.failed),
            "The policy in force does not decide as its own cases expect.",
            "gateway policy test compares them. Mend rule or case in a changeset.",
        )


def _clock(found: Findings) -> Iterator[Alert]:
    told = found.clock
    if told is None or (told.ahead is None and told.behind is None):
        return
    if told.ahead is not None:
        message = (
            f"The clock says {told.ahead.days} days more than when a gateway ran last, so it is "
            f"not believed before {told.believed_at}: nothing of later retention is destroyed."
        )
    else:
        behind = told.behind or timedelta()
        message = f"The clock is {behind.days} days behind what it was seen to say."
    yield Alert(
        AlertKind.CLOCK_NOT_BELIEVED,
        Severity.CRITICAL,
        message,
        "Set it right: have it follow a time server (NTP), then start again. If so much time did "
        "pass, start once with a larger GATEWAY_PRIVACY_CLOCK_LEAP.",
    )


def _budget(found: Findings) -> Iterator[Alert]:
    budget = found.budget
    if budget.allowed >= 1 and budget.left <= 0:
        yield Alert(
            AlertKind.BUDGET_SPENT,
            Severity.CRITICAL,
            f"{budget.failed} of {budget.counted} runs and calls of the last hour failed: more "
            f"than the objective of {budget.objective * 100:.5g} % allows.",
            "Look at the newest executions that FAILED, and at the services that they call.",
        )


def _checkpoint(found: Findings) -> Iterator[Alert]:
    record = found.record
    if record.unsigned_since is None:
        return
    age = (parse(found.now) - parse(record.unsigned_since)).total_seconds()
    if age > LATE * found.interval:
        yield Alert(
            AlertKind.CHECKPOINT_LATE,
            Severity.WARNING,
            f"{record.unsigned} entries wait for a checkpoint, the first for {age:.0f} seconds.",
            "Sign one with auditCheckpointCreate; if that fails, its answer says why. Look whether "
            "the process that leads is alive.",
        )


def _anchors(found: Findings) -> Iterator[Alert]:
    names = [
        f"{one.progress.target} ({one.behind} behind)"
        for one in found.record.targets
        if one.behind >= BEHIND
    ]
    yield from _about(
        *(AlertKind.ANCHOR_BEHIND, Severity.WARNING, names),
        "Anchors or witnesses lack checkpoints.",
        "auditCheckpointList says what went wrong last. They catch up by themselves once they can "
        "be reached.",
    )


def _tokens(found: Findings) -> Iterator[Alert]:
    if found.believes_both:
        yield Alert(
            AlertKind.LOCAL_TOKENS_BELIEVED,
            Severity.WARNING,
            "Development tokens are believed beside those of the identity provider: whoever holds "
            "the key in the key folder can be anybody.",
            "Set GATEWAY_LOCAL_TOKENS=off, or auto.",
        )


def _owners(found: Findings) -> Iterator[Alert]:
    names = [
        one.ref
        for one in found.contracts
        if not any(owner.lower() not in PLACEHOLDERS for owner in one.meta.owners)
    ]
    yield from _about(
        *(AlertKind.CONTRACT_WITHOUT_OWNER, Severity.WARNING, names),
        "Contracts name no owner but a placeholder, so nobody answers for them.",
        "Name a team in owners of each contract file.",
    )


def _deprecated(found: Findings) -> Iterator[Alert]:
    names = [f"{ref} ({count})" for ref, count in found.deprecated.items()]
    yield from _about(
        *(AlertKind.DEPRECATED_CALLED, Severity.WARNING, names),
        "Deprecated contracts were used in the last hour.",
        "auditContractReview says who calls them. Move those callers before the contract goes.",
    )


def _schemas(found: Findings) -> Iterator[Alert]:
    yield from _about(
        *(AlertKind.SCHEMA_DRIFT, Severity.WARNING, found.schemas or ()),
        "A published schema is not what the contracts give.",
        "Write it anew with gateway schema print, and see what changed with gateway schema diff.",
    )
