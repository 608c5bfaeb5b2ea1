"""The problems that refused calls are answered with."""

from collections.abc import Iterable
from dataclasses import replace

from gateway.model.action import Declined
from gateway.model.decision import AccessDecision
from gateway.model.json import JsonValue
from gateway.model.problem import Problem, problem, with_context
from gateway.model.scrubbing import scrub, values_at
from gateway.pipeline.call import Call


def denial(call: Call, decision: AccessDecision) -> Problem:
    """The problem of a denied call: who has no token at all is told to come with one."""
    code = "UNAUTHENTICATED" if call.principal.is_anonymous else "FORBIDDEN"
    return problem(code, decision.reason, extra={"decisionId": decision.decision_id})


def declined(outcome: Declined, private: Iterable[JsonValue]) -> Problem:
    """The problem of an attempt that certainly had no effect, without the call's ``private``
    values, which a handler may quote."""
    told = Problem(
        code=outcome.code,
        title="",
        status=outcome.status,
        detail=outcome.detail,
        category="dependency",
        retryable=outcome.retryable,
        retry_after=outcome.retry_after,
    )
    told = scrub(told, private)  # before the title is cut from it, which might cut a value
    return replace(told, title=told.detail.partition(". ")[0].removesuffix("."))


def told_about(call: Call, told: Problem) -> Problem:
    """The problem as the caller gets it: it quotes none of the PII that was sent."""
    return of_call(call, scrub(told, values_at(call.input, call.contract.policy.pii)))


def of_call(call: Call, told: Problem) -> Problem:
    """A problem, which quotes nothing of the call, with what it is about."""
    contract = call.contract
    operation = {
        "key": contract.key,
        "version": contract.meta.version,
        "kind": contract.kind.value,
    }
    return with_context(told, operation=operation, trace_id=call.trace_id or told.trace_id)
