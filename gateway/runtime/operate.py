"""Operators: how people steer a run from outside.

Each command is one unit of work that looks at the present state and moves it, so that of several
at once one comes first and the others see what it did.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from gateway.model.entry import EntryType
from gateway.model.execution import Execution, ExecutionStatus, Step, StepStatus, conflict
from gateway.model.operator import EFFECTS, OperatorCommand
from gateway.model.ports import Records, Tx
from gateway.runtime import facts
from gateway.runtime.compensation import Compensations
from gateway.runtime.doubt import outcome_unknown
from gateway.runtime.ending import end_run
from gateway.runtime.lifecycle import Lifecycle

_AGAIN = frozenset({StepStatus.FAILED, StepStatus.EXPIRED, StepStatus.UNRESOLVED})
"""What a retry runs again."""

_FALLEN_SHORT = frozenset(
    {
        *(ExecutionStatus.CANCELLED, ExecutionStatus.ABORTED, ExecutionStatus.REJECTED),
        *(ExecutionStatus.FAILED, ExecutionStatus.EXPIRED),
    }
)
"""Ends of a compensation that has not undone everything."""

_TURNED_DOWN_WHILE_STOPPING = frozenset(
    {OperatorCommand.PAUSE, OperatorCommand.RESUME, OperatorCommand.SHUTDOWN}
)
_PASSIVE: Mapping[OperatorCommand, str] = {
    OperatorCommand.CANCEL: "cancelled",
    OperatorCommand.PAUSE: "paused",
    OperatorCommand.RESUME: "resumed",
    OperatorCommand.SHUTDOWN: "shut down",
    OperatorCommand.ABORT: "aborted",
    OperatorCommand.RETRY: "retried",
    OperatorCommand.RECONCILE: "reconciled",
    OperatorCommand.COMPENSATE: "compensated",
}


@dataclass(frozen=True, slots=True)
class Operator:
    """Performs the commands of operators; ``by`` is always the subject who gave the command."""

    lifecycle: Lifecycle
    compensations: Compensations

    def allowed(
        self, records: Records, execution: Execution, steps: Mapping[str, Step]
    ) -> frozenset[OperatorCommand]:
        """The commands that the present state allows, whoever asks; ``steps`` are by id."""
        found = {
            command
            for command in OperatorCommand
            if refusal(records, command, execution, steps) is None
        }
        if not self.compensations.can_undo(steps):
            found.discard(OperatorCommand.COMPENSATE)
        return frozenset(found)

    def cancel(self, tx: Tx, execution: Execution, by: str, reason: str | None) -> None:
        """End an execution now: nothing more is sent; what is in flight is still recorded.

        Raises:
            ProblemError: CONFLICT in a state that the command has no effect in, as for all here.
        """
        steps = require_allowed(tx, OperatorCommand.CANCEL, execution)
        end_run(tx, execution, steps, ExecutionStatus.CANCELLED, None, by, reason=reason)
        self.lifecycle.wake(tx, execution)

    def pause(self, tx: Tx, execution: Execution, by: str, reason: str | None) -> None:
        """Begin nothing more; what is in flight is finished and recorded, requests stay open."""
        require_allowed(tx, OperatorCommand.PAUSE, execution)
        paused = ExecutionStatus.PAUSED
        kind = EntryType.RUN_PAUSED
        tx.append(facts.run_steered(execution, kind, by, reason=reason, status=paused))
        self.lifecycle.wake(tx, execution)

    def resume(self, tx: Tx, execution: Execution, by: str) -> None:
        """Let a paused run go on, under the policy in force."""
        require_allowed(tx, OperatorCommand.RESUME, execution)
        running = ExecutionStatus.RUNNING
        tx.append(facts.run_steered(execution, EntryType.RUN_RESUMED, by, status=running))
        self.lifecycle.wake(tx, execution)

    def shutdown(self, tx: Tx, execution: Execution, by: str, reason: str | None) -> None:
        """Begin nothing more and try nothing again; end as soon as nothing is in flight."""
        steps = require_allowed(tx, OperatorCommand.SHUTDOWN, execution)
        if _in_flight(steps):
            tx.append(facts.run_steered(execution, EntryType.RUN_STOPPING, by, reason=reason))
        else:
            end_run(tx, execution, steps, ExecutionStatus.CANCELLED, None, by, reason=reason)
        self.lifecycle.wake(tx, execution)

    def abort(self, tx: Tx, execution: Execution, by: str, reason: str | None) -> None:
        """End a run now; attempts without an outcome are unresolved until it comes."""
        steps = require_allowed(tx, OperatorCommand.ABORT, execution)
        for step in _in_flight(steps):
            contract = step.contract.partition("@")[0]
            told = outcome_unknown(contract, "The run was aborted while the attempt was under way.")
            body = {"attempt": step.attempt, "problem": told.to_json()}
            tx.append(facts.step_fact(execution, EntryType.STEP_UNRESOLVED, step.id, body, by))
            steps[step.id] = replace(step, status=StepStatus.UNRESOLVED)
        end_run(tx, execution, steps, ExecutionStatus.ABORTED, None, by, reason=reason)
        self.lifecycle.wake(tx, execution)

    def retry(self, tx: Tx, execution: Execution, by: str) -> None:
        """Run again what failed, expired or is unresolved; what is completed is kept.

        A step that certainly had no effect gets a new idempotency key, one in doubt keeps its own.
        """
        steps = require_allowed(tx, OperatorCommand.RETRY, execution)
        again = {step.id: StepStatus.READY for step in steps.values() if step.status in _AGAIN}
        never = {
            step.id: StepStatus.PLANNED
            for step in steps.values()
            if step.status is StepStatus.CANCELLED
        }
        restarted = {**again, **never}
        tx.append(
            facts.run_steered(
                execution,
                EntryType.RUN_RETRIED,
                by,
                status=ExecutionStatus.RUNNING,
                steps={step_id: status.value for step_id, status in restarted.items()},
                fresh=[
                    step_id
                    for step_id in restarted
                    if steps[step_id].status is not StepStatus.UNRESOLVED
                ],
            )
        )
        self.lifecycle.wake(tx, execution)


def require_allowed(
    records: Records, command: OperatorCommand, execution: Execution
) -> dict[str, Step]:
    """The steps of an execution, by id, if its present state allows the command; with what they
    were given and answered only where they are to be undone.

    Raises:
        ProblemError: CONFLICT, naming the state and why.
    """
    steps = _states_of(records, execution)
    why = refusal(records, command, execution, steps)
    if why is not None:
        raise conflict(execution.id, execution.status, why)
    if command is OperatorCommand.COMPENSATE:
        return {step.id: step for step in records.steps(execution.plan_id or "")}
    return steps


def refusal(
    records: Records, command: OperatorCommand, execution: Execution, steps: Mapping[str, Step]
) -> str | None:
    """Why the present state does not allow a command; None where it does."""
    if execution.status not in EFFECTS[command]:
        return _no_effect(command)
    if execution.stopping and command in _TURNED_DOWN_WHILE_STOPPING:
        return "it is being shut down; only cancel and abort still have an effect"
    if command is OperatorCommand.RECONCILE:
        return None if _named(steps, StepStatus.UNRESOLVED) else "it has no unresolved step"
    if command in (OperatorCommand.RETRY, OperatorCommand.COMPENSATE):
        return _why_not_anew(records, command, execution, steps)
    return None


def require_state(command: OperatorCommand, execution: Execution) -> None:
    """Refuse a command that the table gives no effect in the execution's state.

    Raises:
        ProblemError: CONFLICT, naming the state.
    """
    if execution.status not in EFFECTS[command]:
        raise conflict(execution.id, execution.status, _no_effect(command))


def _no_effect(command: OperatorCommand) -> str:
    return f"in this state it cannot be {_PASSIVE[command]}"


def _why_not_anew(
    records: Records, command: OperatorCommand, execution: Execution, steps: Mapping[str, Step]
) -> str | None:
    """Why what a run did can be neither tried again nor undone, if so."""
    if command is OperatorCommand.RETRY and (told := _why_replaced(records, execution)):
        return told
    if command is OperatorCommand.COMPENSATE and execution.compensates is not None:
        # What it undid stands as compensated, and would go on doing so once it was done again.
        told = f"it undoes execution {execution.compensates}, and no undoing is undone"
        return f"{told}; submit an intent for what is to be done again"
    if execution.compensation_id is not None:
        told = f"its compensation began already: execution {execution.compensation_id}"
        if command is OperatorCommand.RETRY:
            return told
        if goes_on := _why_still_undone(records, execution):
            return f"{told}, {goes_on}"
    if named := _named(steps, StepStatus.DISPATCHED):
        return f"an attempt is still on its way ({named})"
    if command is OperatorCommand.RETRY:
        named = _named(steps, StepStatus.REJECTED)
        return f"people rejected {named}, and that stands" if named else None
    named = _named(steps, StepStatus.UNRESOLVED)
    told = f"nobody knows what became of {named}; settle that with controlPlaneStepReconcile first"
    return told if named else None


def _why_still_undone(records: Records, execution: Execution) -> str | None:
    """Why another compensation cannot take the place of the one that began; None where that one
    ended with nothing in doubt: then what it has not undone is left for another, of whoever asks
    for it, for the requester of that one may have lost the role.

    INVARIANT: one whose place another took is never retried, so nothing is undone twice. Reading
    either run holds its chain, so that of a retry and another compensation at once one comes first.
    """
    undoing = records.execution(execution.workspace, execution.compensation_id or "")
    if undoing is None:
        return "which is not here any more"
    if undoing.status not in _FALLEN_SHORT:
        return f"which is {undoing.status.value.upper()}"
    steps = _states_of(records, undoing)
    named = _named(steps, StepStatus.DISPATCHED) or _named(steps, StepStatus.UNRESOLVED)
    return f"of which nobody knows what became of {named}; settle that first" if named else None


def _why_replaced(records: Records, execution: Execution) -> str | None:
    """Why a compensation is not tried again: another one has taken its place."""
    if execution.compensates is None:
        return None
    undone = records.execution(execution.workspace, execution.compensates)
    if undone is None or undone.compensation_id == execution.id:
        return None
    return f"another compensation took its place: execution {undone.compensation_id}"


def _states_of(records: Records, execution: Execution) -> dict[str, Step]:
    """The states of the steps of an execution's present plan by their ids; none where it has no
    plan."""
    found = records.step_states(execution.plan_id) if execution.plan_id else []
    return {step.id: step for step in found}


def _in_flight(steps: Mapping[str, Step]) -> list[Step]:
    return [step for step in steps.values() if step.status is StepStatus.DISPATCHED]


def _named(steps: Mapping[str, Step], status: StepStatus) -> str:
    """The steps of a status, as a message names them; empty where there are none."""
    found = [f"step {step.key} ({step.id})" for step in steps.values() if step.status is status]
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return ", ".join(found[:3]) + more
