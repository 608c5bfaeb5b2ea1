"""Dispatch: one step, decided again at the moment at which it would run.

Whatever verification and approval said before, this is what counts: access, input and verdict are
decided under the policy in force, in the transaction that records the attempt.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.contracts import Registry
from gateway.model.contract import OperationContract
from gateway.model.decision import AccessDecision, Verdict, VerdictDecision
from gateway.model.entry import EntryType, NewEntry
from gateway.model.execution import (
    Approval,
    ApprovalStatus,
    Execution,
    ExecutionStatus,
    RunMode,
    Step,
    StepStatus,
)
from gateway.model.json import JsonObject, digest
from gateway.model.plan import PlanStep
from gateway.model.ports import Sealer, Tx
from gateway.model.problem import Problem, ProblemError, problem, refuse
from gateway.model.sealing import seal_paths
from gateway.model.time import after
from gateway.pipeline import RateLimiter
from gateway.policy import Policies
from gateway.runtime import facts
from gateway.runtime.attempt import Attempt
from gateway.runtime.hashing import action_digest, committed
from gateway.runtime.memory import RunMemory
from gateway.runtime.references import resolve

DEFAULT_APPROVER = "approver"
"""The role that approves where assist mode asks and the matched rule names nobody."""

_CONSENTED = (ApprovalStatus.APPROVED, ApprovalStatus.USED)


@dataclass(frozen=True, slots=True)
class StepDispatch:
    """Decides steps at their dispatch."""

    registry: Registry
    policies: Policies
    sealer: Sealer
    limiter: RateLimiter
    new_approval_id: Callable[[], str]

    def start(
        self,
        tx: Tx,
        execution: Execution,
        memory: RunMemory,
        step: PlanStep,
        state: Step,
        approval: Approval | None,
    ) -> Attempt | bool:
        """Decide a ready step and record the decision.

        Returns the attempt to make, True if something else was recorded, or False if nothing
        changed (a request that still waits).
        """
        try:
            return self._decide(tx, execution, memory, step, state, approval)
        except _StopError as stop:
            if approval is not None and approval.status is not ApprovalStatus.USED:
                reason = "The step may not run any more."
                tx.append(facts.approval_voided(execution, approval, reason, StepStatus.READY))
            tx.append(stop.as_fact(execution, step.id))
            return True

    def _decide(
        self,
        tx: Tx,
        execution: Execution,
        memory: RunMemory,
        step: PlanStep,
        state: Step,
        approval: Approval | None,
    ) -> Attempt | bool:
        contract = self._contract(step)
        self._require_current_policy(tx)
        access = self.policies.access(execution.submitter, contract)
        if not access.allowed:
            raise _StopError(problem("FORBIDDEN", access.reason), access=access)
        if execution.mode is RunMode.DRY_RUN:
            return self._skip(tx, execution, step, state)
        value = self._input(contract, step, memory)
        decision = self._verdict(execution, contract, value)
        if decision.verdict is Verdict.BLOCKED:
            told = problem("FORBIDDEN", f"{contract.key}: {' '.join(decision.reasons)}")
            raise _StopError(told, decision.to_json(), access)
        if decision.verdict is Verdict.ASSIST:
            approval = approval or self._given_approval(tx, execution, step)
            asked = self._consent(tx, execution, memory, step, contract, value, decision, approval)
            if asked is not None:
                return asked
        elif approval is not None:
            reason = "Policy does not ask for an approval any more."
            tx.append(facts.approval_voided(execution, approval, reason, StepStatus.READY))
            approval = None
        return self._attempt(tx, execution, memory, step, state, contract, value, decision, access,
                             approval)  # fmt: skip

    def _contract(self, step: PlanStep) -> OperationContract:
        contract = self.registry.operations.get(step.contract)
        if contract is None or contract.digest != step.contract_digest:
            raise _StopError(
                problem(
                    "PRECONDITION_FAILED",
                    f"{step.contract} is not the contract that the plan was compiled against any "
                    "more. Compile the intent again.",
                )
            )
        return contract

    def _require_current_policy(self, tx: Tx) -> None:
        head = tx.policy_head()
        if head != self.policies.revision:
            raise refuse(
                "SERVICE_UNAVAILABLE",
                f"This process decides under {self.policies.revision}, but {head} is in force. "
                "Restart it with the policies in force.",
            )

    def _input(self, contract: OperationContract, step: PlanStep, memory: RunMemory) -> JsonObject:
        resolved = resolve(step.input, memory.outputs) if step.depends_on else step.input
        try:
            return self.registry.input_of(contract).check(resolved, "/input")
        except ProblemError as error:
            raise _StopError(error.problem) from error

    def _verdict(
        self, execution: Execution, contract: OperationContract, value: JsonObject
    ) -> VerdictDecision:
        decision = self.policies.verdict(execution.submitter, contract, value)
        return in_mode(execution.mode, contract, decision)

    def _skip(self, tx: Tx, execution: Execution, step: PlanStep, state: Step) -> bool:
        body = {
            "input": None,
            "decision": state.decision,
            "reason": "A dry run calls nothing.",
        }
        tx.append(facts.step_fact(execution, EntryType.STEP_SKIPPED, step.id, body))
        return True

    def _given_approval(self, tx: Tx, execution: Execution, step: PlanStep) -> Approval | None:
        """The consent to this very step that an earlier attempt had, if any."""
        found = tx.approval(execution.id, step.id)
        return found if found is not None and found.status in _CONSENTED else None

    def _consent(
        self,
        tx: Tx,
        execution: Execution,
        memory: RunMemory,
        step: PlanStep,
        contract: OperationContract,
        value: JsonObject,
        decision: VerdictDecision,
        approval: Approval | None,
    ) -> bool | None:
        """None if a human has consented to exactly this; else ask, or go on waiting."""
        told = decision.to_json()
        arguments = committed(self.sealer, execution.workspace, value, step.pii)

        def bound(expires_at: str) -> str:
            return action_digest(
                execution_id=execution.id,
                run_id=memory.run_id,
                hashed=memory.plan.hash,
                step=step,
                arguments=arguments,
                decision=told,
                expires_at=expires_at,
            )

        if approval is not None:
            if bound(approval.expires_at) == approval.digest:
                return None if approval.status in _CONSENTED else False
            reason = "What was asked has changed: policy, grants or arguments differ."
            tx.append(facts.approval_voided(execution, approval, reason, StepStatus.READY))
        expires_at = after(tx.now, decision.expires_in)
        asked = {
            "digest": bound(expires_at),
            "arguments": self._sealed(execution, step, value),
            "decision": told,
            "expiresAt": expires_at,
        }
        tx.append(
            facts.approval_requested(
                execution, step, self.new_approval_id(), contract.risk.value, asked
            )
        )
        return True

    def _attempt(
        self,
        tx: Tx,
        execution: Execution,
        memory: RunMemory,
        step: PlanStep,
        state: Step,
        contract: OperationContract,
        value: JsonObject,
        decision: VerdictDecision,
        access: AccessDecision,
        approval: Approval | None,
    ) -> Attempt | bool:
        try:
            self.limiter.take(contract, execution.submitter)
        except ProblemError as error:
            return self._retry_later(tx, execution, step, state, memory.epoch, error.problem)
        attempt = Attempt(
            execution_id=execution.id,
            step=step,
            contract=contract,
            value=value,
            number=state.attempt + 1,
            epoch=memory.epoch,
            idempotency_key=f"key_{digest([memory.run_id, step.id])[:32]}",
            trace_id=execution.trace_id,
        )
        running = execution.status is ExecutionStatus.RUNNING
        tx.append(
            facts.step_dispatched(
                execution,
                step,
                attempt=attempt.number,
                epoch=memory.epoch,
                sealed_input=self._sealed(execution, step, value),
                decision=decision.to_json(),
                access=access,
                idempotency_key=attempt.idempotency_key,
                approval_id=approval.id if approval else None,
                status=None if running else ExecutionStatus.RUNNING,
            )
        )
        return attempt

    def _retry_later(
        self,
        tx: Tx,
        execution: Execution,
        step: PlanStep,
        state: Step,
        epoch: int,
        told: Problem,
    ) -> bool:
        retry_at = after(tx.now, told.retry_after or 1.0)
        tx.append(
            facts.step_settled(
                execution,
                EntryType.STEP_RETRYING,
                step.id,
                state.attempt,
                epoch,
                problem=told.to_json(),
                retryAt=retry_at,
            )
        )
        return True

    def _sealed(self, execution: Execution, step: PlanStep, value: JsonObject) -> JsonObject:
        return seal_paths(self.sealer, execution.workspace, step.contract, "input", value, step.pii)


def in_mode(
    mode: RunMode | None, contract: OperationContract, decision: VerdictDecision
) -> VerdictDecision:
    """The decision as the run's mode has it: assist mode asks before every command."""
    asks = mode is RunMode.ASSIST and contract.is_command
    if not asks or decision.verdict is not Verdict.AUTONOMOUS:
        return decision
    return replace(
        decision,
        verdict=Verdict.ASSIST,
        reasons=(*decision.reasons, "The run was started in assist mode."),
        approver_role=decision.approver_role or DEFAULT_APPROVER,
    )


class _StopError(Exception):
    """A step that may not run, with what decided so."""

    def __init__(
        self,
        told: Problem,
        decision: JsonObject | None = None,
        access: AccessDecision | None = None,
    ) -> None:
        super().__init__(told.detail)
        self.told = told
        self.decision = decision
        self.access = access

    def as_fact(self, execution: Execution, step_id: str) -> NewEntry:
        """The stop as it is recorded."""
        return facts.step_blocked(execution, step_id, self.told, self.decision, self.access)
