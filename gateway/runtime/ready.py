"""A step that is ready, and the exact action that it would be: what dispatch decides on."""

from msgspec import Struct

from gateway.model.contract import OperationContract
from gateway.model.decision import AccessDecision, VerdictDecision
from gateway.model.execution import Approval, Execution, Step
from gateway.model.json import JsonObject
from gateway.model.plan import PlanStep
from gateway.model.ports import Sealer
from gateway.model.sealing import seal_paths
from gateway.runtime.memory import RunMemory


class Ready(Struct, frozen=True):
    """A step that may be dispatched; ``approval`` is the request that it waits for, if any."""

    execution: Execution
    memory: RunMemory
    step: PlanStep
    state: Step
    approval: Approval | None = None


class Action(Struct, frozen=True):
    """One exact action: a contract with its resolved input (raw), and what policy says of it."""

    contract: OperationContract
    value: JsonObject
    access: AccessDecision
    decision: VerdictDecision


def sealed_input(sealer: Sealer, ready: Ready, value: JsonObject) -> JsonObject:
    """The resolved input of a step as it may be stored."""
    step, owner = ready.step, ready.execution.owner
    return seal_paths(sealer, owner, step.contract, "input", value, step.pii, subject=step.subject)
