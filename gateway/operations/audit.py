"""controlPlane.trace.get, trace.replay and policy.explain"""

from collections.abc import Callable
from functools import partial

from gateway.model.decision import Verdict
from gateway.model.entry import Entry, EntryType
from gateway.model.execution import Execution, PlanRecord, Step, StepStatus
from gateway.model.json import JsonObject, decode
from gateway.model.ports import Records
from gateway.model.problem import refuse
from gateway.model.sealing import erased_in
from gateway.operations.common import SEALED_FOR_GOOD, all_entries, as_seen, present, upper
from gateway.operations.policy_asked import may_audit
from gateway.operations.policy_views import hide_places
from gateway.pipeline import Admitted
from gateway.runtime import POLICY, STRUCTURAL, Loop, Replay, require_execution, require_plan

_PAYLOADS = frozenset(
    {"input", "output", "arguments", "text", "metadata", "content", "steps", "decisions", "events"}
)
"""Members of entry bodies that are shown only when payloads are asked for."""

_STAGES = {
    "intent": "INTENT",
    "plan.compiled": "COMPILE",
    "plan.rejected": "COMPILE",
    "plan.verified": "VERIFY",
    "approval": "APPROVE",
    "grant": "APPROVE",
    "run": "RUN",
    "compensation": "RUN",
    "lane.approved": "APPROVE",
    "lane": "RUN",
    "evidence": "RUN",
    "step": "RUN",
}


def trace(loop: Loop, admitted: Admitted, records: Records) -> JsonObject:
    """Everything that the journal says of an execution, in order."""
    value = admitted.value
    execution = require_execution(records, admitted.principal.workspace, value["executionId"])
    payloads = value.get("includePayloads") or False
    entries = [
        _trace_entry(loop, admitted, entry, payloads)
        for entry in all_entries(records, execution.id)
    ]
    return {"executionId": execution.id, "entries": entries}


def _trace_entry(loop: Loop, admitted: Admitted, entry: Entry, payloads: bool) -> JsonObject:
    shown = {key: item for key, item in entry.body.items() if payloads or key not in _PAYLOADS}
    seen = as_seen(loop, admitted, shown, entry.execution_id)
    metadata = {"seq": entry.seq, "hash": entry.hash, **seen}
    erased = erased_in(loop.sealer, entry.workspace, shown)
    if erased:
        metadata["erased"] = erased
    kind = entry.type.value
    return present(
        {
            "timestamp": entry.at,
            "stage": _STAGES.get(kind) or _STAGES.get(kind.split(".")[0], "CALL"),
            "status": kind,
            "actorId": entry.actor or None,
            "metadata": metadata,
        }
    )


def replay(loop: Loop, admitted: Admitted, records: Records) -> JsonObject:
    """Compile and decide again, and name every difference from the record."""
    value = admitted.value
    execution = require_execution(records, admitted.principal.workspace, value["executionId"])
    record = require_plan(records, execution, None)
    mode = value.get("mode")
    modes = frozenset([mode] if mode else [STRUCTURAL, POLICY])
    found = _replayed(loop, execution, record, all_entries(records, execution.id), modes)
    return present(
        {
            "executionId": execution.id,
            "identical": not found.differences,
            "deterministicHash": found.recorded_hash,
            "recomputedHash": found.recomputed_hash,
            "recordedPolicyVersion": record.revision,
            "policyVersion": loop.policies.revision,
            "differences": [
                present(
                    {
                        "kind": item.kind,
                        "stepId": item.step_id,
                        "path": item.path,
                        "recorded": item.recorded,
                        "replayed": item.replayed,
                        "message": item.message,
                    }
                )
                for item in found.differences
            ],
        }
    )


def _replayed(
    loop: Loop,
    execution: Execution,
    record: PlanRecord,
    entries: list[Entry],
    modes: frozenset[str],
) -> Replay:
    try:
        return loop.replayer.replay(execution, record, entries, modes)
    except ValueError as error:
        raise refuse("PRECONDITION_FAILED", SEALED_FOR_GOOD) from error


def explain(loop: Loop, admitted: Admitted, records: Records) -> JsonObject:
    """What policy decided of an execution or of one of its steps, and why.

    Only those who may read the rules are told which rules decided and where they stand.
    """
    value = admitted.value
    reasons = partial(_reasons, may_audit(loop, admitted.principal))
    execution = require_execution(records, admitted.principal.workspace, value["executionId"])
    record = require_plan(records, execution, None)
    if record.decisions is None or record.verdict is None:
        raise refuse(
            "PRECONDITION_FAILED", f"The plan of {execution.id} is not verified yet. Verify it."
        )
    step_id = value.get("stepId")
    if step_id is None:
        return {
            "verdict": upper(record.verdict),
            "riskTier": upper(execution.risk),
            "reasons": _worst_reasons(record.decisions, record.verdict, reasons),
            "policyVersion": record.revision,
        }
    step = next((item for item in records.steps(record.plan.id) if item.id == step_id), None)
    if step is None:
        raise refuse("NOT_FOUND", f"Execution {execution.id} has no step {step_id}.")
    decision = _denial(records, step) or step.decision or record.decisions[step_id]
    contract = loop.registry.operations.get(step.contract)
    return {
        "verdict": upper(decision["verdict"]),
        "riskTier": upper(contract.risk.value if contract else execution.risk),
        "reasons": reasons(decision),
        "policyVersion": decision["policyRevision"],
    }


def _denial(records: Records, step: Step) -> JsonObject | None:
    """What stopped a step at its dispatch where its requester had lost access by then, in the terms
    of a verdict; None where nothing did. No verdict was asked for then, so none is recorded."""
    if step.status is not StepStatus.FAILED or step.decision is not None:
        return None
    bodies = (
        decode(entry.body)
        for entry in reversed(records.entries_of_type(step.execution_id, EntryType.STEP_BLOCKED))
    )
    stopped = next((body for body in bodies if body["stepId"] == step.id), None)
    access = stopped.get("access") if stopped else None
    if access is None or access["effect"] == "allow":
        return None
    return {
        "verdict": Verdict.BLOCKED.value,
        "reasons": [access["reason"]],
        "rules": [access["rule"]] if access.get("rule") else [],
        "policyRevision": access["policyRevision"],
    }


def _worst_reasons(
    decisions: JsonObject, verdict: str, reasons: Callable[[JsonObject], list[str]]
) -> list[str]:
    """The reasons of the steps that gave the plan its verdict."""
    found: list[str] = []
    for decision in decisions.values():
        if decision["verdict"] == Verdict(verdict).value:
            found.extend(reasons(decision))
    return list(dict.fromkeys(found))


def _reasons(audits: bool, decision: JsonObject) -> list[str]:
    """Why, in sentences; to auditors with the rules, their places and their revision."""
    rules = decision["rules"]
    if not audits:
        places = [rule["at"] for rule in rules]
        return [hide_places(reason, places) for reason in decision["reasons"]]
    revision = decision["policyRevision"]
    told = [f"Rule {rule['at']} of {revision}: {rule['rule']}" for rule in rules]
    return [*decision["reasons"], *told]
