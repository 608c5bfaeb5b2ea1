"""Digests that bind: the plan's deterministic hash, step ids, and the action digest.

All are SHA-256 over RFC 8785 forms in which PII stands as keyed commitments, so that no digest lets
anybody guess a value.
"""

from collections.abc import Iterable

from gateway.model.json import JsonObject, JsonValue, digest
from gateway.model.plan import PlanStep
from gateway.model.ports import Sealer
from gateway.model.sealing import commit_paths
from gateway.runtime.draft import COMPENSATE

_PLAN_FORMAT = 1
_ACTION_FORMAT = 1


def plan_hash(
    sealer: Sealer, workspace: str, steps: Iterable[PlanStep], *, compensate: bool = False
) -> str:
    """The deterministic hash of a plan: contracts with their content digests, inputs and edges.

    Neither the order of keys nor that of the steps takes part, for neither has a meaning. That a
    failure is to be compensated takes part where the draft says so.
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
    whole: JsonObject = {"format": _PLAN_FORMAT, "steps": parts}
    return digest({**whole, "onFailure": COMPENSATE} if compensate else whole)


def _committed(sealer: Sealer, workspace: str, step: PlanStep) -> JsonValue:
    """The input with each PII literal committed; a direct call's plan holds no references."""
    keep = bool(step.depends_on)
    return commit_paths(sealer, workspace, step.input, step.pii, keep_references=keep)


def step_id(hashed: str, key: str) -> str:
    """The id of a step: derived, so that the same plan has the same ids wherever it is compiled."""
    return f"step_{digest([hashed, key])[:32]}"


def idempotency_key(run_id: str, step_id: str, key_base: int) -> str:
    """The key under which a step is sent; ``key_base`` attempts were made under earlier keys.

    A service that honours keys answers a known one with its first answer, so a step that certainly
    had no effect needs another key to be tried anew, and one in doubt needs to keep its key.
    """
    named: list[JsonValue] = [run_id, step_id]
    return f"key_{digest([*named, key_base] if key_base else named)[:32]}"


def action_digest(
    *,
    execution_id: str,
    run_id: str,
    hashed: str,
    step: PlanStep,
    arguments: JsonValue,
    decision: JsonObject,
    requester_roles: Iterable[str],
    expires_at: str,
    base: int = 0,
) -> str:
    """What an approval binds to: exactly this action, under these rules, until this moment.

    ``arguments`` is the resolved input with PII committed. Rules take part by their text and the
    policy revision does not: an approval outlives a change of policy that does not concern it. The
    requester's effective roles take part, so that it does not outlive their grants.
    ``base`` counts the attempts before an operator had the step tried again: consent to what was
    done before is none to doing it anew.
    """
    later = {"base": base} if base else {}
    return digest(
        {
            **later,
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
            "escalateAfter": decision["escalateAfter"],
            "escalateTo": decision["escalateTo"],
            "requesterRoles": sorted(requester_roles),
            "expiresAt": expires_at,
        }
    )
