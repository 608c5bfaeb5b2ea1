"""Standing grants: issued and revoked by people, used on dispatch in place of one approver.

A grant is consent given beforehand, so whatever a person's consent needs it needs as well, at the
moment of its use: the role that policy names then, and no part in bringing the action about.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.model.contract import OperationContract
from gateway.model.entry import EntryType, NewEntry
from gateway.model.execution import RunMode
from gateway.model.grant import MAX_ACTIVE_GRANTS, Grant, GrantStatus
from gateway.model.json import JsonObject
from gateway.model.pii import Owner
from gateway.model.ports import Sealer, Tx
from gateway.model.principal import Principal, PrincipalType, is_among
from gateway.model.problem import refuse
from gateway.model.sealing import unseal_all
from gateway.policy import Policies
from gateway.runtime import facts
from gateway.runtime.patterns import matches, seal_pattern
from gateway.runtime.ready import Action, Ready
from gateway.runtime.separation import with_a_part

ISSUER_ROLE = "approver"
"""What whoever issues a grant must hold, whatever role its uses will ask for."""


@dataclass(frozen=True, slots=True)
class GrantTerms:
    """What a grant is to stand for; ``arguments`` is a checked pattern (raw)."""

    contract: OperationContract
    arguments: JsonObject
    requester: str | None
    requester_type: PrincipalType | None
    max_uses: int
    expires_at: str
    reason: str


@dataclass(frozen=True, slots=True)
class Allowance:
    """A grant that lets an attempt go; ``fresh`` where this takes one of its uses."""

    grant: Grant
    fresh: bool

    def as_fact(self, ready: Ready) -> NewEntry:
        """The use as it is recorded, together with the attempt."""
        body = {
            "grantId": self.grant.id,
            "attempt": ready.state.attempt + 1,
            "uses": self.grant.uses + 1,
            "maxUses": self.grant.max_uses,
            "issuer": self.grant.issuer.subject,
        }
        return facts.step_fact(ready.execution, EntryType.GRANT_USED, ready.step.id, body)


@dataclass(frozen=True, slots=True)
class Grants:
    """Issues, revokes and uses standing grants."""

    policies: Policies
    sealer: Sealer
    new_grant_id: Callable[[], str]

    def require_issuer(self, person: Principal) -> None:
        """Refuse who may not issue grants.

        Raises:
            ProblemError: FORBIDDEN.
        """
        if person.type is not PrincipalType.HUMAN:
            told = f"Only people issue grants; you are of type {person.type.value}."
            raise refuse("FORBIDDEN", told)
        if not self.policies.holds(person, ISSUER_ROLE):
            raise refuse("FORBIDDEN", f"Issuing a grant needs the role {ISSUER_ROLE!r}.")

    def issue(self, tx: Tx, issuer: Principal, terms: GrantTerms) -> str:
        """Record a grant; returns its id.

        Raises:
            ProblemError: FORBIDDEN for who may not issue it, LIMIT_EXCEEDED where as many grants
                for the contract are active as may be.
        """
        self.require_issuer(issuer)
        contract, workspace = terms.contract, issuer.workspace
        active = tx.active_grants(workspace, contract.ref, tx.now)
        if len(active) >= MAX_ACTIVE_GRANTS:
            told = f"{MAX_ACTIVE_GRANTS} grants for {contract.ref} are active. Revoke some first."
            raise refuse("LIMIT_EXCEEDED", told)
        grant_id = self.new_grant_id()
        owner = Owner(workspace, f"grant/{grant_id}")
        body = {
            "grantId": grant_id,
            "contract": contract.ref,
            "contractDigest": contract.digest,
            "requester": terms.requester,
            "requesterType": terms.requester_type.value if terms.requester_type else None,
            "arguments": seal_pattern(self.sealer, owner, contract, terms.arguments),
            "maxUses": terms.max_uses,
            "expiresAt": terms.expires_at,
            "issuer": issuer.to_json(),
            "reason": terms.reason,
            "policyRevision": self.policies.revision,
        }
        tx.append(NewEntry(EntryType.GRANT_ISSUED, workspace, body, actor=issuer.subject))
        return grant_id

    def revoke(self, tx: Tx, person: Principal, grant_id: str, reason: str | None) -> None:
        """End a grant: no dispatch from now on uses it.

        Raises:
            ProblemError: NOT_FOUND, or CONFLICT where it is not active any more.
        """
        grant = tx.grant(person.workspace, grant_id)
        if grant is None:
            told = f"There is no grant {grant_id} in this workspace. See controlPlaneGrantList."
            raise refuse("NOT_FOUND", told)
        status = grant.status(tx.now)
        if status is not GrantStatus.ACTIVE:
            state = status.value.upper()
            told = f"Grant {grant_id} is {state}, so there is nothing to revoke."
            raise refuse("CONFLICT", told, extra={"currentStatus": state})
        body = {"grantId": grant_id, "by": person.subject, "reason": reason}
        entry = NewEntry(EntryType.GRANT_REVOKED, person.workspace, body, actor=person.subject)
        tx.append(entry)

    def allowance(self, tx: Tx, ready: Ready, action: Action) -> Allowance | None:
        """The grant that stands in for the approver of this action, if there is one.

        An attempt that repeats one of the same round takes no further use. A run in assist mode
        wants to be asked, and so does a contract that escalates every call; no grant replaces one
        of several people.
        """
        asked = ready.execution.mode is RunMode.ASSIST or action.contract.policy.escalate
        if asked or action.decision.quorum != 1:
            return None
        repeated = self._used_before(tx, ready)
        if repeated is not None and self._stands(tx, repeated, ready, action):
            return Allowance(repeated, fresh=False)
        found = tx.active_grants(ready.execution.workspace, action.contract.ref, tx.now)
        fitting = (grant for grant in found if self._stands(tx, grant, ready, action))
        grant = next(fitting, None)
        return Allowance(grant, fresh=True) if grant else None

    def _used_before(self, tx: Tx, ready: Ready) -> Grant | None:
        """The grant that an earlier attempt of this round used, unless it was revoked since."""
        use = tx.grant_use(ready.execution.id, ready.step.id)
        if use is None or use.attempt <= ready.state.base:
            return None
        grant = tx.grant(ready.execution.workspace, use.grant_id)
        return grant if grant is not None and grant.revoked_at is None else None

    def _stands(self, tx: Tx, grant: Grant, ready: Ready, action: Action) -> bool:
        """Whether the grant is for this action, and its issuer could approve it now."""
        requester = ready.execution.submitter
        if grant.contract_digest != action.contract.digest:
            return False
        if grant.requester not in (None, requester.subject):
            return False
        if grant.requester_type not in (None, requester.type):
            return False
        if not self.policies.holds(grant.issuer, action.decision.approver_role):
            return False
        if is_among(grant.issuer.subject, with_a_part(tx, ready.execution)):
            return False
        try:
            pattern = unseal_all(self.sealer, grant.workspace, grant.arguments)
        except ValueError:  # what cannot be read stands for nothing
            return False
        return matches(action.contract, pattern, action.value)
