"""What metrics and spans are told of attempts: contracts, numbers and outcomes, never a value."""

from gateway.runtime.outcomes import Outcome
from gateway.telemetry import metrics, spans


def tell(span: spans.Span, outcome: Outcome, seconds: float) -> None:
    """Tell what came of an attempt that took so many seconds."""
    attempt, word = outcome.attempt, _word(outcome)
    metrics.attempt_seconds.observe(seconds, attempt.contract.ref, word)
    span.note(
        contract=attempt.contract.ref,
        execution_id=attempt.execution_id,
        step_id=attempt.step.id,
        attempt=attempt.number,
        outcome=word,
    )
    if outcome.problem is not None:
        span.failed(outcome.problem.code)


def _word(outcome: Outcome) -> str:
    if outcome.answer is not None:
        return "completed"
    if outcome.unknown:
        return "unknown"
    return "retryable" if outcome.repeat else "failed"
