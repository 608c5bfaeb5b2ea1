"""The gate: whether people have consented to exactly this action, or have to be asked.

Consent binds to a digest of the action, is used by one dispatch, and is looked at again in the
transaction that dispatches. A standing grant is consent given beforehand: it is looked for where
somebody would be asked, and leaves alone what was asked already.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.model.execution import Approval, ApprovalStatus, StepStatus
from gateway.model.json import JsonObject, JsonValue
from gateway.model.ports import Sealer, Tx
from gateway.model.sealing import commit_paths, unseal_all
from gateway.model.time import after
from gateway.policy import Policies
from gateway.runtime import facts
from gateway.runtime.consent import lost_consent
from gateway.runtime.doubt import in_doubt
from gateway.runtime.grants import Allowance, Grants
from gateway.runtime.hashing import action_digest
from gateway.runtime.ready import Action, Ready, sealed_input
from gateway.runtime.separation import with_a_part

_DOUBT = "Nobody knows whether an earlier attempt of it had its effect already."
"""What whoever is asked for an action anew has to know of it."""

_CONSENTED = (ApprovalStatus.APPROVED, ApprovalStatus.USED)


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets an action pass that was approved, and asks for any other."""

    policies: Policies
    sealer: Sealer
    grants: Grants
    new_approval_id: Callable[[], str]

    def pass_or_ask(self, tx: Tx, ready: Ready, action: Action) -> Approval | Allowance | bool:
        """The consent to exactly this action, if there is one.

        Else True where it was asked for (again), or False where the request still waits.
        """
        approval = ready.approval or _given_before(tx, ready)
        if approval is not None:
            reason = self._void_reason(tx, ready, action, approval)
            if reason is None:
                return approval if approval.status in _CONSENTED else False
            tx.append(facts.approval_voided(ready.execution, approval, reason, StepStatus.READY))
        allowance = self.grants.allowance(tx, ready, action)
        if allowance is not None:
            return allowance
        self._ask(tx, ready, action)
        return True

    def _void_reason(self, tx: Tx, ready: Ready, action: Action, approval: Approval) -> str | None:
        if self._digest(ready, action, approval.expires_at) != approval.digest:
            changed = ", ".join(self._changes(ready, action, approval))
            return f"What was asked has changed: {changed}."
        if approval.status is ApprovalStatus.APPROVED and approval.expires_at <= tx.now:
            return f"It was approved, but not used before it expired at {approval.expires_at}."
        if approval.status in _CONSENTED:
            lost = lost_consent(tx, self.policies, approval)
            return None if lost is None else f"Who approved it could not do so now: {lost}"
        return None

    def _changes(self, ready: Ready, action: Action, approval: Approval) -> list[str]:
        """What is not as it was asked, in words and without values of arguments."""
        found = decision_changes(approval.decision, action.decision.to_json())
        before, now = set(approval.requester_roles), set(self._requester_roles(ready))
        if before and before != now:
            lost = [f"without {role}" for role in sorted(before - now)]
            gained = [f"with {role}" for role in sorted(now - before)]
            found.append(f"the grants of the requester (now {', '.join([*lost, *gained])})")
        if self._asked_arguments(approval) != action.value:
            found.append("the arguments")
        return found or ["the run, the step or the round of attempts that it was for"]

    def _asked_arguments(self, approval: Approval) -> JsonValue:
        try:
            return unseal_all(self.sealer, approval.workspace, approval.arguments)
        except ValueError:
            return None

    def _requester_roles(self, ready: Ready) -> list[str]:
        return sorted(self.policies.roles(ready.execution.submitter))

    def _ask(self, tx: Tx, ready: Ready, action: Action) -> None:
        decision = action.decision
        expires_at = after(tx.now, decision.expires_in)
        asked = {
            "digest": self._digest(ready, action, expires_at),
            "arguments": sealed_input(self.sealer, ready, action.value),
            "decision": decision.to_json(),
            "expiresAt": expires_at,
            "excluded": sorted(with_a_part(tx, ready.execution)),
            "requesterRoles": self._requester_roles(ready),
        }
        if in_doubt(ready.state):
            asked["reason"] = " ".join((*decision.reasons, _DOUBT))
        if decision.escalate_after is not None:
            asked["escalateAt"] = after(tx.now, decision.escalate_after)
            asked["escalateTo"] = decision.escalate_to
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
            requester_roles=self._requester_roles(ready),
            expires_at=expires_at,
            base=ready.state.base,
        )


def decision_changes(before: JsonObject, now: JsonObject) -> list[str]:
    """What policy decides otherwise than it did, in words."""
    found = []
    if [rule["rule"] for rule in before["rules"]] != [rule["rule"] for rule in now["rules"]]:
        where = ", ".join(rule["at"] for rule in now["rules"]) or "none"
        found.append(f"the policy rule (now {where})")
    for name, said in _TERMS.items():
        if before.get(name) != now.get(name):
            was, is_now = (_term(name, told.get(name)) for told in (before, now))
            found.append(f"{said} (it was {was}, now {is_now})")
    return found


def _term(name: str, value: JsonValue) -> str:
    if value is None or value == "":
        return "none"
    return _lasting(float(str(value))) if name in _LENGTHS else str(value)


def _lasting(seconds: float) -> str:
    """A length of time in the largest unit that it is a whole number of; days begin at two."""
    for least, size, unit in ((172_800, 86_400, "day"), (3_600, 3_600, "hour"), (60, 60, "minute")):
        if seconds >= least and seconds % size == 0:
            many = int(seconds // size)
            return f"{many} {unit}{'' if many == 1 else 's'}"
    return f"{seconds:g} seconds"


_TERMS = {
    "verdict": "the verdict",
    "approverRole": "the approver role",
    "quorum": "the quorum",
    "expiresIn": "the time that a request stands",
    "escalateAfter": "the time before it escalates",
    "escalateTo": "the role that it escalates to",
}
"""Members of a decision that a request is bound to, in words."""

_LENGTHS = ("expiresIn", "escalateAfter")
"""Those that are counted in seconds."""


def unused_consent(tx: Tx, ready: Ready) -> Approval | None:
    """The consent that a step was given, if it has waited for its rate limit since then."""
    if ready.state.retry_at is None:
        return None
    found = tx.approval(ready.execution.id, ready.step.id)
    return found if found and found.status is ApprovalStatus.APPROVED else None


def _given_before(tx: Tx, ready: Ready) -> Approval | None:
    """The consent to this very step that an earlier attempt of this round had, if any.

    What was used before an operator had the step tried again is used up.
    """
    found = tx.approval(ready.execution.id, ready.step.id)
    if found is None or found.status not in _CONSENTED:
        return None
    again = ready.state.attempt > ready.state.base
    return found if again or found.status is ApprovalStatus.APPROVED else None
