"""controlPlane.execution.approve, execution.reject and approval.list"""

from gateway.model.execution import Approval, ApprovalStatus
from gateway.model.json import JsonObject
from gateway.model.ports import ApprovalFilter, Records, Tx
from gateway.operations.common import acting, as_seen, lower, page_of
from gateway.pipeline import Admitted
from gateway.runtime import Loop, require_execution


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
    execution = require_execution(tx, admitted.principal.workspace, value["executionId"])
    status = loop.consent.reject(
        tx, execution, value["stepId"], admitted.principal, value["reason"]
    )
    return _decided(value, status, "rejectedAt", tx.now)


def list_all(loop: Loop, admitted: Admitted, records: Records) -> JsonObject:
    """Approval requests of the workspace, oldest first; pending ones unless asked otherwise."""
    value = admitted.value
    status = lower(value.get("status")) or ApprovalStatus.PENDING.value
    which = ApprovalFilter(admitted.principal.workspace, status, value.get("executionId"))
    found, total = records.approvals(which, page_of(admitted))
    return {"items": [_item(loop, admitted, item) for item in found], "total": total}


def _decided(value: JsonObject, status: ApprovalStatus, at: str, now: str) -> JsonObject:
    return {
        "executionId": value["executionId"],
        "stepId": value["stepId"],
        "status": status.value.upper(),
        at: now,
    }


def _item(loop: Loop, admitted: Admitted, approval: Approval) -> JsonObject:
    return {
        "approvalId": approval.id,
        "executionId": approval.execution_id,
        "stepId": approval.step_id,
        "contract": approval.contract,
        "requestedBy": approval.requested_by,
        "arguments": as_seen(loop, admitted, approval.arguments),
        "reason": approval.reason,
        "risk": approval.risk.upper(),
        "requestedAt": approval.requested_at,
        "expiresAt": approval.expires_at,
        "status": approval.status.value.upper(),
        "approverRole": approval.approver_role,
        "quorum": approval.quorum,
        "approvals": len(approval.votes),
    }
