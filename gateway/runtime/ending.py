"""The end of a run: open requests become void, and steps that were not sent never are."""

from collections.abc import Mapping

from gateway.model.execution import (
    Approval,
    ApprovalStatus,
    Execution,
    ExecutionStatus,
    Step,
    StepStatus,
)
from gateway.model.json import JsonObject
from gateway.model.ports import Records, Tx
from gateway.runtime import facts

_ASKED = (StepStatus.WAITING_APPROVAL, StepStatus.READY)
_STANDING = (ApprovalStatus.PENDING, ApprovalStatus.APPROVED)


def end_run(
    tx: Tx,
    execution: Execution,
    steps: Mapping[str, Step],
    status: ExecutionStatus,
    problem: JsonObject | None,
    actor: str = "",
    **more: object,
) -> None:
    """End a run as ``status``; ``more`` are members of the entry, such as a ``reason``."""
    for step in steps.values():
        approval = tx.approval(execution.id, step.id) if step.status in _ASKED else None
        if approval is not None and approval.status in _STANDING:
            why = f"The execution became {status.value.upper()}."
            tx.append(facts.approval_voided(execution, approval, why, StepStatus.CANCELLED))
    never = facts.unfinished(steps)
    tx.append(facts.run_ended(execution, status, never, problem, actor, **more))


def waiting_approvals(
    records: Records, execution: Execution, steps: Mapping[str, Step]
) -> dict[str, Approval]:
    """The requests of the steps that wait for one, by step id."""
    found = {
        step.id: records.approval(execution.id, step.id)
        for step in steps.values()
        if step.status is StepStatus.WAITING_APPROVAL
    }
    return {step_id: approval for step_id, approval in found.items() if approval is not None}
