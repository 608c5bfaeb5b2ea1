"""What came of an attempt, and what follows from it.

The rule that this file exists for: an effect that may have happened is repeated only where that
does no harm; otherwise the step stands UNRESOLVED until an operator settles it.
"""

from msgspec import Struct
from msgspec.structs import replace

from gateway.contracts import Registry
from gateway.model.action import ActionOutcome, Answered, Declined, Unknown
from gateway.model.contract import OperationContract
from gateway.model.entry import EntryType
from gateway.model.execution import UNDER_WAY, Execution, Step, StepStatus
from gateway.model.json import JsonObject
from gateway.model.pii import named_owner
from gateway.model.ports import Records, Sealer, Tx
from gateway.model.problem import Problem, ProblemError, problem
from gateway.model.scrubbing import values_at
from gateway.model.time import after
from gateway.pipeline import Answer, accept_answer, declined
from gateway.runtime import facts
from gateway.runtime.attempt import Attempt
from gateway.runtime.doubt import in_doubt, outcome_unknown
from gateway.runtime.erased import is_erased

MAX_ATTEMPTS = 4
"""How often a step is tried, until an operator has it tried again."""

LONGEST_WAIT = 3600.0
"""The longest that a service can put the next attempt off, in seconds: the last one must come
before the service forgets the key of the first, which most do after a day."""

FIRST_BACKOFF = 0.25
"""Seconds before the second attempt; each further wait is four times as long."""


class Outcome(Struct, frozen=True):
    """A judged outcome: an ``answer`` that fits the contract, or the ``problem``.

    ``repeat`` says that another attempt is safe, ``unknown`` that the effect may have happened,
    ``declared`` that the handler answered with an error of its contract, ``unsent`` that nothing
    was tried: this attempt never takes the place of the last one.
    """

    attempt: Attempt
    answer: Answer | None = None
    problem: Problem | None = None
    repeat: bool = False
    unknown: bool = False
    declared: bool = False
    unsent: bool = False


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
        told = declined(result, values_at(attempt.value, contract.policy.pii))
        repeat, is_declared = result.retryable, result.declared
        return Outcome(attempt, problem=told, repeat=repeat, declared=is_declared)
    return _unknown(attempt, result)


def _unknown(attempt: Attempt, result: Unknown) -> Outcome:
    contract = attempt.contract
    wait = result.retry_after if contract.repeatable else None
    told = _no_answer(contract, result.reason, wait)
    return Outcome(attempt, problem=told, repeat=contract.repeatable, unknown=contract.is_command)


def _no_answer(contract: OperationContract, reason: str, wait: float | None = None) -> Problem:
    if contract.is_command:
        return outcome_unknown(contract.key, reason, wait)
    return problem("BAD_GATEWAY", f"{contract.key} gave no answer: {reason}", retry_after=wait)


def record_outcome(
    tx: Tx, sealer: Sealer, registry: Registry, execution: Execution, outcome: Outcome
) -> None:
    """Append what came of an attempt; nothing is tried again once the execution is over.

    An outcome that comes after an operator settled the attempt is kept, but changes nothing.
    """
    attempt, step = outcome.attempt, outcome.attempt.step
    if execution.status not in UNDER_WAY and not _is_awaited(tx, execution, attempt):
        told = outcome.problem.to_json() if outcome.problem else None
        body = _answered(tx, sealer, registry, execution, outcome)
        kind = EntryType.STEP_LATE
        named = (execution, kind, step.id, attempt.number, attempt.epoch)
        tx.append(facts.step_settled(*named, **body, problem=told))
        return
    if outcome.answer is not None:
        body = _answered(tx, sealer, registry, execution, outcome)
        named = (execution, EntryType.STEP_COMPLETED, step.id, attempt.number, attempt.epoch)
        tx.append(facts.step_settled(*named, **body))
        record_undone(tx, execution, step.key, step.id)
        return
    outcome = _with_earlier_doubt(tx, execution, outcome)
    if outcome.problem is None:
        raise AssertionError("an outcome has an answer or a problem")
    _record_problem(
        tx,
        execution,
        step.id,
        attempt.number,
        attempt.epoch,
        outcome.problem,
        base=attempt.number - 1 if outcome.unsent else attempt.base,
        repeat=outcome.repeat and _goes_on(execution),
        unknown=outcome.unknown,
    )


