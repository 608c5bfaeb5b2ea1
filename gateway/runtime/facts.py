"""The facts of the loop: one function for each kind of journal entry that the runtime appends.

The shape of every body is fixed here and read by the projections.
"""

from collections.abc import Mapping

from gateway.model.decision import AccessDecision
from gateway.model.entry import EntryType, NewEntry
from gateway.model.execution import Approval, Execution, ExecutionStatus, Step, StepStatus
from gateway.model.json import JsonObject
from gateway.model.plan import Plan, PlanStep
from gateway.model.problem import Problem
from gateway.runtime.attempt import Attempt
from gateway.runtime.doubt import in_doubt

_UNSENT = frozenset({StepStatus.PLANNED, StepStatus.READY, StepStatus.WAITING_APPROVAL})
_ENDABLE = _UNSENT | {StepStatus.REJECTED, StepStatus.EXPIRED}


def fact(
    execution: Execution, kind: EntryType, body: JsonObject, actor: str = "", **more: object
) -> NewEntry:
    """An entry on the chain of ``execution``; members of ``more`` that are None are left out."""
    told = {**body, **{key: value for key, value in more.items() if value is not None}}
    return NewEntry(kind, execution.workspace, told, execution.id, actor)


def step_fact(
    execution: Execution,
    kind: EntryType,
    step_id: str,
    body: JsonObject,
    actor: str = "",
    **more: object,
) -> NewEntry:
    """An entry about one step of the execution's plan."""
    named = {"planId": execution.plan_id, "stepId": step_id, **body}
    return fact(execution, kind, named, actor, **more)


def plan_compiled(
    execution: Execution, plan: Plan, compiler: str, planner_model: str | None, lane: str | None
) -> NewEntry:
    """A plan was compiled; ``plan`` is sealed, ``lane`` is the one that its draft names."""
    return fact(
        execution,
        EntryType.PLAN_COMPILED,
        {
            "planId": plan.id,
            "hash": plan.hash,
            "steps": [step.to_json() for step in plan.steps],
            "edges": [[edge.source, edge.target, edge.path] for edge in plan.edges],
            "compiler": compiler,
            "plannerModel": planner_model,
            "compensate": plan.compensate,
        },
        actor=compiler,
        lane=lane,
    )


def step_dispatched(
    execution: Execution,
    attempt: Attempt,
    *,
    sealed_input: JsonObject,
    decision: JsonObject,
    access: AccessDecision,
    approval_id: str | None,
    grant_id: str | None,
    status: ExecutionStatus | None,
) -> NewEntry:
    """An attempt is about to be made: written before the call, so that none goes unseen."""
    step = attempt.step
    return step_fact(
        execution,
        EntryType.STEP_DISPATCHED,
        step.id,
        {
            "key": step.key,
            "contract": step.contract,
            "attempt": attempt.number,
            "epoch": attempt.epoch,
            "input": sealed_input,
            "decision": decision,
            "access": access.to_json(),
            "idempotencyKey": attempt.idempotency_key,
        },
        approvalId=approval_id,
        grantId=grant_id,
        executionStatus=status.value if status else None,
        base=attempt.base or None,
    )


def step_settled(
    execution: Execution, kind: EntryType, step_id: str, attempt: int, epoch: int, **more: object
) -> NewEntry:
    """What came of an attempt."""
    body = {"attempt": attempt, "epoch": epoch}
    return step_fact(execution, kind, step_id, body, "", **more)


def step_blocked(
    execution: Execution,
    step_id: str,
    problem: Problem,
    decision: JsonObject | None,
    access: AccessDecision | None,
    sealed_input: JsonObject | None,
) -> NewEntry:
    """A step may not run: decided at its dispatch, by access or on its resolved input."""
    body = {
        "problem": problem.to_json(),
        "decision": decision,
        "access": access.to_json() if access else None,
    }
    return step_fact(execution, EntryType.STEP_BLOCKED, step_id, body, input=sealed_input)


