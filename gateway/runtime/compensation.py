"""Compensation: undoing what a run did before it failed, as an execution of its own.

Contracts declare how they are undone. The declared compensations of the completed steps, in the
reverse order of their completion, are a plan like any other: compiled, verified, started and
governed, with an operator, or the original submitter where the plan asks for it, as requester.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.contracts import Registry
from gateway.model.contract import Compensation, OperationContract
from gateway.model.decision import Verdict
from gateway.model.entry import EntryType
from gateway.model.execution import Execution, ExecutionStatus, RunMode, Step, StepStatus
from gateway.model.json import JsonObject
from gateway.model.plan import Plan
from gateway.model.ports import Sealer, Tx
from gateway.model.principal import Principal
from gateway.model.problem import ProblemError, refuse
from gateway.model.sealing import unseal_all
from gateway.runtime import facts
from gateway.runtime.compiler import Compiler
from gateway.runtime.ending import end_run
from gateway.runtime.lifecycle import Intent, Lifecycle, require_execution
from gateway.runtime.pii_copies import read_by_step
from gateway.runtime.pii_flow import leaks
from gateway.runtime.pii_read import PiiRead
from gateway.runtime.references import references, resolve
from gateway.runtime.verifier import Verification, Verifier

CHANNEL = "compensation"
"""The channel of an intent that undoes another execution."""

_SIDES: Mapping[str, Literal["input", "output"]] = {"input": "input", "output": "output"}

_BY_ITSELF = frozenset({ExecutionStatus.FAILED, ExecutionStatus.EXPIRED, ExecutionStatus.REJECTED})
"""Ends after which a plan that asks for it is compensated without an operator."""


@dataclass(frozen=True, slots=True)
class Undoing:
    """What would undo a run: a plan with its verdict; ``without`` are the ids of completed
    commands that declare no compensation."""

    plan: Plan
    found: Verification
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compensations:
    """Plans and starts compensations."""

    registry: Registry
    sealer: Sealer
    compiler: Compiler
    verifier: Verifier
    lifecycle: Lifecycle

    def can_undo(self, steps: Mapping[str, Step]) -> bool:
        """True if any completed step declares a compensation."""
        for step in steps.values():
            contract = self.registry.operations.get(step.contract)
            if step.status is StepStatus.COMPLETED and contract and contract.compensation:
                return True
        return False

    def plan(
        self, execution: Execution, plan: Plan, steps: Mapping[str, Step], requester: Principal
    ) -> Undoing:
        """The plan that undoes the completed steps of ``plan``, verified for ``requester``.

        A step of it bears the key of the step that it undoes.

        Raises:
            ProblemError: PRECONDITION_FAILED where there is nothing to undo, or where it cannot be
                undone as the contracts say.
        """
        drafted: list[JsonObject] = []
        without: list[str] = []
        for step in _last_first(plan, steps):
            contract = self._contract(plan, step)
            if contract.compensation is not None:
                value = self._input(execution, contract, contract.compensation, step)
                after = [drafted[-1]["key"]] if drafted else []
                named = {"key": step.key, "contract": contract.compensation.contract}
                drafted.append({**named, "input": value, "dependsOn": after})
            elif contract.is_command:
                without.append(step.id)
        if not drafted:
            told = f"No completed step of {execution.id} declares a compensation."
            raise refuse("PRECONDITION_FAILED", f"{told} There is nothing to undo.")
        compiled = self._compile(execution, drafted)
        # What a skill has done can be undone also after it was disabled.
        read = self._read(execution, steps)
        found = self.verifier.verify(compiled, requester, self.registry, read)
        return Undoing(compiled, found, tuple(without))

    def _read(self, execution: Execution, steps: Mapping[str, Step]) -> list[PiiRead]:
        workspace, registry = execution.workspace, self.registry
        read = (read_by_step(registry, self.sealer, workspace, step) for step in steps.values())
        return [one for one in read if one]

    def start(
        self,
        tx: Tx,
        execution: Execution,
        undoing: Undoing,
        requester: Principal,
        *,
        actor: str = "",
        reason: str | None = None,
    ) -> Execution:
        """Create the execution that undoes ``execution``; it runs unless policy blocks it.

        A blocked one is recorded and marks nothing. ``actor`` is the operator who asked for it.
        """
        text = f"Undo the completed steps of {execution.id}."
        intent = Intent(text, CHANNEL, execution.trace_id, compensates=execution.id)
        undo = self.lifecycle.prepared(tx, requester, intent, undoing.plan, undoing.found)
        if undoing.found.verdict is Verdict.BLOCKED:
            return undo
        mode = execution.mode or RunMode.AUTONOMOUS
        revision = undoing.found.revision
        self.lifecycle.started(tx, undo, mode, requester.subject, revision)
        body = {
            "runId": execution.run_id,
            "compensationId": undo.id,
            "without": list(undoing.without),
        }
        kind = EntryType.COMPENSATION_STARTED
        tx.append(facts.fact(execution, kind, body, actor, reason=reason))
        return require_execution(tx, undo.workspace, undo.id)

    def conclude(
        self,
        tx: Tx,
        execution: Execution,
        plan: Plan,
        steps: Mapping[str, Step],
        status: ExecutionStatus,
        problem: JsonObject | None,
        reason: str | None = None,
    ) -> None:
        """End a run that came to its end, and have it undone where its plan asks for that.

        Why it is not undone although the plan asks for it stands in the entry of the end.
        """
        undoing, why_not = None, None
        if plan.compensate and status in _BY_ITSELF:
            try:
                undoing = self._unasked(execution, plan, steps)
            except ProblemError as error:
                why_not = error.problem.detail
        end_run(tx, execution, steps, status, problem, reason=reason, compensation=why_not)
        if undoing is not None:
            self.start(tx, execution, undoing, execution.submitter)

    def _unasked(self, execution: Execution, plan: Plan, steps: Mapping[str, Step]) -> Undoing:
        never = facts.unfinished(steps)
        doubtful = sorted(
            step.key
            for step in steps.values()
            if StepStatus.UNRESOLVED in (step.status, never.get(step.id))
        )
        if doubtful:
            raise refuse(
                "PRECONDITION_FAILED",
                f"It is not undone by itself, for nobody knows what became of "
                f"{', '.join(doubtful)}. Settle that, then ask for the compensation.",
            )
        undoing = self.plan(execution, plan, steps, execution.submitter)
        if undoing.found.verdict is Verdict.BLOCKED:
            raise refuse("PRECONDITION_FAILED", " ".join(undoing.found.blocked_reasons))
        return undoing

    def _contract(self, plan: Plan, step: Step) -> OperationContract:
        contract = self.registry.operations.get(step.contract)
        if contract is None or contract.digest != plan.by_key[step.key].contract_digest:
            raise refuse(
                "PRECONDITION_FAILED",
                f"{step.contract} is not the contract that step {step.key} was performed under any "
                "more, so nobody can say how it is undone. Load that contract again.",
            )
        return contract

    def _input(
        self,
        execution: Execution,
        contract: OperationContract,
        compensation: Compensation,
        step: Step,
    ) -> JsonObject:
        """The input of a compensation, with what it refers to taken from the stored step."""
        self._refuse_leaks(contract, compensation, step)
        workspace = execution.workspace
        try:
            stored = {
                "input": unseal_all(self.sealer, workspace, step.input or {}),
                "output": unseal_all(self.sealer, workspace, step.output or {}),
            }
        except ValueError as error:
            told = "The sealed data cannot be opened with the keys of this data folder."
            raise _not_undoable(step, told) from error
        value: JsonObject = resolve(compensation.input, stored)
        if next(references(value), None) is not None:
            raise _not_undoable(step, "A stored value looks like a reference to another step.")
        return value

    def _refuse_leaks(
        self, contract: OperationContract, compensation: Compensation, step: Step
    ) -> None:
        undo = self.registry.operations.get(compensation.contract)
        if undo is None:
            raise _not_undoable(step, f"{compensation.contract} is not loaded any more.")
        for found in references(compensation.input):
            side = _SIDES[found.source]
            for leak in leaks(contract, found.field, undo, found.path, side):
                told = leak.told(f"{step.key}.{side}", contract, "compensation", undo)
                raise _not_undoable(step, told)

    def _compile(self, execution: Execution, drafted: list[JsonObject]) -> Plan:
        try:
            return self.compiler.compile(execution.workspace, {"steps": drafted}, "", self.registry)
        except ProblemError as error:
            raise refuse(
                "PRECONDITION_FAILED",
                f"The steps of {execution.id} cannot be undone as their contracts say: "
                f"{error.problem.detail}",
            ) from error


def _last_first(plan: Plan, steps: Mapping[str, Step]) -> list[Step]:
    """The completed steps, the last first; those of one moment in the reverse order of the plan.

    A step counts as no earlier than what it depends on, whatever the clock said.
    """
    ended: dict[str, str] = {}
    for step in plan.steps:  # each comes after what it depends on
        before = (ended[key] for key in step.depends_on)
        ended[step.key] = max(steps[step.id].ended_at or "", *before, "")
    order = {step.id: (ended[step.key], index) for index, step in enumerate(plan.steps)}
    done = [step for step in steps.values() if step.status is StepStatus.COMPLETED]
    return sorted(done, key=lambda step: order[step.id], reverse=True)


def _not_undoable(step: Step, why: str) -> ProblemError:
    return refuse("PRECONDITION_FAILED", f"Step {step.key} cannot be undone. {why}")
