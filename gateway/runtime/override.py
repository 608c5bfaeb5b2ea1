"""Break-glass: in an emergency, one person lets a waiting step go without its approvers.

It stands above role, quorum and separation of duties, and above nothing else: what policy blocks
stays blocked, and the action is held to what was asked for as any approved one is.
"""

import logging
from dataclasses import dataclass

from gateway.model.entry import EntryType
from gateway.model.execution import Approval, Execution
from gateway.model.ports import Tx
from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import refuse
from gateway.policy import Policies
from gateway.runtime import facts
from gateway.runtime.consent import BREAK_GLASS_ROLE, closed_because, open_request
from gateway.runtime.lifecycle import Lifecycle

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Override:
    """Approves what others would have to approve."""

    policies: Policies
    lifecycle: Lifecycle

    def use(
        self,
        tx: Tx,
        execution: Execution,
        step_id: str,
        person: Principal,
        reason: str,
        approval_id: str | None = None,
    ) -> Approval:
        """Let the step that waits go; returns the request that was overridden.

        ``approval_id`` is that of the request that the person has read, where that is known.

        Raises:
            ProblemError: FORBIDDEN for who does not hold the role, CONFLICT where the step does not
                wait for an approval, NOT_FOUND for a step that the plan has not got.
        """
        self._require_role(person)
        approval = open_request(tx, execution, step_id, approval_id)
        body = {
            "approvalId": approval.id,
            "by": person.subject,
            "approver": person.to_json(),
            "reason": reason,
            "approverRole": approval.approver_role,
            "quorum": approval.quorum,
            "session": person.session,
            "policyRevision": self.policies.revision,
        }
        kind = EntryType.APPROVAL_OVERRIDDEN
        tx.append(facts.step_fact(execution, kind, step_id, body, actor=person.subject))
        tx.after_commit(lambda: _warn(execution.id, step_id, approval.id))
        self.lifecycle.wake(tx, execution)
        return approval

    def may_use(
        self, person: Principal, execution: Execution, approval: Approval, now: str
    ) -> bool:
        """Whether ``use`` would let the step of this request go at the moment ``now``."""
        holds = self.policies.holds(person, BREAK_GLASS_ROLE)
        is_person = person.type is PrincipalType.HUMAN
        return is_person and holds and closed_because(execution, approval, now) is None

    def _require_role(self, person: Principal) -> None:
        if person.type is not PrincipalType.HUMAN:
            told = f"Only people break the glass; you are of type {person.type.value}."
            raise refuse("FORBIDDEN", told)
        if not self.policies.holds(person, BREAK_GLASS_ROLE):
            raise refuse("FORBIDDEN", f"This needs the role {BREAK_GLASS_ROLE!r}.")


def _warn(execution_id: str, step_id: str, approval_id: str) -> None:
    """Who did it and why stands in the journal: names and reasons belong in no log."""
    told = "break-glass: the approvers of step %s of execution %s were overridden (%s)"
    _log.warning(told, step_id, execution_id, approval_id)
