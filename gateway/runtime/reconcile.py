"""Reconciling: an operator looked into the target system and says what became of an attempt."""

from dataclasses import dataclass

from gateway.contracts import Registry
from gateway.model.action import Answered
from gateway.model.contract import OperationContract
from gateway.model.entry import EntryType
from gateway.model.execution import (
    UNDER_WAY,
    Execution,
    ExecutionStatus,
    Step,
    StepStatus,
    conflict,
)
from gateway.model.json import JsonObject
from gateway.model.operator import OperatorCommand, Reconciliation
from gateway.model.pii import ErasedError, named_owner
from gateway.model.ports import Sealer, Tx
from gateway.model.problem import Issue, Problem, ProblemError, invalid, refuse
from gateway.model.scrubbing import scrub, values_at
from gateway.model.sealing import unseal_all
from gateway.pipeline import Answer, accept_answer
from gateway.runtime import facts
from gateway.runtime.erased import is_erased
from gateway.runtime.lifecycle import Lifecycle
from gateway.runtime.operate import require_state
from gateway.runtime.outcomes import contract_of, record_undone

_BECOMES = {
    Reconciliation.DONE: StepStatus.COMPLETED,
    Reconciliation.FAILED: StepStatus.FAILED,
    Reconciliation.REPEAT: StepStatus.READY,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What an operator found out about an attempt of a step; ``output`` belongs to done."""

    step_id: str
    attempt: int
    outcome: Reconciliation
    note: str
    output: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Settles steps of which nobody knows whether they had their effect."""

    registry: Registry
    sealer: Sealer
    lifecycle: Lifecycle

    def settle(self, tx: Tx, execution: Execution, finding: Finding, by: str) -> StepStatus:
        """Record what an operator found; the run goes on where it has not ended.

        Raises:
            ProblemError: CONFLICT where the step is not UNRESOLVED at exactly this attempt, or the
                state forbids it; NOT_FOUND for a step that the plan has not got;
                VALIDATION_FAILED for an output that does not fit the contract.
        """
        step = self._step(tx, execution, finding)
        answer = self._answer(tx, execution, step, finding)
        after = _BECOMES[finding.outcome]
        resumes = execution.status is ExecutionStatus.UNRESOLVED
        body: JsonObject = {
            "attempt": finding.attempt,
            "outcome": finding.outcome.value,
            "note": finding.note,
            "stepStatus": after.value,
        }
        stored = self._stored(tx, execution, step, answer) if answer else {}
        problem = _failed(step, finding).to_json() if after is StepStatus.FAILED else None
        status = ExecutionStatus.RUNNING.value if resumes else None
        tx.append(
            facts.step_fact(
                *(execution, EntryType.STEP_RECONCILED, step.id, {**body, **stored}, by),
                problem=problem,
                executionStatus=status,
            )
        )
        if answer is not None:
            record_undone(tx, execution, step.key, step.id)
        self.lifecycle.wake(tx, execution)
        return after

    def _step(self, tx: Tx, execution: Execution, finding: Finding) -> Step:
        require_state(OperatorCommand.RECONCILE, execution)
        found = tx.steps(execution.plan_id) if execution.plan_id else []
        step = next((step for step in found if step.id == finding.step_id), None)
        if step is None:
            raise refuse("NOT_FOUND", f"Execution {execution.id} has no step {finding.step_id}.")
        if step.status is not StepStatus.UNRESOLVED or step.attempt != finding.attempt:
            state = f"step {step.key} is {step.status.value.upper()} at attempt {step.attempt}"
            raise conflict(
                execution.id,
                execution.status,
                f"{state}, not UNRESOLVED at attempt {finding.attempt}",
            )
        if finding.outcome is Reconciliation.REPEAT:
            _require_repeatable(execution)
        return step

    def _answer(self, tx: Tx, execution: Execution, step: Step, finding: Finding) -> Answer | None:
        if finding.outcome is not Reconciliation.DONE:
            if finding.output is not None:
                told = "Only a step that is DONE has an output. Leave it out."
                raise invalid([Issue("/input/output", "NOT_ALLOWED", told)])
            return None
        if finding.output is None:
            told = "Say what the action answered, as the output of its contract."
            raise invalid([Issue("/input/output", "REQUIRED", told)])
        contract = self._contract(tx, execution, step)
        output = self._output(contract, finding.output)
        value = self._input(execution, step)
        try:
            return accept_answer(self.registry, contract, value, Answered(output))
        except ProblemError as error:
            raise invalid([Issue("/input/output", "NOT_ALLOWED", error.problem.detail)]) from error

    def _output(self, contract: OperationContract, given: JsonObject) -> JsonObject:
        try:
            return self.registry.output_of(contract).check(given, "/input/output")
        except ProblemError as error:
            private = values_at(given, contract.policy.pii)
            raise ProblemError(scrub(error.problem, private)) from error

    def _input(self, execution: Execution, step: Step) -> JsonObject:
        try:
            value: JsonObject = unseal_all(self.sealer, execution.workspace, step.input or {})
        except ErasedError as error:
            told = "The input was erased, so that no output can be held against it."
            raise refuse("ERASED", f"{told} Settle it as FAILED, or leave it.") from error
        except ValueError as error:
            told = "The sealed input cannot be opened with the keys of this data folder."
            raise refuse("PRECONDITION_FAILED", told) from error
        return value

    def _contract(self, tx: Tx, execution: Execution, step: Step) -> OperationContract:
        contract = contract_of(tx, execution, step, self.registry)
        if contract is None:
            told = f"{step.contract} is not loaded any more, so no output can be held against it."
            raise refuse("PRECONDITION_FAILED", f"{told} Load it again, or settle it as FAILED.")
        return contract

    def _stored(self, tx: Tx, execution: Execution, step: Step, answer: Answer) -> JsonObject:
        if is_erased(tx, self.sealer, execution):  # nobody may write down anew what was erased
            return {"erased": True}
        contract = self._contract(tx, execution, step)
        owner = named_owner(execution.owner, contract.policy.subject, self._input(execution, step))
        output = answer.sealed_output(self.sealer, owner, contract)
        events = answer.sealed_events(self.sealer, owner, self.registry, contract)
        return {"output": output, **({"events": events} if events else {})}


def _require_repeatable(execution: Execution) -> None:
    if execution.stopping:
        raise conflict(
            execution.id, execution.status, "it is being shut down and tries nothing again"
        )
    if execution.status not in (*UNDER_WAY, ExecutionStatus.UNRESOLVED):
        told = "nothing of it is tried again; where the state allows it, retry the run"
        raise conflict(execution.id, execution.status, told)


def _failed(step: Step, finding: Finding) -> Problem:
    return Problem(
        code="RECONCILED_FAILED",
        title="An operator found that the action did not happen",
        status=502,
        detail=f"{step.contract.partition('@')[0]}: {finding.note}",
        category="dependency",
    )
