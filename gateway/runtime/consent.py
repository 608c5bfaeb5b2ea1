"""Consent: how people approve and reject, and who may."""

from dataclasses import dataclass

from gateway.model.entry import EntryType
from gateway.model.execution import (
    UNDER_WAY,
    Approval,
    ApprovalStatus,
    Execution,
    conflict,
)
from gateway.model.json import decode
from gateway.model.ports import Records, Tx
from gateway.model.principal import Principal, PrincipalType, is_among
from gateway.model.problem import refuse
from gateway.policy import Policies
from gateway.runtime import facts
from gateway.runtime.lifecycle import Lifecycle
from gateway.runtime.separation import refuse_steerer, require_separation

BREAK_GLASS_ROLE = "break-glass"
"""What whoever breaks the glass must hold; an admin does not hold it by being one."""


@dataclass(frozen=True, slots=True)
class Consent:
    """Takes decisions of people on approval requests."""

    policies: Policies
    lifecycle: Lifecycle

    def approve(
        self,
        tx: Tx,
        execution: Execution,
        step_id: str,
        person: Principal,
        note: str | None,
        approval_id: str | None = None,
    ) -> ApprovalStatus:
        """Count one person's approval; the run goes on when the quorum is reached.

        ``approval_id`` is that of the request that the person has read, where that is known.

        Raises:
            ProblemError: FORBIDDEN for who may not approve this, CONFLICT for what is not open
                any more, NOT_FOUND for a step that the plan has not got.
        """
        approval = open_request(tx, execution, step_id, approval_id)
        role = self._require_role(person, approval)
        require_separation(tx, execution, person)
        if is_among(person.subject, approval.excluded):  # those that were involved were told how
            raise refuse_steerer(tx, execution, person)
        if _has_approved(person, approval):
            raise conflict(execution.id, execution.status, "you have approved this step already")
        reached = len(approval.votes) + 1 >= approval.quorum
        body = {
            "approvalId": approval.id,
            "by": person.subject,
            "role": role,
            "approver": person.to_json(),
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
        self,
        tx: Tx,
        execution: Execution,
        step_id: str,
        person: Principal,
        reason: str,
        approval_id: str | None = None,
    ) -> ApprovalStatus:
        """Reject a request: one person is enough, and the run ends REJECTED.

        ``approval_id`` is as for ``approve``.

        Raises:
            ProblemError: as for ``approve``.
        """
        approval = open_request(tx, execution, step_id, approval_id)
        role = self._require_role(person, approval)
        body = {
            "approvalId": approval.id,
            "by": person.subject,
            "role": role,
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

    def may_approve(
        self, person: Principal, execution: Execution, approval: Approval, now: str
    ) -> bool:
        """Whether ``approve`` would count this person's approval at the moment ``now``."""
        return (
            self.may_reject(person, execution, approval, now)
            and not is_among(person.subject, approval.excluded)
            and not _has_approved(person, approval)
        )

    def may_reject(
        self, person: Principal, execution: Execution, approval: Approval, now: str
    ) -> bool:
        """Whether ``reject`` would take this person's rejection at the moment ``now``."""
        is_open = closed_because(execution, approval, now) is None
        return is_open and self._decides(person, approval) is not None

    def _decides(self, person: Principal, approval: Approval) -> str | None:
        """The role in which a person decides a request, None where they hold none."""
        if person.type is not PrincipalType.HUMAN:
            return None
        roles = _roles_of(approval)
        return next((role for role in roles if self.policies.holds(person, role)), None)

    def _require_role(self, person: Principal, approval: Approval) -> str:
        if person.type is not PrincipalType.HUMAN:
            raise refuse(
                "FORBIDDEN", f"Only people decide approvals; you are of type {person.type.value}."
            )
        role = self._decides(person, approval)
        if role is None:
            wanted = " or ".join(repr(role) for role in _roles_of(approval))
            raise refuse("FORBIDDEN", f"This approval asks for the role {wanted}.")
        return role


def open_request(
    tx: Tx, execution: Execution, step_id: str, approval_id: str | None = None
) -> Approval:
    """The request of a step that somebody can decide at this moment: the one of ``approval_id``,
    where somebody says which they mean.

    Raises:
        ProblemError: CONFLICT for what is not open (any more), NOT_FOUND for a step that the plan
            has not got.
    """
    approval = tx.approval(execution.id, step_id)
    if approval is None:
        steps = tx.step_states(execution.plan_id) if execution.plan_id else []
        if not any(step.id == step_id for step in steps):
            raise refuse("NOT_FOUND", f"Execution {execution.id} has no step {step_id}.")
        raise conflict(execution.id, execution.status, f"step {step_id} asks for no approval")
    why = closed_because(execution, approval, tx.now)
    if why is None and approval_id not in (None, approval.id):
        # Ids of steps stay where policy has the same step be asked for anew, on other terms.
        why = f"by now step {step_id} asks with {approval.id}, which is to be read first"
    if why is not None:
        raise conflict(execution.id, execution.status, why)
    return approval


def closed_because(execution: Execution, approval: Approval, now: str) -> str | None:
    """Why nobody can decide a request at the moment ``now``; None if somebody can."""
    if execution.status not in UNDER_WAY:
        return "its approvals are closed"
    if execution.stopping:
        return "it is being shut down"
    if approval.status is not ApprovalStatus.PENDING:
        return f"the approval is {approval.status.value.upper()}"
    if approval.expires_at <= now:
        return f"the approval EXPIRED at {approval.expires_at}"
    return None


def lost_consent(records: Records, policies: Policies, approval: Approval) -> str | None:
    """Why consent that was given does not stand any more: somebody who gave it could not give it
    now. Roles that came with a token count as they were then; None where everybody still may."""
    kind = EntryType.APPROVAL_OVERRIDDEN if approval.overridden else EntryType.APPROVAL_VOTED
    roles = (BREAK_GLASS_ROLE,) if approval.overridden else _roles_of(approval)
    for entry in records.entries_of_type(approval.execution_id, kind):
        body = decode(entry.body)
        told = body.get("approver") if body["approvalId"] == approval.id else None
        if told is None:  # of another request, or of an earlier release
            continue
        person = Principal.from_json(told)
        if not any(policies.holds(person, role) for role in roles):
            return f"{person.subject} does not hold the role {' or '.join(roles)} any more."
    return None


def _roles_of(approval: Approval) -> tuple[str, ...]:
    """The roles that may decide a request now."""
    if approval.escalated_at is None or approval.escalate_to is None:
        return (approval.approver_role,)
    return (approval.approver_role, approval.escalate_to)


def _has_approved(person: Principal, approval: Approval) -> bool:
    return is_among(person.subject, (vote["by"] for vote in approval.votes))
