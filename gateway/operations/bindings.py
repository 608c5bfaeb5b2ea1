"""Which function performs which built-in contract."""

from collections.abc import Callable
from functools import partial

from gateway.contracts import Registry
from gateway.model.json import JsonObject
from gateway.model.ports import Records, Tx
from gateway.model.problem import Issue, Problem, ProblemError
from gateway.operations import approvals, audit, executions, intents, plans
from gateway.pipeline import Admitted, Bindings, Command, Query, Refused
from gateway.runtime import Loop

Apply = Callable[[Loop, Admitted, Tx], JsonObject | Refused]
Answer = Callable[[Loop, Admitted, Records], JsonObject]

_COMMANDS: dict[str, Apply] = {
    "controlPlane.intent.submit@1.0.0": intents.submit,
    "controlPlane.plan.verify@1.0.0": plans.verify_plan,
    "controlPlane.execution.start@1.0.0": executions.start,
    "controlPlane.execution.approve@1.0.0": approvals.approve,
    "controlPlane.execution.reject@1.0.0": approvals.reject,
    "controlPlane.execution.cancel@1.0.0": executions.cancel,
}

_QUERIES: dict[str, Answer] = {
    "controlPlane.execution.get@1.0.0": executions.get,
    "controlPlane.execution.list@1.0.0": executions.list_all,
    "controlPlane.execution.mine@1.0.0": executions.mine,
    "controlPlane.plan.get@1.0.0": plans.get_plan,
    "controlPlane.trace.get@1.0.0": audit.trace,
    "controlPlane.trace.replay@1.0.0": audit.replay,
    "controlPlane.policy.explain@1.0.0": audit.explain,
    "controlPlane.approval.list@1.0.0": approvals.list_all,
}


def bind(loop: Loop) -> Bindings:
    """The handlers of all built-in contracts."""
    bound: Bindings = {ref: Command(partial(apply, loop)) for ref, apply in _COMMANDS.items()}
    bound.update({ref: Query(partial(answer, loop)) for ref, answer in _QUERIES.items()})
    bound["controlPlane.plan.compile@1.0.0"] = Command(
        partial(plans.compile_plan, loop), partial(plans.prepare_compile, loop)
    )
    return bound


def require_handlers(registry: Registry, bindings: Bindings) -> None:
    """Refuse a contract that nobody performs: it would promise what cannot happen.

    Raises:
        ProblemError: CONTRACTS_INVALID with every contract that has no handler.
    """
    issues = tuple(
        Issue(
            contract.meta.source,
            "CONTRACT_WITHOUT_HANDLER",
            f"{contract.ref} has no handler. Give it one (`handler: {{http: ...}}`), or move its "
            "file to a folder whose name starts with an underscore.",
        )
        for contract in registry.operations.values()
        if contract.handler is None and contract.ref not in bindings
    )
    if issues:
        raise ProblemError(
            Problem(
                code="CONTRACTS_INVALID",
                title="The contracts cannot be served",
                status=500,
                detail=f"{issues[0].path}: {issues[0].message}",
                category="validation",
                issues=issues,
            )
        )
