"""What whoever has an action run must hold besides what the rules ask for.

The rules say who may call a contract; the execution that performs it runs for nobody without one
more role, which the loop names. Whoever is told beforehand what would become of a call is told of
that too.
"""

from gateway.model.contract import OperationContract
from gateway.model.decision import Verdict, VerdictDecision
from gateway.model.principal import Principal
from gateway.policy.revision import PolicyRevision


def lacks_role(
    revision: PolicyRevision, principal: Principal, contract: OperationContract, role: str
) -> bool:
    """True where the execution of a call would be blocked for want of ``role``; an empty one is
    asked of nobody."""
    is_executed = contract.handler is not None and contract.is_command
    return is_executed and bool(role) and not revision.holds(principal, role)


def refusal(contract: OperationContract, role: str) -> str:
    """The sentence that it is blocked with."""
    return f"Whoever has {contract.key} run needs the role {role}."


def blocked_for(
    decided: VerdictDecision, contract: OperationContract, role: str
) -> VerdictDecision:
    """What is decided in the place of ``decided`` where the role lacks."""
    return VerdictDecision(
        decided.decision_id, Verdict.BLOCKED, (refusal(contract, role),), decided.revision
    )
