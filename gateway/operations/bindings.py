"""Which function performs which built-in contract."""

from collections.abc import Callable
from functools import partial

from gateway.contracts import Registry
from gateway.model.json import JsonObject
from gateway.model.ports import Records, Tx
from gateway.model.problem import Issue, Problem, ProblemError
from gateway.operations import (
    approvals,
    attachments,
    audit,
    contracts,
    decisions,
    events,
    executions,
    grants,
    intents,
    lanes,
    operate,
    plans,
    webhooks,
)
from gateway.pipeline import Admitted, Bindings, Command, Priority, Query, Refused
from gateway.runtime import Loop

Apply = Callable[[Loop, Admitted, Tx], JsonObject | Refused]
Answer = Callable[[Loop, Admitted, Records], JsonObject]

_COMMANDS: dict[str, Apply] = {
    "controlPlane.intent.submit@1.0.0": intents.submit,
    "controlPlane.plan.verify@1.0.0": plans.verify_plan,
    "controlPlane.execution.start@1.0.0": executions.start,
    "controlPlane.execution.approve@1.0.0": approvals.approve,
    "controlPlane.execution.reject@1.0.0": approvals.reject,
    "controlPlane.execution.breakGlass@1.0.0": approvals.break_glass,
    "controlPlane.approval.decide@1.0.0": approvals.decide,
    "controlPlane.grant.revoke@1.0.0": grants.revoke,
    "controlPlane.execution.cancel@1.0.0": operate.cancel,
    "controlPlane.execution.pause@1.0.0": operate.pause,
    "controlPlane.execution.resume@1.0.0": operate.resume,
    "controlPlane.execution.shutdown@1.0.0": operate.shutdown,
    "controlPlane.execution.abort@1.0.0": operate.abort,
    "controlPlane.execution.retry@1.0.0": operate.retry,
    "controlPlane.execution.compensate@1.0.0": operate.compensate,
    "controlPlane.step.reconcile@1.0.0": operate.reconcile,
    "controlPlane.execution.lane.assign@1.0.0": lanes.assign,
    "controlPlane.execution.lane.approve@1.0.0": lanes.approve,
    "controlPlane.execution.lane.handover@1.0.0": lanes.hand_over,
    "controlPlane.evidence.attach@1.0.0": attachments.attach,
    "controlPlane.webhook.delivery.replay@1.0.0": webhooks.replay,
}

_NEW = "controlPlane.intent.submit@1.0.0"
_START = "controlPlane.execution.start@1.0.0"
_OPERATOR = (
    "controlPlane.approval.",
    "controlPlane.execution.",
    "controlPlane.grant.revoke@",
    "controlPlane.step.",
)
"""What the commands above that decide or stop what is under way begin with."""

_QUERIES: dict[str, Answer] = {
    "controlPlane.execution.get@1.0.0": executions.get,
    "controlPlane.execution.list@1.0.0": executions.list_all,
    "controlPlane.execution.lane.get@1.0.0": lanes.get,
    "controlPlane.execution.lane.list@1.0.0": lanes.list_all,
    "controlPlane.execution.mine@1.0.0": executions.mine,
    "controlPlane.plan.get@1.0.0": plans.get_plan,
    "controlPlane.trace.get@1.0.0": audit.trace,
    "controlPlane.trace.replay@1.0.0": audit.replay,
    "controlPlane.policy.explain@1.0.0": audit.explain,
    "controlPlane.approval.list@1.0.0": approvals.list_all,
    "controlPlane.grant.list@1.0.0": grants.list_all,
    "controlPlane.webhook.delivery.list@1.0.0": webhooks.list_deliveries,
    "controlPlane.event.list@1.0.0": events.list_all,
    "controlPlane.contract.list@1.0.0": contracts.list_all,
    "controlPlane.contract.get@1.0.0": contracts.get,
    "controlPlane.contract.execution.list@1.0.0": contracts.list_executions,
}


def bind(loop: Loop) -> Bindings:
    """The handlers of all built-in contracts."""
    bound: Bindings = {
        ref: Command(partial(apply, loop), priority=_priority(ref))
        for ref, apply in _COMMANDS.items()
    }
    bound.update({ref: Query(partial(answer, loop)) for ref, answer in _QUERIES.items()})
    bound["controlPlane.plan.compile@1.0.0"] = Command(
        partial(plans.compile_plan, loop), partial(plans.prepare_compile, loop)
    )
    bound.update(decisions.bind_questions(loop))
    bound["controlPlane.grant.issue@1.0.0"] = Command(
        partial(grants.issue, loop), partial(grants.prepare_issue, loop)
    )
    return bound


def _priority(ref: str) -> Priority:
    if ref in (_NEW, _START):
        return Priority.NEW if ref == _NEW else Priority.START
    return Priority.OPERATOR if ref.startswith(_OPERATOR) else Priority.ORDINARY


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
