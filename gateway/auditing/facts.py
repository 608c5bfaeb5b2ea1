"""What an entry says that an auditor may read: names, decisions, rules; no payload and no reason.

Entries of earlier releases lack members that later ones have, so nothing is taken for granted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.model.audit_history import AuditRow
from gateway.model.entry import EntryType
from gateway.model.json import JsonObject, decode

_NAMES = (
    *("principalType", "roles", "session", "traceId", "stepId", "runId", "approvalId"),
    *("grantId", "changesetId", "deliveryId", "endpoint", "code"),
)
"""Members of bodies that are shown as they are: no person wrote them."""

_TEXTS = frozenset(_NAMES) - {"roles"}


@dataclass(frozen=True, slots=True)
class Fact:
    """An entry with its body read."""

    row: AuditRow
    body: JsonObject

    @property
    def access(self) -> JsonObject | None:
        """The access decision, as it was recorded."""
        return _first(self.body, "effect", "decision", "access")

    @property
    def verdict(self) -> JsonObject | None:
        """The decision how a step may run, as it was recorded."""
        return _first(self.body, "verdict", "verdict", "decision")

    @property
    def contract(self) -> str | None:
        """The contract that the entry is about, ``key@version``."""
        found = self.body.get("contract")
        return found if isinstance(found, str) else None

    @property
    def execution_id(self) -> str | None:
        """The execution that it is of, or that it started."""
        found = self.row.execution_id or self.body.get("executionId")
        return found if isinstance(found, str) else None


def fact_of(row: AuditRow) -> Fact:
    """An entry with its body; a body that cannot be read is taken for an empty one."""
    try:
        body = decode(row.body)
    except ValueError:
        body = None
    return Fact(row, body if isinstance(body, dict) else {})


def effect_of(fact: Fact) -> str | None:
    """ALLOW or DENY; None for what decides nothing."""
    kind = fact.row.type
    if kind in (EntryType.CALL_DENIED.value, EntryType.STEP_BLOCKED.value):
        return "DENY"
    access = fact.access
    if access is not None:
        return "ALLOW" if access["effect"] == "allow" else "DENY"
    return "DENY" if kind == EntryType.CALLS_DENIED.value else None


def deciding(fact: Fact) -> JsonObject | None:
    """The decision that settled it: where access was allowed and the verdict was not, that."""
    access, verdict = fact.access, fact.verdict
    if access is None or (verdict is not None and verdict["verdict"] == "blocked"):
        return verdict or access
    return access


def rule_of(decision: Mapping[str, Any] | None) -> JsonObject | None:
    """The rule that decided, of an access decision or a verdict."""
    if decision is None:
        return None
    rules = decision.get("rules") or []
    found = decision.get("rule") or (rules[0] if rules else None)
    if not isinstance(found, dict):
        return None
    return {"at": str(found.get("at", "")), "text": str(found.get("rule", ""))}


def seen_of(fact: Fact) -> list[JsonObject]:
    """The fields of personal data that were shown, each with its treatment."""
    seen = fact.body.get("seen")
    fields = seen.get("fields") if isinstance(seen, dict) else None
    if not isinstance(fields, dict):
        return []
    found = []
    for name, treatment in sorted(fields.items()):
        contract, _, field = name.partition(" ")
        found.append({"contract": contract, "field": field, "treatment": str(treatment).upper()})
    return found


def says_seen(fact: Fact) -> bool:
    """Whether the entry says what was shown, be it nothing, or that another entry says so."""
    return "seen" in fact.body


def entry_item(fact: Fact, *, rules: bool) -> JsonObject:
    """An entry as it is listed; ``rules`` where the reader may read the rules."""
    row, body, decision = fact.row, fact.body, deciding(fact)
    verdict = fact.verdict
    told = {
        "cursor": str(row.position),
        "at": row.at,
        "type": row.type,
        "actor": row.actor or None,
        "contract": fact.contract,
        "executionId": fact.execution_id,
        **{name: _shown(name, body.get(name)) for name in _NAMES},
        "decisionId": decision.get("decisionId") if decision else None,
        "effect": effect_of(fact),
        "verdict": verdict["verdict"].upper() if verdict else None,
        "rule": rule_of(decision) if rules else None,
        "policyVersion": (decision or body).get("policyRevision"),
        "seenRecorded": says_seen(fact),
        "seen": seen_of(fact),
        "reading": _object(body.get("reading")),
        "chain": row.chain,
        "seq": row.seq,
        "hash": row.hash,
    }
    return {name: value for name, value in told.items() if value is not None}


def _first(body: JsonObject, member: str, *names: str) -> JsonObject | None:
    for name in names:
        found = body.get(name)
        if isinstance(found, dict) and isinstance(found.get(member), str):
            return found
    return None


def _shown(name: str, value: Any) -> Any:
    if name in _TEXTS:
        return value if isinstance(value, str) else None
    is_list = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return value if is_list else None


def _object(value: Any) -> JsonObject | None:
    return value if isinstance(value, dict) else None
