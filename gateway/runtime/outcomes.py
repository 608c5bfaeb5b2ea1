"""What came of an attempt, and what follows from it.

The rule that this file exists for: an effect that may have happened is repeated only where that
does no harm; otherwise the step stands UNRESOLVED until an operator settles it.
"""

from dataclasses import dataclass, replace

from gateway.contracts import Registry
from gateway.model.contract import OperationContract
from gateway.model.entry import EntryType
from gateway.model.execution import LIVE, Execution, Step
from gateway.model.ports import ActionOutcome, Answered, Declined, Sealer, Tx, Unknown
from gateway.model.problem import Problem, ProblemError, problem
from gateway.model.time import after
from gateway.pipeline import Answer, accept_answer, declined
from gateway.runtime import facts
from gateway.runtime.attempt import Attempt
from gateway.runtime.doubt import in_doubt, outcome_unknown

MAX_ATTEMPTS = 4
"""How often a step is tried in all."""

FIRST_BACKOFF = 0.25
"""Seconds before the second attempt; each further wait is four times as long."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A judged outcome: an ``answer`` that fits the contract, or the ``problem``.

    ``repeat`` says that another attempt is safe, ``unknown`` that the effect may have happened.
    """

    attempt: Attempt
    answer: Answer | None = None
    problem: Problem | None = None
    repeat: bool = False
    unknown: bool = False


def judge(registry: Registry, attempt: Attempt, result: ActionOutcome) -> Outcome:
    """Hold what the handler did against the contract."""
    contract = attempt.contract
    if isinstance(result, Answered):
        try:
            return Outcome(attempt, accept_answer(registry, contract, attempt.value, result))
        except ProblemError as error:
            # A command that succeeded with an unusable answer must never be sent again.
            return Outcome(attempt, problem=error.problem, unknown=contract.is_command)
    if isinstance(result, Declined):
        return Outcome(attempt, problem=declined(result), repeat=result.retryable)
    return _unknown(attempt, result)


def _unknown(attempt: Attempt, result: Unknown) -> Outcome:
    contract = attempt.contract
    told = _no_answer(contract, result.reason)
    return Outcome(attempt, problem=told, repeat=contract.repeatable, unknown=contract.is_command)


def _no_answer(contract: OperationContract, reason: str) -> Problem:
    if contract.is_command:
        return outcome_unknown(contract.key, reason)
    return problem("BAD_GATEWAY", f"{contract.key} gave no answer: {reason}")


def record_outcome(
    tx: Tx, sealer: Sealer, registry: Registry, execution: Execution, outcome: Outcome
) -> None:
    """Append what came of an attempt; nothing is tried again once the execution is over."""
    attempt = outcome.attempt
    if outcome.answer is not None:
        output = outcome.answer.sealed_output(sealer, execution.workspace, attempt.contract)
        events = outcome.answer.sealed_events(
            sealer, execution.workspace, registry, attempt.contract
        )
        tx.append(
            facts.step_settled(
                execution,
                EntryType.STEP_COMPLETED,
                attempt.step.id,
                attempt.number,
                attempt.epoch,
                output=output,
                events=events or None,
            )
        )
        return
    outcome = _with_earlier_doubt(tx, execution, outcome)
    if outcome.problem is None:
        raise AssertionError("an outcome has an answer or a problem")
    _record_problem(
        tx,
        execution,
        attempt.step.id,
        attempt.number,
        attempt.epoch,
        outcome.problem,
        repeat=outcome.repeat and execution.status in LIVE,
        unknown=outcome.unknown,
    )


def _with_earlier_doubt(tx: Tx, execution: Execution, outcome: Outcome) -> Outcome:
    """The outcome as it is while an earlier attempt may have had its effect.

    That the last attempt was declined says nothing of an earlier one, unless the service honours
    the key and declares the error: then it would have repeated its first answer instead.
    """
    attempt, told = outcome.attempt, outcome.problem
    if told is None or outcome.unknown or attempt.number == 1:
        return outcome
    contract = attempt.contract
    keyed = contract.handler is not None and contract.handler.idempotency_key
    if keyed and told.code in contract.errors:
        return outcome
    steps = tx.steps(execution.plan_id or "")
    if not any(step.id == attempt.step.id and in_doubt(step) for step in steps):
        return outcome
    reason = f"An earlier attempt got no answer, and the last one was declined ({told.code})."
    return replace(outcome, problem=outcome_unknown(contract.key, reason), unknown=True)


def orphaned(tx: Tx, execution: Execution, step: Step, registry: Registry, epoch: int) -> None:
    """Append what follows from an attempt that its process did not live to see the end of."""
    contract = registry.operations.get(step.contract)
    reason = "The gateway stopped while the attempt was under way."
    told = (
        _no_answer(contract, reason)
        if contract
        else problem("INTERNAL_ERROR", f"{step.contract} is not loaded any more. {reason}")
    )
    _record_problem(
        tx,
        execution,
        step.id,
        step.attempt,
        epoch,
        told,
        repeat=contract is not None and contract.repeatable and execution.status in LIVE,
        unknown=contract is None or contract.is_command,
    )


def _record_problem(
    tx: Tx,
    execution: Execution,
    step_id: str,
    attempt: int,
    epoch: int,
    told: Problem,
    *,
    repeat: bool,
    unknown: bool,
) -> None:
    kind, retry_at = EntryType.STEP_FAILED, None
    if repeat and attempt < MAX_ATTEMPTS:
        kind = EntryType.STEP_RETRYING
        retry_at = after(tx.now, max(FIRST_BACKOFF * 4 ** (attempt - 1), told.retry_after or 0))
    elif unknown:
        kind = EntryType.STEP_UNRESOLVED
    tx.append(
        facts.step_settled(
            execution, kind, step_id, attempt, epoch, problem=told.to_json(), retryAt=retry_at
        )
    )
