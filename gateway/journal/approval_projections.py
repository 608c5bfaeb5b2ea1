"""What entries about approval requests change in the tables that are folded from the record."""

from collections.abc import Iterator

from gateway.journal import statements as sql
from gateway.journal.folding import Change, Projections, change, own_step
from gateway.model.entry import Entry, EntryType
from gateway.model.json import JsonObject, encode


def _approval_requested(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield change(
        sql.INSERT_APPROVAL,
        id=body["approvalId"],
        execution_id=entry.execution_id,
        workspace=entry.workspace,
        step_id=body["stepId"],
        contract=body["contract"],
        digest=body["digest"],
        arguments=encode(body["arguments"]),
        decision=encode(body["decision"]),
        approver_role=body["approverRole"],
        quorum=body["quorum"],
        risk=body["risk"],
        reason=body["reason"],
        requested_by=body["requestedBy"],
        requested_at=entry.at,
        expires_at=body["expiresAt"],
        escalate_at=body.get("escalateAt"),
        escalate_to=body.get("escalateTo"),
        excluded=encode(body.get("excluded", [])),
        requester_roles=encode(body.get("requesterRoles", [])),
    )
    yield own_step(sql.STEP_ASKED, entry, decision=encode(body["decision"]))


def _approval_voted(entry: Entry, body: JsonObject) -> Iterator[Change]:
    vote = encode({"by": body["by"], "at": entry.at, "note": body.get("note")})
    yield change(sql.APPROVAL_VOTED, of_id=body["approvalId"], vote=vote)
    if body["approved"]:
        yield _closed(entry, "approved", None)


def _approval_rejected(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield _closed(entry, "rejected", body["reason"])
    yield own_step(sql.STEP_OVER, entry, status="rejected", ended_at=entry.at)


def _approval_expired(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield _closed(entry, "expired", None)
    yield own_step(sql.STEP_OVER, entry, status="expired", ended_at=entry.at)


def _approval_voided(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield _closed(entry, "void", body["reason"])
    yield own_step(sql.STEP_MOVED, entry, status=body["stepStatus"])


def _approval_escalated(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield change(sql.APPROVAL_ESCALATED, of_id=body["approvalId"], escalated_at=entry.at)


def _approval_overridden(entry: Entry, body: JsonObject) -> Iterator[Change]:
    told = encode({"by": body["by"], "at": entry.at, "reason": body["reason"]})
    yield change(sql.APPROVAL_OVERRIDDEN, of_id=body["approvalId"], overridden=told)
    yield _closed(entry, "approved", None)


def _closed(entry: Entry, status: str, note: str | None) -> Change:
    values = {"status": status, "decided_at": entry.at, "note": note}
    return change(sql.APPROVAL_CLOSED, of_id=entry.body["approvalId"], **values)


PROJECTIONS: Projections = {
    EntryType.APPROVAL_REQUESTED: _approval_requested,
    EntryType.APPROVAL_VOTED: _approval_voted,
    EntryType.APPROVAL_REJECTED: _approval_rejected,
    EntryType.APPROVAL_EXPIRED: _approval_expired,
    EntryType.APPROVAL_VOIDED: _approval_voided,
    EntryType.APPROVAL_ESCALATED: _approval_escalated,
    EntryType.APPROVAL_OVERRIDDEN: _approval_overridden,
}
