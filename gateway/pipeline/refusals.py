"""The problems that refused calls are answered with."""

from gateway.model.decision import AccessDecision
from gateway.model.ports import Declined
from gateway.model.problem import Problem, problem, with_context
from gateway.pipeline.call import Call


def denial(call: Call, decision: AccessDecision) -> Problem:
    """The problem of a denied call: who has no token at all is told to come with one."""
    code = "UNAUTHENTICATED" if call.principal.is_anonymous else "FORBIDDEN"
    return problem(code, decision.reason, extra={"decisionId": decision.decision_id})


def declined(outcome: Declined) -> Problem:
    """The problem of an attempt that certainly had no effect."""
    return Problem(
        code=outcome.code,
        title=outcome.detail.split(".")[0],
        status=outcome.status,
        detail=outcome.detail,
        category="dependency",
        retryable=outcome.retryable,
    )


def told_about(call: Call, told: Problem) -> Problem:
    contract = call.contract
    operation = {
        "key": contract.key,
        "version": contract.meta.version,
        "kind": contract.kind.value,
    }
    return with_context(told, operation=operation, trace_id=call.trace_id or told.trace_id)
