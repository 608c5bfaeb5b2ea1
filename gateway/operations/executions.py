"""controlPlane.execution.start, get, list and mine"""

from functools import partial

from gateway.model.decision import Verdict
from gateway.model.execution import Execution, ExecutionStatus, RunMode, conflict
from gateway.model.json import JsonObject
from gateway.model.ports import ExecutionFilter, Page, Records, Tx
from gateway.model.problem import problem
from gateway.operations.allowed import AllowedActions
from gateway.operations.common import (
    as_seen,
    lower,
    opened,
    page_of,
    present,
    require_own_workspace,
    upper,
)
from gateway.operations.lane_views import lane_state
from gateway.pipeline import Admitted, Refused, require_standing
from gateway.runtime import Loop, require_current_plan, require_execution


def start(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject | Refused:
    """Start the verified plan and return at once; under a newer policy it is decided again."""
    value, principal = admitted.value, admitted.principal
    execution = require_execution(tx, principal.workspace, value["executionId"])
    record = require_current_plan(tx, execution, value["planId"])
    if execution.status is not ExecutionStatus.VERIFIED:
        raise conflict(execution.id, execution.status, "only a verified one can be started")
    require_standing(tx, loop.registry, principal.workspace, record.plan.contracts)
    loop.verifier.contracts(record.plan, loop.registry.of(principal.workspace))
    if record.revision != loop.policies.revision:
        plan = opened(loop, execution, record)
        found = loop.verifier.verify(plan, execution.submitter)
        loop.lifecycle.verified(tx, execution, found, principal.subject)
        if found.verdict is Verdict.BLOCKED:
            told = f"Policy has changed and blocks the plan: {' '.join(found.blocked_reasons)}"
            return Refused(problem("FORBIDDEN", told))
        execution = require_execution(tx, principal.workspace, execution.id)
    mode = RunMode(lower(value.get("mode")) or RunMode.AUTONOMOUS)
    run_id = loop.lifecycle.started(tx, execution, mode, principal.subject, loop.policies.revision)
    return {
        "runId": run_id,
        "status": ExecutionStatus.RUNNING.value.upper(),
        "startedAt": tx.now,
    }


def get(loop: Loop, admitted: Admitted, records: Records) -> JsonObject:
    """One execution of the caller's workspace."""
    execution = require_execution(
        records, admitted.principal.workspace, admitted.value["executionId"]
    )
    allowed = AllowedActions(loop, records, admitted.principal)
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
                "lane": lane_state(loop, records, execution),
                "allowedActions": allowed.on_execution(execution),
                "requestedBy": execution.submitter.subject,
                "createdAt": execution.created_at,
                "updatedAt": execution.updated_at,
            }
        )
    }


def list_all(loop: Loop, admitted: Admitted, records: Records) -> JsonObject:
    """Executions of the caller's workspace, newest first."""
    workspace = admitted.principal.workspace
    require_own_workspace(admitted)
    which = ExecutionFilter(workspace, lower(admitted.value.get("status")))
    found, total = records.executions(which, page_of(admitted))
    allowed = AllowedActions(loop, records, admitted.principal)
    items = [
        present(
            {
                "executionId": execution.id,
                "status": execution.status.value.upper(),
                "riskTier": upper(execution.risk),
                "lane": lane_state(loop, records, execution),
                "allowedActions": allowed.on_execution(execution),
                "requestedBy": execution.submitter.subject,
                "createdAt": execution.created_at,
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
    own_of = partial(_own, loop, admitted, records, AllowedActions(loop, records, principal))
    if wanted is not None:
        page_of(admitted)
        one = records.execution(principal.workspace, wanted)
        own = [one] if one is not None and one.submitter.subject == principal.subject else []
        return {"items": [own_of(item) for item in own], "total": len(own)}
    which = ExecutionFilter(principal.workspace, lower(value.get("status")), principal.subject)
    page: Page = page_of(admitted)
    found, total = records.executions(which, page)
    return {"items": [own_of(item) for item in found], "total": total}


def _own(
    loop: Loop,
    admitted: Admitted,
    records: Records,
    allowed: AllowedActions,
    execution: Execution,
) -> JsonObject:
    steps = records.steps(execution.plan_id) if execution.plan_id else []
    return present(
        {
            "executionId": execution.id,
            "status": execution.status.value.upper(),
            "riskTier": upper(execution.risk),
            "createdAt": execution.created_at,
            "updatedAt": execution.updated_at,
            "problem": execution.problem,
            "allowedActions": allowed.on_execution(execution, steps),
            "steps": [
                present(
                    {
                        "stepId": step.id,
                        "key": step.key,
                        "contract": step.contract,
                        "status": step.status.value.upper(),
                        "output": as_seen(loop, admitted, step.output, execution.id),
                        "problem": step.problem,
                        "allowedActions": allowed.on_step(execution, step),
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
