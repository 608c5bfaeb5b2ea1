"""controlPlane.plan.compile, plan.verify and plan.get"""

from gateway.model.contract import Risk
from gateway.model.decision import Verdict
from gateway.model.entry import Entry, EntryType
from gateway.model.execution import (
    Execution,
    ExecutionStatus,
    Step,
    conflict,
    require_transition,
)
from gateway.model.json import JsonObject
from gateway.model.plan import Plan, PlanStep
from gateway.model.ports import Records, Tx
from gateway.model.problem import Problem, ProblemError, problem, refuse
from gateway.operations.allowed import AllowedActions
from gateway.operations.common import all_entries, as_seen, opened, present, upper
from gateway.pipeline import Admitted, Refused, require_standing, require_taken_up
from gateway.runtime import Loop, require_current_plan, require_execution, require_plan

_OUTCOMES = {
    EntryType.STEP_COMPLETED: "completed",
    EntryType.STEP_FAILED: "failed",
    EntryType.STEP_RETRYING: "retrying",
    EntryType.STEP_UNRESOLVED: "unresolved",
}


async def prepare_compile(loop: Loop, admitted: Admitted) -> Plan | Problem:
    """Compile before the unit of work begins: a large draft must not hold the writer."""
    draft = admitted.value.get("draft")
    if draft is None:
        return problem(
            "PRECONDITION_FAILED",
            "No planner is connected, so a plan is compiled from a `draft`. Send one: "
            '{"steps": [{"key", "contract", "input", "dependsOn"}]}.',
        )
    try:
        return loop.compiler.compile(admitted.principal.workspace, draft)
    except ProblemError as error:
        return error.problem


