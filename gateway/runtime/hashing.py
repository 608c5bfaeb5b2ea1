"""Digests that bind: the plan's deterministic hash, step ids, and the action digest.

All are SHA-256 over RFC 8785 forms in which PII stands as keyed commitments, so that no digest lets
anybody guess a value.
"""

from collections.abc import Iterable

from gateway.model.json import JsonObject, JsonValue, digest
from gateway.model.plan import PlanStep
from gateway.model.ports import Sealer
from gateway.model.sealing import commit_paths

_PLAN_FORMAT = 1
_ACTION_FORMAT = 1


def plan_hash(sealer: Sealer, workspace: str, steps: Iterable[PlanStep]) -> str:
    """The deterministic hash of a plan: contracts with their content digests, inputs and edges.

    Neither the order of keys nor that of the steps takes part, for neither has a meaning.
    """
    parts = [
        {
            "key": step.key,
            "contract": step.contract,
            "contractDigest": step.contract_digest,
            "input": _committed(sealer, workspace, step),
            "dependsOn": sorted(step.depends_on),
        }
        for step in sorted(steps, key=lambda step: step.key)
    ]
    return digest({"format": _PLAN_FORMAT, "steps": parts})


def _committed(sealer: Sealer, workspace: str, step: PlanStep) -> JsonValue:
    """The input with each PII literal committed; a direct call's plan holds no references."""
    keep = bool(step.depends_on)
    return commit_paths(sealer, workspace, step.input, step.pii, keep_references=keep)


def step_id(hashed: str, key: str) -> str:
    """The id of a step: derived, so that the same plan has the same ids wherever it is compiled."""
    return f"step_{digest([hashed, key])[:32]}"


def action_digest(
    *,
    execution_id: str,
    run_id: str,
    hashed: str,
    step: PlanStep,
    arguments: JsonValue,
    decision: JsonObject,
    expires_at: str,
) -> str:
    """What an approval binds to: exactly this action, under these rules, until this moment.

    ``arguments`` is the resolved input with PII committed. Rules take part by their text and the
    policy revision does not: an approval outlives a change of policy that does not concern it.
    """
    return digest(
        {
            "format": _ACTION_FORMAT,
            "executionId": execution_id,
            "runId": run_id,
            "planHash": hashed,
            "stepId": step.id,
            "contractDigest": step.contract_digest,
            "arguments": arguments,
            "verdict": decision["verdict"],
            "rules": [rule["rule"] for rule in decision["rules"]],
            "approverRole": decision["approverRole"],
            "quorum": decision["quorum"],
            "expiresAt": expires_at,
        }
    )
