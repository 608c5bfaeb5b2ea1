"""The gate: whether people have consented to exactly this action, or have to be asked.

Consent binds to a digest of the action, is used by one dispatch, and is looked at again in the
transaction that dispatches.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.model.execution import Approval, ApprovalStatus, StepStatus
from gateway.model.ports import Sealer, Tx
from gateway.model.sealing import commit_paths
from gateway.model.time import after
from gateway.runtime import facts
from gateway.runtime.hashing import action_digest
from gateway.runtime.ready import Action, Ready, sealed_input

_CONSENTED = (ApprovalStatus.APPROVED, ApprovalStatus.USED)


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets an action pass that was approved, and asks for any other."""

    sealer: Sealer
    new_approval_id: Callable[[], str]

    def pass_or_ask(self, tx: Tx, ready: Ready, action: Action) -> Approval | bool:
        """The consent to exactly this action, if there is one.

        Else True where it was asked for (again), or False where the request still waits.
        """
        approval = ready.approval or _given_before(tx, ready)
        if approval is not None:
            reason = self._void_reason(tx, ready, action, approval)
            if reason is None:
                return approval if approval.status in _CONSENTED else False
            tx.append(facts.approval_voided(ready.execution, approval, reason, StepStatus.READY))
        self._ask(tx, ready, action)
        return True

    def _void_reason(self, tx: Tx, ready: Ready, action: Action, approval: Approval) -> str | None:
        if self._digest(ready, action, approval.expires_at) != approval.digest:
            return "What was asked has changed: policy, grants or arguments differ."
        if approval.status is ApprovalStatus.APPROVED and approval.expires_at <= tx.now:
            return f"It was approved, but not used before it expired at {approval.expires_at}."
        return None

    def _ask(self, tx: Tx, ready: Ready, action: Action) -> None:
        expires_at = after(tx.now, action.decision.expires_in)
        asked = {
            "digest": self._digest(ready, action, expires_at),
            "arguments": sealed_input(self.sealer, ready, action),
            "decision": action.decision.to_json(),
            "expiresAt": expires_at,
        }
        approval_id, risk = self.new_approval_id(), action.contract.risk.value
        tx.append(facts.approval_requested(ready.execution, ready.step, approval_id, risk, asked))

    def _digest(self, ready: Ready, action: Action, expires_at: str) -> str:
        execution, step = ready.execution, ready.step
        return action_digest(
            execution_id=execution.id,
            run_id=ready.memory.run_id,
            hashed=ready.memory.plan.hash,
            step=step,
            arguments=commit_paths(self.sealer, execution.workspace, action.value, step.pii),
            decision=action.decision.to_json(),
            expires_at=expires_at,
        )


def _given_before(tx: Tx, ready: Ready) -> Approval | None:
    """The consent to this very step that an earlier attempt had, if any."""
    found = tx.approval(ready.execution.id, ready.step.id)
    return found if found is not None and found.status in _CONSENTED else None
