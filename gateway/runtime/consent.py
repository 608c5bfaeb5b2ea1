"""Consent: how people approve and reject, and who may."""

from dataclasses import dataclass

from gateway.model.entry import EntryType
from gateway.model.execution import (
    LIVE,
    Approval,
    ApprovalStatus,
    Execution,
    conflict,
)
from gateway.model.ports import Records, Tx
from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import refuse
from gateway.policy import Policies
from gateway.runtime import facts
from gateway.runtime.lifecycle import Lifecycle


@dataclass(frozen=True, slots=True)
class Consent:
    """Takes decisions of people on approval requests."""

    policies: Policies
    lifecycle: Lifecycle

    def approve(
        self, tx: Tx, execution: Execution, step_id: str, person: Principal, note: str | None
    ) -> ApprovalStatus:
        """Count one person's approval; the run goes on when the quorum is reached.

        Raises:
            ProblemError: FORBIDDEN for who may not approve this, CONFLICT for what is not open
                any more, NOT_FOUND for a step that the plan has not got.
        """
        approval = self._open_request(tx, execution, step_id)
        self._require_role(person, approval)
        self._require_separation(tx, execution, person)
        if any(vote["by"] == person.subject for vote in approval.votes):
            raise conflict(execution.id, execution.status, "you have approved this step already")
        reached = len(approval.votes) + 1 >= approval.quorum
        body = {
            "approvalId": approval.id,
            "by": person.subject,
            "note": note,
            "approved": reached,
            "session": person.session,
            "policyRevision": self.policies.revision,
        }
        tx.append(
            facts.step_fact(
                execution, EntryType.APPROVAL_VOTED, step_id, body, actor=person.subject
            )
        )
        if reached:
            self.lifecycle.wake(tx, execution)
        return ApprovalStatus.APPROVED if reached else ApprovalStatus.PENDING

    def reject(
        self, tx: Tx, execution: Execution, step_id: str, person: Principal, reason: str
    ) -> ApprovalStatus:
        """Reject a request: one person is enough, and the run ends REJECTED.

        Raises:
            ProblemError: as for ``approve``.
        """
        approval = self._open_request(tx, execution, step_id)
        self._require_role(person, approval)
        body = {
            "approvalId": approval.id,
            "by": person.subject,
            "reason": reason,
            "session": person.session,
            "policyRevision": self.policies.revision,
        }
        tx.append(
            facts.step_fact(
                execution, EntryType.APPROVAL_REJECTED, step_id, body, actor=person.subject
            )
        )
        self.lifecycle.wake(tx, execution)
        return ApprovalStatus.REJECTED

    def _open_request(self, tx: Tx, execution: Execution, step_id: str) -> Approval:
        approval = tx.approval(execution.id, step_id)
        if approval is None:
            self._require_step(tx, execution, step_id)
            raise conflict(execution.id, execution.status, f"step {step_id} asks for no approval")
        if execution.status not in LIVE:
            raise conflict(execution.id, execution.status, "its approvals are closed")
        if approval.status is not ApprovalStatus.PENDING:
            state = approval.status.value.upper()
            raise conflict(execution.id, execution.status, f"the approval is {state}")
        if approval.expires_at <= tx.now:
            told = f"the approval EXPIRED at {approval.expires_at}"
            raise conflict(execution.id, execution.status, told)
        return approval

    def _require_step(self, records: Records, execution: Execution, step_id: str) -> None:
        steps = records.steps(execution.plan_id) if execution.plan_id else []
        if not any(step.id == step_id for step in steps):
            raise refuse("NOT_FOUND", f"Execution {execution.id} has no step {step_id}.")

    def _require_role(self, person: Principal, approval: Approval) -> None:
        if person.type is not PrincipalType.HUMAN:
            raise refuse(
                "FORBIDDEN", f"Only people decide approvals; you are of type {person.type.value}."
            )
        if not self.policies.holds(person, approval.approver_role):
            raise refuse(
                "FORBIDDEN", f"This approval asks for the role {approval.approver_role!r}."
            )

    def _require_separation(self, tx: Tx, execution: Execution, person: Principal) -> None:
        """Separation of duties: whoever brought the action about does not approve it."""
        plan = tx.plan(execution.plan_id or "")
        involved = {
            "submitted its intent": execution.submitter.subject,
            "compiled its plan": plan.compiler if plan else None,
            "started its run": execution.starter,
        }
        for deed, subject in involved.items():
            if person.subject == subject:
                raise refuse(
                    "FORBIDDEN",
                    f"You {deed}, so you cannot approve it. Ask another holder of the role.",
                )