def compile_plan(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject | Refused:
    """Record the compiled plan, or why the draft was rejected."""
    value, principal = admitted.value, admitted.principal
    execution = require_execution(tx, principal.workspace, value["executionId"])
    if execution.intent_id != value["intentId"]:
        raise ProblemError(_intent_not_found(value["intentId"], execution.id))
    if execution.direct:
        raise conflict(execution.id, execution.status, "a direct call has its own plan")
    require_transition(execution.id, execution.status, ExecutionStatus.COMPILED)
    if isinstance(admitted.prepared, Problem):
        if admitted.prepared.issues:
            if any(one.code == "UNKNOWN_CONTRACT" for one in admitted.prepared.issues):
                require_taken_up(tx, loop.registry, principal.workspace)
            loop.lifecycle.rejected(tx, execution, principal.subject, admitted.prepared)
        return Refused(admitted.prepared)
    plan: Plan = admitted.prepared
    require_standing(tx, loop.registry, principal.workspace, plan.contracts)
    lane = _lane_of(execution, value["draft"])
    loop.lifecycle.compiled(tx, execution, plan, principal.subject, value.get("plannerModel"), lane)
    return {
        "planId": plan.id,
        "compiledAt": tx.now,
        "stepCount": len(plan.steps),
        "deterministicHash": plan.hash,
    }


def _lane_of(execution: Execution, draft: JsonObject) -> str | None:
    """The lane that a draft names.

    Raises:
        ProblemError: CONFLICT where the execution is in another: who plans must not take it out of
            a lane whose gate somebody else has put it before.
    """
    lane: str | None = draft.get("lane")
    if lane is not None and execution.lane not in (None, lane):
        told = f"it is in the lane {execution.lane}, which controlPlaneExecutionLaneAssign changes"
        raise conflict(execution.id, execution.status, told)
    return lane


def verify_plan(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """Decide every step for the requester under the policy in force."""
    value, principal = admitted.value, admitted.principal
    wanted = value.get("policyVersion")
    if wanted is not None and wanted != loop.policies.revision:
        raise refuse(
            "PRECONDITION_FAILED",
            f"The policy revision in force is {loop.policies.revision}, not {wanted}.",
        )
    execution = require_execution(tx, principal.workspace, value["executionId"])
    record = require_current_plan(tx, execution, value["planId"])
    require_standing(tx, loop.registry, principal.workspace, record.plan.contracts)
    plan = opened(loop, execution, record)
    found = loop.verifier.verify(plan, execution.submitter)
    loop.lifecycle.verified(tx, execution, found, principal.subject)
    return {
        "verdict": found.verdict.value.upper(),
        "requiresApproval": found.verdict is Verdict.ASSIST,
        "blockedReasons": found.blocked_reasons,
        "verifiedAt": tx.now,
    }


def get_plan(loop: Loop, admitted: Admitted, records: Records) -> JsonObject:
    """A plan with the state of its steps, as the caller may see it."""
    value = admitted.value
    execution = require_execution(records, admitted.principal.workspace, value["executionId"])
    record = require_plan(records, execution, value.get("planId"))
    plan = record.plan
    steps = {step.id: step for step in records.steps(plan.id)}
    attempts = _attempts(all_entries(records, execution.id))
    allowed = AllowedActions(loop, records, admitted.principal)
    return present(
        {
            "planId": plan.id,
            "executionId": execution.id,
            "deterministicHash": plan.hash,
            "verdict": upper(record.verdict),
            "compiledAt": record.compiled_at,
            "verifiedAt": record.verified_at,
            "policyVersion": record.revision,
            "steps": [
                {
                    **_step(loop, admitted, step, steps[step.id], attempts.get(step.id, [])),
                    "allowedActions": allowed.on_step(execution, steps[step.id]),
                }
                for step in plan.steps
            ],
            "edges": [
                present({"source": edge.source, "target": edge.target, "path": edge.path or None})
                for edge in plan.edges
            ],
        }
    )


def _step(
    loop: Loop, admitted: Admitted, step: PlanStep, state: Step, attempts: list[JsonObject]
) -> JsonObject:
    contract = loop.registry.operations.get(step.contract)
    decision = state.decision or {}
    return present(
        {
            "stepId": step.id,
            "key": step.key,
            "contract": step.contract,
            "status": state.status.value.upper(),
            "verdict": upper(decision.get("verdict")),
            "riskTier": (contract.risk if contract else Risk.CRITICAL).value.upper(),
            "dependsOn": list(step.depends_on),
            "input": as_seen(loop, admitted, state.input or step.input, state.execution_id),
            "output": as_seen(loop, admitted, state.output, state.execution_id),
            "problem": state.problem,
            "reasons": decision.get("reasons"),
            "attempt": state.attempt,
            "attempts": attempts,
            "retryAt": state.retry_at,
            "startedAt": state.started_at,
            "endedAt": state.ended_at,
        }
    )


def _attempts(entries: list[Entry]) -> dict[str, list[JsonObject]]:
    """The attempts of each step, as the journal tells them."""
    found: dict[str, list[JsonObject]] = {}
    for entry in entries:
        body = entry.body
        if entry.type is EntryType.STEP_DISPATCHED:
            attempt = {
                "number": body["attempt"],
                "status": "dispatched",
                "startedAt": entry.at,
                "idempotencyKey": body["idempotencyKey"],
            }
            found.setdefault(body["stepId"], []).append(attempt)
        elif entry.type in _OUTCOMES:
            for attempt in found.get(body["stepId"], []):
                if attempt["number"] == body["attempt"] and _settles(entry, attempt["status"]):
                    attempt["status"] = _OUTCOMES[entry.type]
                    attempt["endedAt"] = entry.at
                    attempt.pop("problem", None)
                    attempt.update(present({"problem": body.get("problem")}))
    return found


def _settles(entry: Entry, status: str) -> bool:
    """True if an entry is the outcome of an attempt; a wait for the rate limit is none."""
    if status == _OUTCOMES[EntryType.STEP_UNRESOLVED]:
        return entry.type in (EntryType.STEP_COMPLETED, EntryType.STEP_FAILED)  # it came late
    return status == "dispatched"


def _intent_not_found(intent_id: str, execution_id: str) -> Problem:
    return Problem(
        code="INTENT_NOT_FOUND",
        title="There is no such intent",
        status=404,
        detail=f"Execution {execution_id} did not come of the intent {intent_id}.",
        category="state",
    )
