"""Dispatch: one step, decided again at the moment at which it would run.

Whatever verification and approval said before, this is what counts: access, input and verdict are
decided under the policy in force, in the transaction that records the attempt.
"""

from dataclasses import dataclass

from gateway.contracts import Registry
from gateway.model.contract import OperationContract
from gateway.model.decision import AccessDecision, Verdict, VerdictDecision
from gateway.model.entry import EntryType, NewEntry
from gateway.model.execution import Approval, ExecutionStatus, RunMode, Step, StepStatus
from gateway.model.json import JsonObject
from gateway.model.ports import Sealer, Tx
from gateway.model.problem import Problem, ProblemError, problem
from gateway.model.scrubbing import scrub, values_at
from gateway.model.time import after, parse
from gateway.pipeline import RateLimiter, require_consent
from gateway.policy import Policies
from gateway.runtime import facts
from gateway.runtime.attempt import Attempt
from gateway.runtime.doubt import OUTCOME_UNKNOWN, in_doubt, outcome_unknown
from gateway.runtime.gate import Gate, unused_consent
from gateway.runtime.grants import Allowance
from gateway.runtime.hashing import idempotency_key
from gateway.runtime.memory import RunMemory
from gateway.runtime.pii_copies import copies, has_literals, read_by
from gateway.runtime.pii_flow import COPIED
from gateway.runtime.pii_read import PiiRead
from gateway.runtime.ready import Action, Ready, sealed_input
from gateway.runtime.references import resolve
from gateway.runtime.requester import requester_access
from gateway.runtime.restored import REASON, may_be_done

DEFAULT_APPROVER = "approver"
"""The role that approves where assist mode asks and the matched rule names nobody."""

_LONGEST_WAIT = 60.0


