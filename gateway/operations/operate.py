"""The commands of operators: controlPlane.execution.cancel, pause, resume, shutdown, abort, retry
and compensate, and controlPlane.step.reconcile."""

from gateway.model.decision import Verdict
from gateway.model.execution import Execution
from gateway.model.json import JsonObject
from gateway.model.operator import OperatorCommand, Reconciliation
from gateway.model.ports import Tx
from gateway.model.problem import Issue, invalid, problem
from gateway.operations.common import acting, opened, present, said
from gateway.pipeline import Admitted, Refused
from gateway.runtime import (
    Finding,
    Loop,
    require_allowed,
    require_execution,
    require_plan,
    require_run,
)

PHASE = "RUN"
"""The phase in which a retried run goes on."""


def cancel(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """End an execution that has not ended: nothing more is sent."""
    value = admitted.value
    by = acting(admitted, "cancelledBy")
    execution = require_execution(tx, admitted.principal.workspace, value["executionId"])
    loop.operator.cancel(tx, execution, by, value.get("reason"))
    return {
        "executionId": execution.id,
        "status": _status(tx, execution),
        "cancelledAt": tx.now,
    }


def pause(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """Begin no further step until the run is resumed."""
    by, execution = acting(admitted, "pausedBy"), _run(admitted, tx)
    loop.operator.pause(tx, execution, by, admitted.value.get("reason"))
    return _moved(tx, execution, "pausedAt")


def resume(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """Let a paused run go on."""
    by, execution = acting(admitted, "resumedBy"), _run(admitted, tx)
    loop.operator.resume(tx, execution, by)
    return _moved(tx, execution, "resumedAt")


def shutdown(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """End a run once what is on its way is finished."""
    by, execution = acting(admitted, "shutdownBy"), _run(admitted, tx)
    loop.operator.shutdown(tx, execution, by, admitted.value.get("reason"))
    return _moved(tx, execution, "shutdownAt")


def abort(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """End a run now."""
    by, execution = acting(admitted, "abortedBy"), _run(admitted, tx)
    loop.operator.abort(tx, execution, by, admitted.value.get("reason"))
    return _moved(tx, execution, "abortedAt")


def retry(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """Run again what failed, expired or is unresolved."""
    by, execution = acting(admitted, "retriedBy"), _run(admitted, tx)
    loop.operator.retry(tx, execution, by)
    return {**_moved(tx, execution, "retriedAt"), "phase": PHASE}


def compensate(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject | Refused:
    """Start the execution that undoes the completed steps; the caller is its requester."""
    by, execution = acting(admitted, "compensatedBy"), _run(admitted, tx)
    steps = require_allowed(tx, OperatorCommand.COMPENSATE, execution)
    plan = opened(loop, execution, require_plan(tx, execution, None))
    compensations = loop.operator.compensations
    undoing = compensations.plan(execution, plan, steps, admitted.principal)
    undo = compensations.start(
        *(tx, execution, undoing, admitted.principal),
        actor=by,
        reason=admitted.value.get("reason"),
    )
    if undoing.found.verdict is Verdict.BLOCKED:
        told = f"Policy blocks the compensation: {' '.join(undoing.found.blocked_reasons)}"
        return Refused(problem("FORBIDDEN", told, extra={"executionId": undo.id}))
    return present(
        {
            "runId": execution.run_id,
            "compensationExecutionId": undo.id,
            "compensationRunId": undo.run_id,
            "status": undo.status.value.upper(),
            "stepCount": len(undoing.plan.steps),
            "startedAt": undo.started_at,
        }
    )


def reconcile(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """Settle a step of which nobody knows whether it happened."""
    value = admitted.value
    by = acting(admitted, "reconciledBy")
    if not said(value["note"]):
        raise invalid([Issue("/input/note", "REQUIRED", "must say how you know")])
    execution = _run(admitted, tx)
    finding = Finding(
        step_id=value["stepId"],
        attempt=value["attempt"],
        outcome=Reconciliation(value["outcome"].lower()),
        note=value["note"],
        output=value.get("output"),
    )
    status = loop.reconciler.settle(tx, execution, finding, by)
    return {
        "runId": execution.run_id,
        "stepId": finding.step_id,
        "status": status.value.upper(),
        "executionStatus": _status(tx, execution),
        "reconciledAt": tx.now,
    }


def _run(admitted: Admitted, tx: Tx) -> Execution:
    return require_run(tx, admitted.principal.workspace, admitted.value["runId"])


def _moved(tx: Tx, execution: Execution, at: str) -> JsonObject:
    return {"runId": execution.run_id, "status": _status(tx, execution), at: tx.now}


def _status(tx: Tx, execution: Execution) -> str:
    return require_execution(tx, execution.workspace, execution.id).status.value.upper()
