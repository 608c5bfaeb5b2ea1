"""Who reads the record or the policies is recorded: what they looked for, and how much left.

An input is recorded as its digest by every call. What of it is a name, a time or a number is told
in clear beside it; texts that somebody wrote are not.
"""

from collections.abc import Mapping
from dataclasses import replace

from gateway.contracts import Registry
from gateway.model.json import JsonObject, JsonValue
from gateway.pipeline import Admitted, Bindings, Command, Query

AUDIT_RECORD = "audit.record@1.0.0"
"""The capability whose readings are durable before the answer leaves."""

READING = frozenset(
    {
        *(AUDIT_RECORD, "control-plane.audit@1.0.0", "policy.review@1.0.0"),
        *("policy.administration@1.0.0", "policy.decision@1.0.0"),
    }
)
"""The capabilities whose queries read the record or the policies."""

_NAMES = frozenset(
    {
        *("actor", "subject", "contract", "executionId", "runId", "stepId", "planId"),
        *("revision", "changesetId", "workspace", "workspaceId", "on", "from", "to"),
        *("types", "type", "effect", "parts", "kind", "model", "role", "status", "mode", "format"),
        *("export", "after", "limit", "offset", "includePayloads", "allowed"),
    }
)
_LISTS = ("items", "entries", "results", "differences", "policyRevisions")
_PARTS = ("could", "did", "approved", "saw")
_LONGEST = 200
_MOST = 20


def with_readings(registry: Registry, bindings: Bindings) -> Bindings:
    """The bindings, where each query of the record or the policies tells what was read."""
    return {ref: _told(registry, ref, bound) for ref, bound in bindings.items()}


def _told(registry: Registry, ref: str, bound: Command | Query) -> Command | Query:
    contract = registry.operations.get(ref)
    if not isinstance(bound, Query) or contract is None or contract.capability not in READING:
        return bound
    if bound.recorded is not None:  # it keeps what it answered, as enforcement points ask it often
        return bound
    return replace(bound, reading=reading, durable=contract.capability == AUDIT_RECORD)


def reading(admitted: Admitted, output: JsonObject) -> JsonObject:
    """What was looked for, as far as it is safe, and how many rows the answer has."""
    return {"filter": safe_filter(admitted.value), "rows": rows_of(output)}


def safe_filter(value: Mapping[str, JsonValue]) -> JsonObject:
    """The members of an input that are names, moments and numbers; bounded."""
    told: JsonObject = {}
    for name, given in value.items():
        if name in _NAMES and given is not None:
            if isinstance(given, list):
                told[name] = [_short(item) for item in given[:_MOST]]
            else:
                told[name] = _short(given)
    return told


def _short(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return value[:_LONGEST]
    return value if isinstance(value, bool | int | float) else None


def rows_of(output: JsonObject) -> int:
    """How many rows an answer has."""
    lists = [output[name] for name in _LISTS if isinstance(output.get(name), list)]
    parts = [output[name] for name in _PARTS if isinstance(output.get(name), dict)]
    found = sum(map(len, lists)) + sum(len(part.get("items") or []) for part in parts)
    counted = output.get("rows")
    if isinstance(counted, int):
        return found + counted
    return found if lists or parts else 1
