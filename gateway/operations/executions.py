"""controlPlane.execution.start, cancel, get, list and mine"""

from gateway.model.decision import Verdict
from gateway.model.execution import Execution, ExecutionStatus, RunMode, conflict
from gateway.model.json import JsonObject
from gateway.model.ports import ExecutionFilter, Page, Records, Tx
from gateway.model.problem import problem
from gateway.operations.common import (
    acting,
    as_seen,
    lower,
    opened,
    page_of,
    present,
    require_own_workspace,
    upper,
)
from gateway.pipeline import Admitted, Refused
from gateway.runtime import Loop, require_current_plan, require_execution


def start(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject | Refused:
    """Start the verified plan and return at once; under a newer policy it is decided again."""
    value, principal = admitted.value, admitted.principal
    execution = require_execution(tx, principal.workspace, value["executionId"])
    record = require_current_plan(tx, execution, value["planId"])
    if execution.status is not ExecutionStatus.VERIFIED:
        raise conflict(execution.id, execution.status, "only a verified one can be started")
    if record.revision != loop.policies.revision:
        plan = opened(loop, execution, record)
        found = loop.verifier.verify(plan, execution.submitter)
        execution = loop.lifecycle.verified(tx, execution, found, principal.subject)
        if found.verdict is Verdict.BLOCKED:
            told = f"Policy has changed and blocks the plan: {' '.join(found.blocked_reasons)}"
            return Refused(problem("FORBIDDEN", told))
    mode = RunMode(lower(value.get("mode")) or RunMode.AUTONOMOUS)
    execution = loop.lifecycle.started(
        tx, execution, mode, principal.subject, loop.policies.revision
    )
    return {
        "runId": execution.run_id,
        "status": execution.status.value.upper(),
        "startedAt": execution.started_at,
    }


def cancel(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """End an execution that has not ended: nothing more is sent."""
    value = admitted.value
    subject = acting(admitted, "cancelledBy")
    execution = require_execution(tx, admitted.principal.workspace, value["executionId"])
    loop.lifecycle.cancelled(tx, execution, subject, value.get("reason"))
    return {
        "executionId": execution.id,
        "status": ExecutionStatus.CANCELLED.value.upper(),
        "cancelledAt": tx.now,
    }


def get(_: Loop, admitted: Admitted, records: Records) -> JsonObject:
    """One execution of the caller's workspace."""
    execution = require_execution(
        records, admitted.principal.workspace, admitted.value["executionId"]
    )
    return {
        "execution": present(
            {
                "executionId": execution.id,
                "intentId": execution.intent_id,
                "planId": execution.plan_id,
                "runId": execution.run_id,
                "status": execution.status.value.upper(),
                "riskTier": upper(execution.risk),
                "requiresApproval": _requires_approval(execution),
                "createdAt": execution.created_at,
                "updatedAt": execution.updated_at,
            }
        )
    }


def list_all(_: Loop, admitted: Admitted, records: Records) -> JsonObject:
    """Executions of the caller's workspace, newest first."""
    workspace = admitted.principal.workspace
    require_own_workspace(admitted)
    which = ExecutionFilter(workspace, lower(admitted.value.get("status")))
    found, total = records.executions(which, page_of(admitted))
    items = [
        present(
            {
                "executionId": execution.id,
                "status": execution.status.value.upper(),
                "riskTier": upper(execution.risk),
                "updatedAt": execution.updated_at,
            }
        )
        for execution in found
    ]
    return {"items": items, "total": total}


def mine(loop: Loop, admitted: Admitted, records: Records) -> JsonObject:
    """The caller's own executions with what came of their steps."""
    value, principal = admitted.value, admitted.principal
    wanted = value.get("executionId")
    if wanted is not None:
        page_of(admitted)
        one = records.execution(principal.workspace, wanted)
        own = [one] if one is not None and one.submitter.subject == principal.subject else []
        return {"items": [_own(loop, admitted, records, item) for item in own], "total": len(own)}
    which = ExecutionFilter(principal.workspace, lower(value.get("status")), principal.subject)
    page: Page = page_of(admitted)
    found, total = records.executions(which, page)
    return {"items": [_own(loop, admitted, records, item) for item in found], "total": total}


def _own(loop: Loop, admitted: Admitted, records: Records, execution: Execution) -> JsonObject:
    steps = records.steps(execution.plan_id) if execution.plan_id else []
    return present(
        {
            "executionId": execution.id,
            "status": execution.status.value.upper(),
            "riskTier": upper(execution.risk),
            "createdAt": execution.created_at,
            "updatedAt": execution.updated_at,
            "problem": execution.problem,
            "steps": [
                present(
                    {
                        "stepId": step.id,
                        "key": step.key,
                        "contract": step.contract,
                        "status": step.status.value.upper(),
                        "output": as_seen(loop, admitted, step.output),
                        "problem": step.problem,
                    }
                )
                for step in steps
            ],
        }
    )


def _requires_approval(execution: Execution) -> bool | None:
    if execution.verdict is None:
        return None
    return execution.verdict == Verdict.ASSIST.value
