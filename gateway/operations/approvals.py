"""controlPlane.execution.approve, reject and breakGlass, approval.decide and approval.list"""

from gateway.model.approval import ApprovalFilter, Decider
from gateway.model.execution import Approval, ApprovalStatus
from gateway.model.json import JsonObject
from gateway.model.ports import Records, Tx
from gateway.model.principal import PrincipalType
from gateway.model.problem import Issue, ProblemError, invalid
from gateway.model.time import after, parse, stamp
from gateway.operations.allowed import AllowedActions
from gateway.operations.common import (
    acting,
    as_seen,
    lower,
    page_of,
    present,
    require_own_workspace,
    said,
)
from gateway.pipeline import Admitted
from gateway.runtime import Loop, require_execution

MAX_DECISIONS = 50
"""How many decisions one call may hold."""

MIN_REASON = 10
"""How many characters the reason of an override has at least."""

_MOST_SECONDS = 10 * 366 * 86_400


def approve(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """Approve a step that waits; the answer says whether the quorum is reached."""
    value = admitted.value
    acting(admitted, "approvedBy")
    execution = require_execution(tx, admitted.principal.workspace, value["executionId"])
    status = loop.consent.approve(
        tx, execution, value["stepId"], admitted.principal, value.get("note")
    )
    return _decided(value, status, "approvedAt", tx.now)


def reject(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """Reject a step that waits; its run ends."""
    value = admitted.value
    acting(admitted, "rejectedBy")
    if not said(value["reason"]):
        raise invalid([Issue("/input/reason", "REQUIRED", "must say why you reject")])
    execution = require_execution(tx, admitted.principal.workspace, value["executionId"])
    status = loop.consent.reject(
        tx, execution, value["stepId"], admitted.principal, value["reason"]
    )
    return _decided(value, status, "rejectedAt", tx.now)


def break_glass(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """Let a step that waits go without its approvers."""
    value = admitted.value
    acting(admitted, "invokedBy")
    if len(said(value["reason"])) < MIN_REASON:
        told = f"must say why, in at least {MIN_REASON} characters"
        raise invalid([Issue("/input/reason", "TOO_SHORT", told)])
    execution = require_execution(tx, admitted.principal.workspace, value["executionId"])
    overridden = loop.override.use(
        *(tx, execution, value["stepId"], admitted.principal, value["reason"]),
        value.get("approvalId"),
    )
    decided = _decided(value, ApprovalStatus.APPROVED, "invokedAt", tx.now)
    named = {"runId": execution.run_id, "approvalId": overridden.id, "usedAt": tx.now}
    return {**decided, **named}


def decide(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """Decide several requests: each by itself, so that one that is refused leaves the others."""
    acting(admitted, "decidedBy")
    decisions = admitted.value["decisions"]
    issues = _faults_of(decisions)
    if issues:
        raise invalid(issues)
    return {"results": [_result(loop, admitted, tx, decision) for decision in decisions]}


def _faults_of(decisions: list[JsonObject]) -> list[Issue]:
    if not 1 <= len(decisions) <= MAX_DECISIONS:
        told = f"must hold 1 to {MAX_DECISIONS} decisions"
        return [Issue("/input/decisions", "TOO_MANY" if decisions else "REQUIRED", told)]
    issues = []
    seen: set[tuple[str, str]] = set()
    for index, decision in enumerate(decisions):
        at = f"/input/decisions/{index}"
        named = (decision["executionId"], decision["stepId"])
        if named in seen:
            told = "names a step that is decided in this call already: decide it once"
            issues.append(Issue(at, "DUPLICATE", told))
        if not decision["approve"] and not said(decision.get("note")):
            issues.append(Issue(f"{at}/note", "REQUIRED", "must say why, where you reject"))
        seen.add(named)
    return issues


def _result(loop: Loop, admitted: Admitted, tx: Tx, decision: JsonObject) -> JsonObject:
    """Take one decision. What is refused has appended nothing: it is refused before."""
    execution_id, step_id = decision["executionId"], decision["stepId"]
    named = {"executionId": execution_id, "stepId": step_id}
    person, note, read = admitted.principal, decision.get("note"), decision.get("approvalId")
    try:
        execution = require_execution(tx, person.workspace, execution_id)
        if decision["approve"]:
            status = loop.consent.approve(tx, execution, step_id, person, note, read)
        else:
            status = loop.consent.reject(tx, execution, step_id, person, note or "", read)
    except ProblemError as error:
        found = tx.approval(execution_id, step_id)
        known = found is not None and found.workspace == person.workspace
        standing = found.status.value.upper() if found and known else None
        told = {"status": standing, "problem": error.problem.to_json()}
        return present({**named, "decided": False, **told})
    return {**named, "decided": True, "decidedAt": tx.now, "status": status.value.upper()}


def list_all(loop: Loop, admitted: Admitted, records: Records) -> JsonObject:
    """Approval requests of the workspace, oldest first; pending ones unless asked otherwise."""
    value = admitted.value
    require_own_workspace(admitted)
    page = page_of(admitted)
    now = stamp(loop.clock.now())
    which = ApprovalFilter(
        admitted.principal.workspace,
        lower(value.get("status")) or ApprovalStatus.PENDING.value,
        value.get("executionId"),
        lower(value.get("risk")),
        _requested_before(value, now),
        _decider(loop, admitted, now) if value.get("mine") else None,
    )
    found, total = records.approvals(which, page)
    allowed = AllowedActions(loop, records, admitted.principal)
    return {
        "items": [_item(loop, admitted, records, allowed, item) for item in found],
        "total": total,
    }


def _decider(loop: Loop, admitted: Admitted, now: str) -> Decider:
    """The caller as somebody who decides; who is no human holds no role that does."""
    person = admitted.principal
    roles = loop.policies.roles(person) if person.type is PrincipalType.HUMAN else frozenset()
    return Decider(person.subject, roles, now)


def _requested_before(value: JsonObject, now: str) -> str | None:
    """The earlier of the two bounds on age.

    Raises:
        ProblemError: VALIDATION_FAILED for a bound that is no moment.
    """
    bounds = []
    seconds, moment = value.get("olderThanSeconds"), value.get("requestedBefore")
    if seconds is not None:
        if not 0 <= seconds <= _MOST_SECONDS:
            told = f"must be from 0 to {_MOST_SECONDS}"
            raise invalid([Issue("/input/olderThanSeconds", "OUT_OF_RANGE", told)])
        bounds.append(after(now, -seconds))
    if moment is not None:
        bounds.append(moment_of(moment, "/input/requestedBefore"))
    return min(bounds, default=None)


def moment_of(text: str, path: str) -> str:
    """The stamp of a DateTime of the input; ``path`` is the JSON pointer to it.

    Raises:
        ProblemError: VALIDATION_FAILED for a moment outside the years 1 to 9999 in UTC.
    """
    try:
        return stamp(parse(text.upper()))
    except (ValueError, OverflowError) as error:
        raise invalid([Issue(path, "OUT_OF_RANGE", "must lie in the years 1 to 9999")]) from error


def _decided(value: JsonObject, status: ApprovalStatus, at: str, now: str) -> JsonObject:
    return {
        "executionId": value["executionId"],
        "stepId": value["stepId"],
        "status": status.value.upper(),
        at: now,
    }


def _item(
    loop: Loop,
    admitted: Admitted,
    records: Records,
    allowed: AllowedActions,
    approval: Approval,
) -> JsonObject:
    execution = require_execution(records, approval.workspace, approval.execution_id)
    return present(
        {
            "approvalId": approval.id,
            "executionId": approval.execution_id,
            "stepId": approval.step_id,
            "contract": approval.contract,
            "requestedBy": approval.requested_by,
            "arguments": as_seen(loop, admitted, approval.arguments, execution.id),
            "reason": approval.reason,
            "rules": approval.decision.get("rules", []),
            "risk": approval.risk.upper(),
            "requestedAt": approval.requested_at,
            "expiresAt": approval.expires_at,
            "status": approval.status.value.upper(),
            "approverRole": approval.approver_role,
            "quorum": approval.quorum,
            "approvals": len(approval.votes),
            "votes": [present(vote) for vote in approval.votes],
            "escalatedTo": approval.escalate_to if approval.escalated_at else None,
            "overridden": approval.overridden,
            "note": approval.note,
            "decidedAt": approval.decided_at,
            "rejectedBy": _rejecter(records, approval),
            "allowedActions": allowed.on_approval(execution, approval),
        }
    )


def _rejecter(records: Records, approval: Approval) -> str | None:
    return records.rejecter(approval) if approval.status is ApprovalStatus.REJECTED else None
