"""allowedActions: what would succeed if the caller asked for it now.

Access comes from the same decision point as the calls themselves, the rest from the tables and
checks that those calls are held to. Nobody needs to ask for more than is listed.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from gateway.model.decision import Verdict
from gateway.model.execution import Approval, Execution, ExecutionStatus, Step, StepStatus
from gateway.model.operator import EFFECTS, OperatorCommand
from gateway.model.ports import Records
from gateway.model.principal import Principal
from gateway.model.problem import ProblemError
from gateway.model.time import stamp
from gateway.operations.common import opened
from gateway.runtime import MAX_ITEMS, Loop, lane_standing, require_plan

_BEFORE_THE_START = (
    ExecutionStatus.RECEIVED,
    ExecutionStatus.COMPILED,
    ExecutionStatus.VERIFIED,
)

_COMPILE = "controlPlane.plan.compile"
_VERIFY = "controlPlane.plan.verify"
_ASSIGN = "controlPlane.execution.lane.assign"
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

_DECIDED_BY_STEPS = frozenset(
    {*EFFECTS[OperatorCommand.RETRY], *EFFECTS[OperatorCommand.COMPENSATE]}
)
"""The states in which it depends on the steps what can be done to a run."""


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
            steps = self._deciding_steps(execution)
        return self._permitted(
            *self._before_the_start(execution),
            *self._to_the_run(execution, steps),
            *self._in_the_lane(execution),
        )

    def on_step(self, execution: Execution, step: Step) -> list[str]:
        """What the caller could do to one step of the present plan."""
        if step.plan_id != execution.plan_id:
            return []
        if step.status is StepStatus.UNRESOLVED:
            allowed = self._loop.operator.allowed(self._records, execution, {step.id: step})
            return self._permitted(_RECONCILE) if OperatorCommand.RECONCILE in allowed else []
        if step.status is StepStatus.WAITING_APPROVAL:
            approval = self._records.approval(execution.id, step.id)
            return self.on_approval(execution, approval) if approval is not None else []
        return []

    def on_approval(self, execution: Execution, approval: Approval) -> list[str]:
        """What the caller could do to an approval request."""
        return self._permitted(*self._decisions(execution, approval))

    def _permitted(self, *keys: str) -> list[str]:
        return sorted(key for key in keys if key in self._accessible)

    @cached_property
    def _accessible(self) -> frozenset[str]:
        """The operations that policy lets the caller call."""
        keys = {
            *_COMMANDS.values(), _COMPILE, _VERIFY, _ASSIGN, _START, _EXPORT, _ATTACH,
            _LANE_APPROVE, _HAND_OVER, _RECONCILE, _APPROVE, _REJECT, _DECIDE, _BREAK_GLASS,
        }  # fmt: skip
        contracts = (self._loop.registry.resolve(key) for key in keys)
        allows = self._loop.policies.current.allows
        return frozenset(
            contract.key
            for contract in contracts
            if contract is not None and allows(self._principal, contract)
        )

    def _before_the_start(self, execution: Execution) -> Iterator[str]:
        if execution.direct or execution.status not in _BEFORE_THE_START:
            return
        yield _COMPILE
        yield _ASSIGN
        if execution.plan_id is None or self._accessible.isdisjoint({_VERIFY, _START}):
            return
        try:
            found = self._decided_now(execution)
        except ProblemError:
            return
        yield _VERIFY
        if execution.status is ExecutionStatus.VERIFIED and found is not Verdict.BLOCKED:
            yield _START

    def _decided_now(self, execution: Execution) -> Verdict | None:
        """What policy would decide of the plan; None where its own decision is still in force.

        Raises:
            ProblemError: its contracts are not there any more, or it cannot be opened.
        """
        loop = self._loop
        record = require_plan(self._records, execution, None)
        loop.verifier.contracts(record.plan, loop.registry.of(execution.workspace))
        plan = opened(loop, execution, record)
        if record.revision == loop.policies.revision:
            return None
        return loop.verifier.verify(plan, execution.submitter).verdict

    def _to_the_run(self, execution: Execution, steps: Sequence[Step]) -> Iterator[str]:
        by_id = {step.id: step for step in steps}
        allowed = self._loop.operator.allowed(self._records, execution, by_id)
        for command, key in _COMMANDS.items():
            if command in allowed and key in self._accessible:
                undoes = command is OperatorCommand.COMPENSATE
                if not undoes or self._can_undo(execution, by_id):
                    yield key
        if execution.run_id is not None:
            yield _EXPORT
        if execution.ended_at is None and self._takes_items(execution):
            yield _ATTACH

    def _takes_items(self, execution: Execution) -> bool:
        if _ATTACH not in self._accessible:
            return False
        return len(self._records.evidence_items(execution.id)) < MAX_ITEMS

    def _deciding_steps(self, execution: Execution) -> Sequence[Step]:
        """The present steps, read only where they decide anything: lists are long."""
        if execution.plan_id is None or execution.status not in _DECIDED_BY_STEPS:
            return []
        return self._records.steps(execution.plan_id)

    def _can_undo(self, execution: Execution, steps: Mapping[str, Step]) -> bool:
        """Whether what would undo the run can be planned, and policy lets the caller do it."""
        loop = self._loop
        try:
            plan = opened(loop, execution, require_plan(self._records, execution, None))
            undoing = loop.operator.compensations.plan(execution, plan, steps, self._principal)
        except ProblemError:
            return False
        return undoing.found.verdict is not Verdict.BLOCKED

    def _in_the_lane(self, execution: Execution) -> Iterator[str]:
        if execution.run_id is None or execution.ended_at is not None:
            return
        if self._accessible.isdisjoint({_LANE_APPROVE, _HAND_OVER}):
            return
        standing = lane_standing(self._records, execution, self._now, self._loop.policies)
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
