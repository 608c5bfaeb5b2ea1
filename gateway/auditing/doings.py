"""What the record says of one contract in one stretch: who did, who approved, who saw."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.auditing.consents import CONSENTS, Consents
from gateway.auditing.facts import (
    Fact,
    deciding,
    effect_of,
    fact_of,
    rule_of,
    says_seen,
    seen_of,
)
from gateway.auditing.search import is_meant
from gateway.model.audit_history import AuditHistory, AuditRow
from gateway.model.entry import EntryType
from gateway.model.json import JsonObject

STEPS = (EntryType.STEP_DISPATCHED.value, EntryType.STEP_BLOCKED.value)
CALLS = {
    EntryType.CALL_COMPLETED.value: "COMPLETED",
    EntryType.CALL_FAILED.value: "FAILED",
    EntryType.CALL_DENIED.value: "DENIED",
    EntryType.QUERY_ANSWERED.value: "ANSWERED",
}
"""The entries that record calls, and what came of them."""

WITHOUT_CONTRACT = (
    *(EntryType.STEP_BLOCKED.value, EntryType.PLAN_VERIFIED.value),
    *CONSENTS,
)
"""Entries that may concern a contract and do not name it."""


@dataclass(slots=True)
class Doings:
    """The rows that one entry after the other gives; ``totals`` counts them all.

    ``events`` are the events that the contract emits: what of it is shown in them counts too.
    """

    history: AuditHistory
    workspace: str
    contract: str
    events: frozenset[str]
    subject: str | None
    rules: bool
    totals: Counter[str] = field(default_factory=Counter)
    _statuses: dict[str, str | None] = field(default_factory=dict)

    def of(self, row: AuditRow) -> tuple[list[JsonObject], list[JsonObject], list[JsonObject]]:
        """What an entry says: of doing, of approving, and of seeing."""
        fact = fact_of(row)
        did = [one for one in self._did(fact) if self._concerns(one["actor"])]
        approved = [
            one
            for one in Consents(self.history, self.contract, rules=self.rules).of(fact)
            if self._concerns(one["by"]) or self._concerns(one.get("requestedBy"))
        ]
        saw = [one for one in self._saw(fact) if self._concerns(one["actor"])]
        self._count(did, approved, saw)
        return did, approved, saw

    def _count(
        self, did: list[JsonObject], approved: list[JsonObject], saw: list[JsonObject]
    ) -> None:
        for one in did:
            self.totals["attempts" if one["kind"] == "STEP" else "calls"] += 1
            self.totals["denied"] += one.get("effect") == "DENY"
        for one in approved:
            self.totals[one["kind"].lower()] += 1
        self.totals["saw"] += len(saw)

    def _concerns(self, subject: str | None) -> bool:
        return self.subject in (None, subject)

    # --- who did

    def _did(self, fact: Fact) -> Iterator[JsonObject]:
        kind = fact.row.type
        if kind in CALLS and is_meant(self.contract, fact.contract):
            yield self._row(fact, "CALL", fact.row.actor, fact.body, self._outcome(fact))
        elif kind in STEPS or kind == EntryType.PLAN_VERIFIED.value:
            yield from self._steps(fact)

    def _outcome(self, fact: Fact) -> str:
        own = fact.body.get("executionId")
        status = self._status(own) if isinstance(own, str) else None
        return status or CALLS[fact.row.type]

    def _status(self, execution_id: str) -> str | None:
        if execution_id not in self._statuses:
            found = self.history.execution(self.workspace, execution_id)
            self._statuses[execution_id] = found.status.value.upper() if found else None
        return self._statuses[execution_id]

    def _steps(self, fact: Fact) -> Iterator[JsonObject]:
        """The steps of this contract that an entry says something of."""
        plan_id = fact.body.get("planId")
        if not isinstance(plan_id, str) or fact.row.execution_id is None:
            return
        if fact.row.type == EntryType.PLAN_VERIFIED.value:
            yield from self._blocked_at_verification(fact, plan_id)
            return
        step_id = str(fact.body.get("stepId"))
        step = self.history.step_facts(plan_id, step_id)
        if step is not None and is_meant(self.contract, step.contract):
            is_blocked = fact.row.type == EntryType.STEP_BLOCKED.value
            outcome = "BLOCKED" if is_blocked else step.status.upper()
            yield self._step_row(fact, step_id, step.contract, outcome)

    def _blocked_at_verification(self, fact: Fact, plan_id: str) -> Iterator[JsonObject]:
        decisions = fact.body.get("decisions")
        if fact.body.get("verdict") != "blocked" or not isinstance(decisions, dict):
            return
        for step_id, decision in sorted(decisions.items()):
            if not isinstance(decision, dict) or decision.get("verdict") != "blocked":
                continue
            step = self.history.step_facts(plan_id, step_id)
            if step is not None and is_meant(self.contract, step.contract):
                told = Fact(fact.row, {"decision": decision, "access": decision.get("access")})
                yield self._step_row(told, step_id, step.contract, "BLOCKED") | {"effect": "DENY"}

    def _step_row(self, fact: Fact, step_id: str, contract: str, outcome: str) -> JsonObject:
        execution = self.history.execution(self.workspace, fact.row.execution_id or "")
        who = execution.submitter if execution else None
        said: JsonObject = {"stepId": step_id, "contract": contract}
        if who is not None:
            said |= {"principalType": who.type.value, "roles": sorted(who.roles)}
        return self._row(fact, "STEP", who.subject if who else "", said, outcome)

    def _row(self, fact: Fact, kind: str, actor: str, said: JsonObject, outcome: str) -> JsonObject:
        decision, verdict = deciding(fact), fact.verdict
        told = {
            "cursor": str(fact.row.position),
            "at": fact.row.at,
            "kind": kind,
            "actor": actor,
            "principalType": str(said.get("principalType", "")).upper() or None,
            "roles": said.get("roles"),
            "contract": said.get("contract"),
            "decisionId": decision.get("decisionId") if decision else None,
            "effect": effect_of(fact),
            "verdict": verdict["verdict"].upper() if verdict else None,
            "rule": rule_of(decision) if self.rules else None,
            "policyVersion": decision.get("policyRevision") if decision else None,
            "executionId": fact.execution_id,
            "stepId": said.get("stepId"),
            "outcome": outcome,
            "code": fact.body.get("code"),
            "approvalId": fact.body.get("approvalId"),
            "grantId": fact.body.get("grantId"),
        }
        return {name: value for name, value in told.items() if value is not None}

    # --- who saw

    def _saw(self, fact: Fact) -> Iterator[JsonObject]:
        fields = [one for one in seen_of(fact) if self._is_of_contract(one["contract"])]
        if not fields and not self._lacks_seen(fact):
            return
        seen = fact.body.get("seen")
        executions = seen.get("executions") if isinstance(seen, dict) else None
        told = {
            "cursor": str(fact.row.position),
            "at": fact.row.at,
            "actor": fact.row.actor,
            "principalType": str(fact.body.get("principalType", "")).upper() or None,
            "roles": fact.body.get("roles"),
            "via": fact.contract,
            "decisionId": (deciding(fact) or fact.body).get("decisionId"),
            "recorded": says_seen(fact),
            "fields": fields,
            "executions": executions or [],
        }
        yield {name: value for name, value in told.items() if value is not None}

    def _is_of_contract(self, ref: str) -> bool:
        return ref in self.events or is_meant(self.contract, ref)

    def _lacks_seen(self, fact: Fact) -> bool:
        """True for an answer of the contract itself that an earlier release recorded."""
        if fact.row.type not in ("call.completed", "query.answered") or says_seen(fact):
            return False
        return is_meant(self.contract, fact.contract)
