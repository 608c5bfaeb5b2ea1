"""What a run may do next: a pure function of its plan, its steps, its approvals and the time."""

from collections.abc import Collection, Mapping

from msgspec import Struct

from gateway.model.execution import Approval, ApprovalStatus, ExecutionStatus, Step, StepStatus
from gateway.model.plan import Plan, PlanStep

_ENDS: Mapping[StepStatus, ExecutionStatus] = {
    StepStatus.FAILED: ExecutionStatus.FAILED,
    StepStatus.REJECTED: ExecutionStatus.REJECTED,
    StepStatus.EXPIRED: ExecutionStatus.EXPIRED,
}
"""How a run ends when a step of it ended so."""

_DONE = frozenset({StepStatus.COMPLETED, StepStatus.SKIPPED})
_UNSENT = frozenset({StepStatus.PLANNED, StepStatus.READY})


class Moves(Struct, frozen=True):
    """The next moves of a run.

    ``orphans`` are attempts that nobody is making any more, ``expired`` requests that nobody
    decided in time, ``escalated`` those that a further role may decide from now on, ``start`` the
    steps to dispatch (or to ask for), in plan order. When none of these is left and nothing is in
    flight, the run has ended as ``end``, or it waits in the state ``parked`` until ``wake_at`` or
    until somebody acts. ``gate`` is what its lane lacks where only that keeps it from completing.
    """

    orphans: tuple[Step, ...] = ()
    expired: tuple[Approval, ...] = ()
    escalated: tuple[Approval, ...] = ()
    start: tuple[PlanStep, ...] = ()
    end: ExecutionStatus | None = None
    parked: ExecutionStatus = ExecutionStatus.RUNNING
    wake_at: str | None = None
    gate: str | None = None


def next_moves(
    plan: Plan,
    steps: Mapping[str, Step],
    approvals: Mapping[str, Approval],
    in_flight: Collection[str],
    now: str,
    *,
    paused: bool = False,
    stopping: bool = False,
) -> Moves:
    """The next moves; ``steps`` and ``approvals`` are by step id, ``in_flight`` are step ids.

    A ``paused`` run starts nothing, but it ends where its steps end it, and requests expire on
    time. One that is ``stopping`` ends as soon as nothing is in flight.
    """
    orphans = tuple(
        step
        for step in steps.values()
        if step.status is StepStatus.DISPATCHED and step.id not in in_flight
    )
    if orphans:
        return Moves(orphans=orphans)
    if stopping:
        return Moves(end=None if in_flight else ExecutionStatus.CANCELLED)
    ended = next((step for step in steps.values() if step.status in _ENDS), None)
    if ended is not None:
        # A failure stops what has not begun; what is in flight is awaited, never cut.
        return Moves(end=None if in_flight else _ENDS[ended.status])
    if all(step.status in _DONE for step in steps.values()):
        return Moves(end=ExecutionStatus.COMPLETED)
    overdue = _overdue(approvals, now)
    if overdue is not None:
        return overdue
    if paused:
        return Moves(parked=ExecutionStatus.PAUSED, wake_at=_wake_at({}, approvals))
    return Moves(
        start=tuple(step for step in plan.steps if _may_start(step, plan, steps, approvals, now)),
        parked=_parked(steps),
        wake_at=_wake_at(steps, approvals),
    )


def _overdue(approvals: Mapping[str, Approval], now: str) -> Moves | None:
    """The moves of requests whose deadline has come; None while none has."""
    pending = [item for item in approvals.values() if item.status is ApprovalStatus.PENDING]
    expired = tuple(approval for approval in pending if approval.expires_at <= now)
    if expired:
        return Moves(expired=expired)
    escalated = tuple(
        approval for approval in pending if (moment := _escalates_at(approval)) and moment <= now
    )
    return Moves(escalated=escalated) if escalated else None


def _may_start(
    step: PlanStep,
    plan: Plan,
    steps: Mapping[str, Step],
    approvals: Mapping[str, Approval],
    now: str,
) -> bool:
    state = steps[step.id]
    if state.status is StepStatus.WAITING_APPROVAL:
        # A pending request is looked at again: policy may have changed since it was made.
        return step.id in approvals
    if state.status not in _UNSENT or _is_put_off(state, now):
        return False
    return all(steps[plan.by_key[key].id].status in _DONE for key in step.depends_on)


def _is_put_off(state: Step, now: str) -> bool:
    """Whether a step waits for its next attempt; not where that was said at a later time than
    ``now``, before the clock went back, for that time may be far away."""
    return state.retry_at is not None and state.updated_at <= now < state.retry_at


def _parked(steps: Mapping[str, Step]) -> ExecutionStatus:
    statuses = {step.status for step in steps.values()}
    if StepStatus.WAITING_APPROVAL in statuses:
        return ExecutionStatus.WAITING_APPROVAL
    if any(step.retry_at for step in steps.values() if step.status is StepStatus.READY):
        return ExecutionStatus.RUNNING
    if StepStatus.UNRESOLVED in statuses:
        return ExecutionStatus.UNRESOLVED
    return ExecutionStatus.RUNNING


def _wake_at(steps: Mapping[str, Step], approvals: Mapping[str, Approval]) -> str | None:
    retries = [
        step.retry_at
        for step in steps.values()
        if step.status is StepStatus.READY and step.retry_at
    ]
    deadlines = [
        _escalates_at(approval) or approval.expires_at
        for approval in approvals.values()
        if approval.status is ApprovalStatus.PENDING
    ]
    return min([*retries, *deadlines], default=None)


def _escalates_at(approval: Approval) -> str | None:
    """When a pending request escalates, None where it never does or has done so."""
    return approval.escalate_at if approval.escalated_at is None else None
