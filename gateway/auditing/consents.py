"""Consent in the record: who approved, rejected, granted or overrode, and under which rule."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.auditing.facts import Fact, rule_of
from gateway.auditing.search import is_meant
from gateway.model.audit_history import AuditHistory
from gateway.model.entry import EntryType
from gateway.model.json import JsonObject, decode

BREAK_GLASS = "break-glass"
"""The role of whoever lets a step go without its approvers."""

KINDS: Mapping[str, str] = {
    EntryType.APPROVAL_VOTED.value: "approval",
    EntryType.APPROVAL_REJECTED.value: "rejection",
    EntryType.APPROVAL_OVERRIDDEN.value: "break_glass",
    EntryType.GRANT_USED.value: "grant_used",
    EntryType.GRANT_ISSUED.value: "grant_issued",
}
"""The entries that say somebody consented, or refused to."""

CONSENTS = tuple(kind for kind in KINDS if kind != EntryType.GRANT_ISSUED.value)
"""Those of them that do not name the contract."""


@dataclass(frozen=True, slots=True)
class Consents:
    """Reads consent to calls of one contract."""

    history: AuditHistory
    contract: str
    rules: bool

    def of(self, fact: Fact) -> Iterator[JsonObject]:
        """The consent that an entry records, if it is to a call of the contract."""
        kind = KINDS.get(fact.row.type)
        if kind is None:
            return
        if kind == "grant_issued":
            found = self._issued(fact)
        elif kind == "grant_used":
            found = self._used(fact)
        else:
            found = self._decided(fact, kind)
        if found is None or not is_meant(self.contract, found["contract"]):
            return
        told = {
            "cursor": str(fact.row.position),
            "at": fact.row.at,
            "kind": kind.upper(),
            "executionId": fact.row.execution_id,
            "stepId": fact.body.get("stepId"),
            "policyVersion": fact.body.get("policyRevision"),
            **found,
        }
        if not self.rules:
            told.pop("rule", None)
        yield {name: value for name, value in told.items() if value is not None}

    def _decided(self, fact: Fact, kind: str) -> JsonObject | None:
        """A vote, a rejection, or the approvers overridden."""
        body, approval_id = fact.body, str(fact.body.get("approvalId"))
        request = self.history.approval_facts(approval_id)
        if request is None:
            return None
        decision = decode(request.decision)
        role = BREAK_GLASS if kind == "break_glass" else body.get("role")
        if role is None and request.escalated_to is None:
            role = request.approver_role  # earlier releases did not say in which of two
        return {
            "by": fact.row.actor,
            "role": role,
            "hasNote": bool(body.get("note") or body.get("reason")),
            "approvalId": approval_id,
            "contract": request.contract,
            "requestedBy": request.requested_by,
            "quorum": request.quorum,
            "reached": bool(body.get("approved")) if kind == "approval" else None,
            "rule": rule_of(decision),
            "policyVersion": body.get("policyRevision") or decision.get("policyRevision"),
        }

    def _used(self, fact: Fact) -> JsonObject | None:
        """A grant that stood in for an approver; its issuer consented beforehand."""
        body = fact.body
        step = self.history.step_facts(str(body.get("planId")), str(body.get("stepId")))
        if step is None:
            return None
        decision = None if step.decision is None else decode(step.decision)
        execution = self.history.execution(fact.row.workspace, fact.row.execution_id or "")
        return {
            "by": str(body.get("issuer", "")),
            "role": decision.get("approverRole") if decision else None,
            "hasNote": False,
            "grantId": body.get("grantId"),
            "contract": step.contract,
            "requestedBy": execution.submitter.subject if execution else None,
            "rule": rule_of(decision),
            "policyVersion": decision.get("policyRevision") if decision else None,
        }

    def _issued(self, fact: Fact) -> JsonObject | None:
        body = fact.body
        return {
            "by": fact.row.actor,
            "hasNote": bool(body.get("reason")),
            "grantId": body.get("grantId"),
            "contract": fact.contract,
            "requestedBy": body.get("requester"),
        }