def approval_requested(
    execution: Execution, step: PlanStep, approval_id: str, risk: str, asked: JsonObject
) -> NewEntry:
    """A human is asked; ``asked`` holds digest, sealed arguments, decision and expiry, whom
    separation of duties excludes, the requester's roles and when it escalates to whom, and the
    reason where that is not only the decision's."""
    decision = asked["decision"]
    body = {
        "approvalId": approval_id,
        "contract": step.contract,
        "risk": risk,
        "reason": " ".join(decision["reasons"]),
        "approverRole": decision["approverRole"],
        "quorum": decision["quorum"],
        "requestedBy": execution.submitter.subject,
        **asked,
    }
    return step_fact(execution, EntryType.APPROVAL_REQUESTED, step.id, body)


def approval_voided(
    execution: Execution, approval: Approval, reason: str, step_status: StepStatus
) -> NewEntry:
    """An approval request no longer stands."""
    body = {"approvalId": approval.id, "reason": reason, "stepStatus": step_status.value}
    return step_fact(execution, EntryType.APPROVAL_VOIDED, approval.step_id, body)


def approval_escalated(execution: Execution, approval: Approval) -> NewEntry:
    """Nobody decided until the deadline: holders of a further role may decide from now on."""
    role = approval.escalate_to
    body = {
        "approvalId": approval.id,
        "role": role,
        "reason": f"{approval.reason} Nobody has decided it; people with the role {role} may too.",
    }
    return step_fact(execution, EntryType.APPROVAL_ESCALATED, approval.step_id, body)


def approval_expired(execution: Execution, approval: Approval) -> NewEntry:
    """Nobody decided in time."""
    body = {"approvalId": approval.id}
    return step_fact(execution, EntryType.APPROVAL_EXPIRED, approval.step_id, body)


def run_waiting(
    execution: Execution, status: ExecutionStatus, wake_at: str | None, gate: str | None = None
) -> NewEntry:
    """Nothing moves until somebody acts or ``wake_at`` comes; ``gate`` is what its lane lacks."""
    body = {"executionStatus": status.value, "wakeAt": wake_at}
    return fact(execution, EntryType.RUN_WAITING, body, gate=gate)


def lane_assigned(execution: Execution, lane: str, by: str) -> NewEntry:
    """The execution is in this lane now."""
    body = {"laneKey": lane}
    return fact(execution, EntryType.LANE_ASSIGNED, body, actor=by, **{"from": execution.lane})


def run_ended(
    execution: Execution,
    status: ExecutionStatus,
    steps: Mapping[str, StepStatus],
    problem: JsonObject | None,
    actor: str = "",
    **more: object,
) -> NewEntry:
    """The run is over; ``steps`` are those that will never run, with what became of them."""
    return fact(
        execution,
        EntryType.RUN_ENDED,
        {
            "runId": execution.run_id,
            "planId": execution.plan_id,
            "executionStatus": status.value,
            "steps": {step_id: state.value for step_id, state in steps.items()},
        },
        actor=actor,
        problem=problem,
        **more,
    )


def run_steered(
    execution: Execution,
    kind: EntryType,
    by: str,
    *,
    reason: str | None = None,
    status: ExecutionStatus | None = None,
    **more: object,
) -> NewEntry:
    """Somebody steered the run; ``status`` is what it became."""
    told = status.value if status else None
    body = {"runId": execution.run_id, "planId": execution.plan_id}
    return fact(execution, kind, body, by, reason=reason, executionStatus=told, **more)


def unfinished(steps: Mapping[str, Step]) -> dict[str, StepStatus]:
    """The steps that are never sent (again): cancelled, or unresolved where one is in doubt.

    That people rejected another attempt, or let its request expire, settles no earlier one.
    """
    never = {}
    for step in steps.values():
        if step.status in _ENDABLE and in_doubt(step):
            never[step.id] = StepStatus.UNRESOLVED
        elif step.status in _UNSENT:
            never[step.id] = StepStatus.CANCELLED
    return never