def record_undone(tx: Tx, execution: Execution, step_key: str, step_id: str) -> None:
    """Append to the execution that this one undoes that a step of it is compensated."""
    if execution.compensates is None:
        return
    undone = tx.execution(execution.workspace, execution.compensates)
    steps = tx.step_states(undone.plan_id or "") if undone else []
    step = next((step for step in steps if step.key == step_key), None)
    if undone is None or step is None:
        raise AssertionError("a compensation undoes the steps of an execution")
    body = {"by": {"executionId": execution.id, "stepId": step_id}}
    tx.append(facts.step_fact(undone, EntryType.STEP_COMPENSATED, step.id, body))


def _answered(
    tx: Tx, sealer: Sealer, registry: Registry, execution: Execution, outcome: Outcome
) -> JsonObject:
    """What an answer adds to the entry of its attempt."""
    answer, contract = outcome.answer, outcome.attempt.contract
    if answer is None:
        return {}
    if is_erased(tx, sealer, execution):  # what comes back now must not bring back what was erased
        return {"erased": True}
    owner = named_owner(execution.owner, contract.policy.subject, outcome.attempt.value)
    output = answer.sealed_output(sealer, owner, contract)
    events = answer.sealed_events(sealer, owner, registry, contract)
    return {"output": output, "events": events or None}


def _goes_on(execution: Execution) -> bool:
    """True while a run may still try something again."""
    return execution.status in UNDER_WAY and not execution.stopping


def _is_awaited(tx: Tx, execution: Execution, attempt: Attempt) -> bool:
    """True while nobody has said what became of an attempt of a run that has ended."""
    step = _state(tx, execution, attempt)
    is_open = step.status in (StepStatus.DISPATCHED, StepStatus.UNRESOLVED)
    return is_open and step.attempt == attempt.number


def _state(tx: Tx, execution: Execution, attempt: Attempt) -> Step:
    steps = tx.step_states(execution.plan_id or "")
    return next(step for step in steps if step.id == attempt.step.id)


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
    if keyed and outcome.declared:
        return outcome
    step = _state(tx, execution, attempt)
    # An abort took the place of what was known of earlier attempts under the same key.
    forgotten = step.status is StepStatus.UNRESOLVED and attempt.number > step.key_base + 1
    if not forgotten and not in_doubt(step):
        return outcome
    reason = f"An earlier attempt got no answer, and the last one was declined ({told.code})."
    told = outcome_unknown(contract.key, reason, told.retry_after)
    return replace(outcome, problem=told, unknown=True)


def contract_of(
    records: Records, execution: Execution, step: Step, registry: Registry
) -> OperationContract | None:
    """The contract under which a step was performed; None where it is not loaded any more, or
    another content stands under its reference."""
    contract = registry.operations.get(step.contract)
    record = records.plan(execution.plan_id or "")
    planned = record.plan.by_key.get(step.key) if record else None
    is_same = contract and planned and contract.digest == planned.contract_digest
    return contract if is_same else None


def orphaned(tx: Tx, execution: Execution, step: Step, registry: Registry, epoch: int) -> None:
    """Append what follows from an attempt that its process did not live to see the end of."""
    contract = contract_of(tx, execution, step, registry)
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
        base=step.base,
        repeat=contract is not None and contract.repeatable and _goes_on(execution),
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
    base: int,
    repeat: bool,
    unknown: bool,
) -> None:
    kind, retry_at = EntryType.STEP_FAILED, None
    tried = attempt - base
    if repeat and tried < MAX_ATTEMPTS:
        kind = EntryType.STEP_RETRYING
        asked = min(told.retry_after or 0, LONGEST_WAIT)
        retry_at = after(tx.now, max(FIRST_BACKOFF * 4 ** (tried - 1), asked))
    elif unknown:
        kind = EntryType.STEP_UNRESOLVED
    tx.append(
        facts.step_settled(
            execution, kind, step_id, attempt, epoch, problem=told.to_json(), retryAt=retry_at
        )
    )
