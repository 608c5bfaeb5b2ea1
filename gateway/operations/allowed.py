"""allowedActions: what would succeed if the caller asked for it now.

Access comes from the same decision point as the calls themselves, the rest from the tables and
checks that those calls are held to. Nobody needs to ask for more than is listed.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from gateway.model.decision import Verdict
from gateway.model.execution import Approval, Execution, ExecutionStatus, Step, StepStatus
from gateway.model.operator import OperatorCommand
from gateway.model.ports import Records
from gateway.model.principal import Principal
from gateway.model.problem import ProblemError
from gateway.model.time import stamp
from gateway.operations.common import opened
from gateway.runtime import Loop, lane_standing, require_plan

_PLANNING = {
    "controlPlane.plan.compile": (
        ExecutionStatus.RECEIVED,
        ExecutionStatus.COMPILED,
        ExecutionStatus.VERIFIED,
    ),
    "controlPlane.plan.verify": (ExecutionStatus.COMPILED, ExecutionStatus.VERIFIED),
    "controlPlane.execution.lane.assign": (
        ExecutionStatus.RECEIVED,
        ExecutionStatus.COMPILED,
        ExecutionStatus.VERIFIED,
    ),
}
"""What is done before a start, and in which states; none of it to a direct call."""

_START = "controlPlane.execution.start"
_EXPORT = "controlPlane.execution.evidence.export"
_ATTACH = "controlPlane.evidence.attach"
_LANE_APPROVE = "controlPlane.execution.lane.approve"
_HAND_OVER = "controlPlane.execution.lane.handover"
_RECONCILE = "controlPlane.step.reconcile"
_APPROVE = "controlPlane.execution.approve"
_REJECT = "controlPlane.execution.reject"
_DECIDE = "controlPlane.approval.decide"
_BREAK_GLASS = "controlPlane.execution.breakGlass"

_COMMANDS: Mapping[OperatorCommand, str] = {
    command: f"controlPlane.execution.{command.value}"
    for command in OperatorCommand
    if command is not OperatorCommand.RECONCILE
}


class AllowedActions:
    """What one caller could do, by the records of one moment.

    Each list holds keys of operation contracts, sorted. ``records`` must be of one snapshot.
    """

    def __init__(self, loop: Loop, records: Records, principal: Principal) -> None:
        self._loop = loop
        self._records = records
        self._principal = principal
        self._now = stamp(loop.clock.now())

    def on_execution(self, execution: Execution, steps: Sequence[Step] | None = None) -> list[str]:
        """What the caller could do to an execution and its run; ``steps`` where they are known."""
        if steps is None:
            steps = self._records.steps(execution.plan_id) if execution.plan_id else []
        return self._permitted(
            *self._before_the_start(execution),
            *self._to_the_run(execution, steps),
            *self._in_the_lane(execution),
        )

    def on_step(self, execution: Execution, step: Step) -> list[str]:
        """What the caller could do to one step of the present plan."""
        found: list[str] = []
        if step.plan_id == execution.plan_id:
            if step.status is StepStatus.UNRESOLVED and self._may(
                OperatorCommand.RECONCILE, execution, [step]
            ):
                found.append(_RECONCILE)
            if step.status is StepStatus.WAITING_APPROVAL:
                approval = self._records.approval(execution.id, step.id)
                if approval is not None:
                    return self._permitted(*self._decisions(execution, approval))
        return self._permitted(*found)

    def on_approval(self, execution: Execution, approval: Approval) -> list[str]:
        """What the caller could do to an approval request."""
        return self._permitted(*self._decisions(execution, approval))

    def _permitted(self, *keys: str) -> list[str]:
        return sorted(key for key in keys if key in self._accessible)

    @cached_property
    def _accessible(self) -> frozenset[str]:
        """The operations that policy lets the caller call."""
        keys = {
            *_PLANNING, *_COMMANDS.values(), _START, _EXPORT, _ATTACH, _LANE_APPROVE, _HAND_OVER,
            _RECONCILE, _APPROVE, _REJECT, _DECIDE, _BREAK_GLASS,
        }  # fmt: skip
        contracts = (self._loop.registry.resolve(key) for key in keys)
        access = self._loop.policies.access
        return frozenset(
            contract.key
            for contract in contracts
            if contract is not None and access(self._principal, contract).allowed
        )

    def _before_the_start(self, execution: Execution) -> Iterator[str]:
        if execution.direct:
            return
        for key, statuses in _PLANNING.items():
            if execution.status in statuses:
                yield key
        if execution.status is ExecutionStatus.VERIFIED and self._can_start(execution):
            yield _START

    def _can_start(self, execution: Execution) -> bool:
        """Whether the plan would start: its contracts are there and policy still lets it."""
        loop = self._loop
        try:
            record = require_plan(self._records, execution, None)
            loop.verifier.contracts(record.plan, loop.registry.of(execution.workspace))
            if record.revision == loop.policies.revision:
                return True
            plan = opened(loop, execution, record)
            found = loop.verifier.verify(plan, execution.submitter)
        except ProblemError:
            return False
        return found.verdict is not Verdict.BLOCKED

    def _to_the_run(self, execution: Execution, steps: Sequence[Step]) -> Iterator[str]:
        allowed = self._loop.operator.allowed(execution, {step.id: step for step in steps})
        for command, key in _COMMANDS.items():
            if command in allowed:
                yield key
        if execution.run_id is not None:
            yield _EXPORT
        if execution.ended_at is None:
            yield _ATTACH

    def _may(self, command: OperatorCommand, execution: Execution, steps: Sequence[Step]) -> bool:
        return command in self._loop.operator.allowed(execution, {step.id: step for step in steps})

    def _in_the_lane(self, execution: Execution) -> Iterator[str]:
        if execution.run_id is None or execution.ended_at is not None:
            return
        standing = lane_standing(self._records, execution, self._now)
        if standing is None:
            return
        if self._loop.lanes.may_approve(self._records, execution, standing, self._principal):
            yield _LANE_APPROVE
        if standing.is_ready and standing.lane.next_lanes:
            yield _HAND_OVER

    def _decisions(self, execution: Execution, approval: Approval) -> Iterator[str]:
        consent, person, now = self._loop.consent, self._principal, self._now
        may_approve = consent.may_approve(person, execution, approval, now)
        may_reject = consent.may_reject(person, execution, approval, now)
        if may_approve:
            yield _APPROVE
        if may_reject:
            yield _REJECT
        if may_approve or may_reject:
            yield _DECIDE
        if self._loop.override.may_use(person, execution, approval, now):
            yield _BREAK_GLASS