@dataclass(frozen=True, slots=True)
class StepDispatch:
    """Decides steps at their dispatch. ``restored`` is the position at which the record was
    accepted as restored from a backup, None where it never was."""

    registry: Registry
    policies: Policies
    sealer: Sealer
    limiter: RateLimiter
    gate: Gate
    restored: int | None = None

    def is_current(self, tx: Tx) -> bool:
        """True if this process decides under the policy revision that is in force."""
        return self.policies.observe(tx.policy_head())

    def start(self, tx: Tx, ready: Ready) -> Attempt | bool:
        """Decide a ready step and record the decision.

        Returns the attempt to make, True if something else was recorded, or False if nothing
        changed (a request that still waits).
        """
        try:
            return self._decide(tx, ready)
        except _StopError as stop:
            self._void(tx, ready, stop.changed)
            tx.append(stop.as_fact(ready))
            return True

    def _decide(self, tx: Tx, ready: Ready) -> Attempt | bool:
        contract = self._contract(ready)
        access = requester_access(self.policies, ready.execution.submitter, contract)
        if not access.allowed:
            denied = problem("FORBIDDEN", access.reason)
            raise _StopError(denied, "the grants of the requester", access=access)
        if ready.execution.mode is RunMode.DRY_RUN:
            return self._skip(tx, ready)
        if may_be_done(tx, ready.execution, ready.state, contract, self.restored):
            raise _StopError(outcome_unknown(contract.key, REASON), "the record", access=access)
        action = self._action(tx, ready, contract, access)
        if action.decision.verdict is Verdict.ASSIST:
            consent = self.gate.pass_or_ask(tx, ready, action)
            if isinstance(consent, bool):
                return consent
            return self._attempt(tx, ready, action, consent)
        told = " ".join(action.decision.reasons)
        self._void(tx, ready, f"Policy does not ask for an approval any more: {told}")
        return self._attempt(tx, ready, action, None)

    def _contract(self, ready: Ready) -> OperationContract:
        step = ready.step
        contract = self.registry.operations.get(step.contract)
        if contract is None or contract.digest != step.contract_digest:
            told = (
                f"{step.contract} is not the contract that the plan was compiled against any "
                "more. Compile the intent again."
            )
            raise _StopError(problem("PRECONDITION_FAILED", told), "the contract")
        return contract

    def _action(
        self, tx: Tx, ready: Ready, contract: OperationContract, access: AccessDecision
    ) -> Action:
        value = self._input(ready, contract)
        try:
            require_consent(tx, self.sealer, ready.execution.workspace, contract, value, tx.now)
        except ProblemError as error:
            sealed = sealed_input(self.sealer, ready, value)
            stop = _StopError(error.problem, "consent", None, access, sealed)
            raise stop from error
        decided = self.policies.verdict(ready.execution.submitter, contract, value)
        decision = in_mode(ready.execution.mode, contract, decided)
        copied: tuple[str, ...] = ()
        if has_literals(ready.step):  # else what was read need not even be looked at
            copied = tuple(copies(ready.step, contract, self._read(ready.memory)))
        if copied:
            decision = decision._replace(verdict=Verdict.BLOCKED, reasons=copied)
        if decision.verdict is Verdict.BLOCKED:
            told = problem("FORBIDDEN", f"{contract.key}: {' '.join(decision.reasons)}")
            sealed = sealed_input(self.sealer, ready, value)
            body = {**decision.to_json(), **({COPIED: True} if copied else {})}
            raise _StopError(told, "policy", body, access, sealed)
        return Action(contract, value, access, decision)

    def _read(self, memory: RunMemory) -> list[PiiRead]:
        """The PII that the run has read so far, and that of the run which it undoes."""
        contracts, by_key = self.registry.operations, memory.plan.by_key
        return [
            *memory.undone,
            *(
                read_by(key, contracts.get(by_key[key].contract), output, memory.read)
                for key, output in memory.outputs.items()
            ),
        ]

    def _input(self, ready: Ready, contract: OperationContract) -> JsonObject:
        step = ready.step
        resolved = resolve(step.input, ready.memory.outputs) if step.depends_on else step.input
        try:
            return self.registry.input_of(contract).check(resolved, "/input")
        except ProblemError as error:
            told = scrub(error.problem, values_at(resolved, contract.policy.pii))
            raise _StopError(told, "the arguments") from error

    def _void(self, tx: Tx, ready: Ready, reason: str) -> None:
        """What the step waits for, or was given and has not used, no longer stands."""
        approval = ready.approval or unused_consent(tx, ready)
        if approval is not None:
            tx.append(facts.approval_voided(ready.execution, approval, reason, StepStatus.READY))

    def _skip(self, tx: Tx, ready: Ready) -> bool:
        body = {
            "input": None,
            "decision": ready.state.decision,
            "reason": "A dry run calls nothing.",
        }
        tx.append(facts.step_fact(ready.execution, EntryType.STEP_SKIPPED, ready.step.id, body))
        return True

    def _attempt(
        self, tx: Tx, ready: Ready, action: Action, consent: Approval | Allowance | None
    ) -> Attempt | bool:
        execution, memory = ready.execution, ready.memory
        try:
            self._count(tx, ready, action)
        except ProblemError as error:
            return self._retry_later(tx, ready, error.problem)
        attempt = Attempt(
            execution_id=execution.id,
            step=ready.step,
            contract=action.contract,
            value=action.value,
            number=ready.state.attempt + 1,
            epoch=memory.epoch,
            idempotency_key=idempotency_key(memory.run_id, ready.step.id, ready.state.key_base),
            trace_id=execution.trace_id,
            base=ready.state.base,
            workspace=execution.workspace,
        )
        running = execution.status is ExecutionStatus.RUNNING
        allowance = consent if isinstance(consent, Allowance) else None
        if allowance is not None and allowance.fresh:
            tx.append(allowance.as_fact(ready))
        tx.append(
            facts.step_dispatched(
                execution,
                attempt,
                sealed_input=sealed_input(self.sealer, ready, action.value),
                decision=action.decision.to_json(),
                access=action.access,
                approval_id=consent.id if isinstance(consent, Approval) else None,
                grant_id=allowance.grant.id if allowance else None,
                status=None if running else ExecutionStatus.RUNNING,
            )
        )
        return attempt

    def _count(self, tx: Tx, ready: Ready, action: Action) -> None:
        """Count the attempt for the rate limit; that of a direct call was counted at the door."""
        if ready.state.attempt or not ready.execution.direct:
            self.limiter.take_within(tx, action.contract, ready.execution.submitter)

    def _retry_later(self, tx: Tx, ready: Ready, told: Problem) -> bool:
        state = ready.state
        tx.append(
            facts.step_settled(
                ready.execution,
                EntryType.STEP_RETRYING,
                ready.step.id,
                state.attempt,
                ready.memory.epoch,
                problem=_kept(state) if in_doubt(state) else told.to_json(),
                retryAt=after(tx.now, _wait(state, told)),
            )
        )
        return True


