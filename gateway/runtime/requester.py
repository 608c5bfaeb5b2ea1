"""The requester of a run: whoever submitted its intent, and what they must be allowed."""

from gateway.model.contract import OperationContract
from gateway.model.decision import AccessDecision
from gateway.model.principal import Principal
from gateway.policy import Policies
from gateway.policy.requesting import refusal

REQUESTER_ROLE = "user"
"""What a requester must hold, whatever level the contracts of the steps ask for."""


def requester_access(
    policies: Policies, requester: Principal, contract: OperationContract
) -> AccessDecision:
    """Whether steps of this contract may be run for the requester."""
    access = policies.access(requester, contract)
    if not access.allowed or policies.holds(requester, REQUESTER_ROLE):
        return access
    return access._replace(
        allowed=False,
        reason=refusal(contract, REQUESTER_ROLE),
        rule=None,
        missing=(f"role {REQUESTER_ROLE}",),
    )