def _wait(state: Step, told: Problem) -> float:
    """Seconds until a step that waits for its rate limit looks again: twice as long each time, up
    to those in which a budget is full again.

    Where many wait for one limit, all would look, and record that they did, whenever one may go.
    """
    asked = told.retry_after or 1.0
    if state.status is not StepStatus.READY or state.retry_at is None or _waited_for_service(state):
        return asked
    before = (parse(state.retry_at) - parse(state.updated_at)).total_seconds()
    return max(asked, min(2 * before, _LONGEST_WAIT))


def _waited_for_service(state: Step) -> bool:
    """Whether it was its service that put the step off the last time, which says nothing of how
    long it waits for its limit."""
    told = state.problem or {}
    if told.get("code") == OUTCOME_UNKNOWN:
        return "retryAfter" in told
    return told.get("category") == "dependency"


def _kept(state: Step) -> JsonObject:
    """The problem of a step in doubt while it waits for its limit: that an earlier attempt may have
    had its effect must not be forgotten, but the wait that its service asked for is over."""
    return {name: value for name, value in (state.problem or {}).items() if name != "retryAfter"}


def in_mode(
    mode: RunMode | None, contract: OperationContract, decision: VerdictDecision
) -> VerdictDecision:
    """The decision as the run's mode has it: assist mode asks before every command."""
    asks = mode is RunMode.ASSIST and contract.is_command
    if not asks or decision.verdict is not Verdict.AUTONOMOUS:
        return decision
    return decision._replace(
        verdict=Verdict.ASSIST,
        reasons=(*decision.reasons, "The run was started in assist mode."),
        approver_role=decision.approver_role or DEFAULT_APPROVER,
    )


class _StopError(Exception):
    """A step that may not run, with what decided so; ``what`` of its terms is not as it was."""

    def __init__(
        self,
        told: Problem,
        what: str,
        decision: JsonObject | None = None,
        access: AccessDecision | None = None,
        sealed_input: JsonObject | None = None,
    ) -> None:
        super().__init__(told.detail)
        self.told = told
        self.changed = f"What was asked has changed: {what}. {told.detail}"
        self.decision = decision
        self.access = access
        self.sealed_input = sealed_input

    def as_fact(self, ready: Ready) -> NewEntry:
        """The stop as it is recorded; a step in doubt is not FAILED by it, but UNRESOLVED."""
        execution, step, state = ready.execution, ready.step, ready.state
        if self.told.code != OUTCOME_UNKNOWN and not in_doubt(state):
            decided = (self.decision, self.access, self.sealed_input)
            return facts.step_blocked(execution, step.id, self.told, *decided)
        reason = REASON
        if self.told.code != OUTCOME_UNKNOWN:
            reason = f"It may not be tried again. {self.told.detail}"
        return facts.step_settled(
            execution,
            EntryType.STEP_UNRESOLVED,
            step.id,
            state.attempt,
            ready.memory.epoch,
            problem=outcome_unknown(step.contract.partition("@")[0], reason).to_json(),
            access=self.access.to_json() if self.access else None,
        )
