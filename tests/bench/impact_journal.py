"""A generated record of decisions: calls and one-step executions of refunds, written as rows.

The rows are what a gateway writes, without the hash chain, which analysis does not look at.
"""

import itertools
import random
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.contracts import Registry
from gateway.journal.database import open_writer
from gateway.journal.statement import inserting
from gateway.journal.tables import entry, execution, plan
from gateway.model.decision import AccessDecision, VerdictDecision
from gateway.model.json import JsonObject, encode
from gateway.model.pii import Owner
from gateway.model.ports import Sealer
from gateway.model.principal import Principal, PrincipalType
from gateway.model.time import stamp
from gateway.policy import PolicyRevision

CALLED = (
    "controlPlane.execution.get",
    "controlPlane.execution.list",
    "controlPlane.intent.submit",
    "controlPlane.approval.list",
    "controlPlane.plan.get",
    "controlPlane.trace.get",
)
REFUND = "support.refund.issue"
_ROLES = (("user",), ("user", "planner"), ("admin",), ("user", "approver"), ("auditor",))
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_BATCH = 5_000

Row = dict[str, Any]


class Generator:
    """Makes records as ``revision`` decides them; seeded, so that two runs are alike."""

    def __init__(
        self, revision: PolicyRevision, registry: Registry, sealer: Sealer, seed: int = 7
    ) -> None:
        self._random = random.Random(seed)  # noqa: S311 - sample data
        self._revision = revision
        self._registry = registry
        self._sealer = sealer
        self._positions = itertools.count(1)
        self._access: dict[tuple[Principal, str], AccessDecision] = {}

    def write(
        self, path: Path, decisions: int, people: int = 10_000, batch_of: int = _BATCH
    ) -> int:
        """Write at least this many decisions; returns how many there are."""
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = {
            "entry": inserting(entry),
            "execution": inserting(execution),
            "plan": inserting(plan),
        }
        made = 0
        with closing(open_writer(path)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            while made < decisions:
                batch: dict[str, list[tuple[Any, ...]]] = {name: [] for name in rows}
                for _ in range(batch_of):
                    found, count = self._one(people)
                    made += count
                    for name, row in found:
                        batch[name].append(rows[name].sqlite.bind(**row))
                connection.execute("BEGIN")
                for name, values in batch.items():
                    connection.executemany(rows[name].sqlite.sql, values)
                connection.execute("COMMIT")
        return made

    def _one(self, people: int) -> tuple[list[tuple[str, Row]], int]:
        who = self._person(self._random.randrange(people))
        if self._random.random() < 0.6:
            return [("entry", self._call(who))], 1
        return self._refund(who)

    def _person(self, number: int) -> Principal:
        kinds = (PrincipalType.HUMAN, PrincipalType.AGENT, PrincipalType.SERVICE)
        roles = frozenset(_ROLES[number % len(_ROLES)])
        return Principal(kinds[number % 3], f"user-{number}", f"ws-{number % 5}", roles)

    def _allowed(self, who: Principal, key: str) -> AccessDecision:
        found = self._access.get((who, key))
        if found is None:
            contract = self._registry.resolve(key)
            assert contract is not None
            found = self._access[who, key] = self._revision.access(who, contract)
        return found

    def _call(self, who: Principal) -> Row:
        contract = self._registry.resolve(self._random.choice(CALLED))
        assert contract is not None
        decision = self._allowed(who, contract.key)
        kind = "query.answered" if decision.allowed else "call.denied"
        body = {
            "contract": contract.ref,
            "subject": who.subject,
            "principalType": who.type.value,
            "roles": sorted(who.roles),
            "capabilities": None,
            "session": f"tok_{self._random.getrandbits(128):032x}",
            "traceId": f"{self._random.getrandbits(128):032x}",
            "inputDigest": f"{self._random.getrandbits(256):064x}",
            "decision": decision.to_json(),
            "verdict": None,
        }
        return self._entry(kind, who, body)

    def _refund(self, who: Principal) -> tuple[list[tuple[str, Row]], int]:
        contract = self._registry.resolve(REFUND)
        assert contract is not None
        own, plan_id = (f"{name}_{self._random.getrandbits(128):032x}" for name in ("exec", "plan"))
        step_id = f"step_{self._random.getrandbits(128):032x}"
        amount = round(self._random.uniform(1, 300), 2)
        email = self._sealer.seal(
            Owner(who.workspace, "call/1"), contract.ref, "input.customerEmail", "a@b.example"
        )
        given = {"orderId": "o-1001", "amount": amount, "currency": "EUR", "customerEmail": email}
        access = self._allowed(who, REFUND)
        verdict = self._revision.verdict(who, contract, {**given, "customerEmail": "a@b.example"})
        effective = verdict.verdict.value if access.allowed else "blocked"
        told = {**verdict.to_json(), "verdict": effective, "access": access.to_json()}
        verified = self._entry(
            "plan.verified",
            who,
            {"planId": plan_id, "verdict": effective, "decisions": {step_id: told}},
            own,
        )
        step = {
            "id": step_id,
            "key": "call",
            "contract": contract.ref,
            "contractDigest": contract.digest,
            "input": given,
            "dependsOn": [],
            "pii": list(contract.policy.pii),
        }
        found = [
            ("execution", _execution(own, who, plan_id)),
            ("plan", _plan(own, plan_id, step, verified["at"])),
            ("entry", verified),
        ]
        if effective == "blocked":
            return found, 2
        found += [("entry", row) for row in self._step(who, own, plan_id, step, access, verdict)]
        return found, 4 if effective == "autonomous" else 3

    def _step(
        self,
        who: Principal,
        own: str,
        plan_id: str,
        step: JsonObject,
        access: AccessDecision,
        verdict: VerdictDecision,
    ) -> Iterator[Row]:
        named = {"planId": plan_id, "stepId": step["id"], "contract": step["contract"]}
        decision = {**named, "decision": verdict.to_json()}
        if verdict.verdict.value == "autonomous":
            body = {**decision, "input": step["input"], "access": access.to_json(), "attempt": 1}
            yield self._entry("step.dispatched", who, body, own)
            yield self._entry("step.completed", who, {**named, "output": {}}, own)
        else:
            asked = {**decision, "arguments": step["input"]}
            yield self._entry("approval.requested", who, asked, own)

    def _entry(self, kind: str, who: Principal, body: JsonObject, own: str | None = None) -> Row:
        position = next(self._positions)
        return {
            "position": position,
            "chain": f"bench/{own or position}",
            "seq": position,
            "format": 1,
            "at": stamp(_BEGIN + timedelta(seconds=position)),
            "type": kind,
            "workspace": who.workspace,
            "execution_id": own,
            "actor": who.subject,
            "body": encode(body),
            "previous": "0" * 64,
            "hash": "0" * 64,
        }


def _execution(own: str, who: Principal, plan_id: str) -> Row:
    row: Row = dict.fromkeys(execution.columns.keys())
    return row | {
        "id": own,
        "workspace": who.workspace,
        "status": "completed",
        "submitter": encode(who.to_json()),
        "subject": who.subject,
        "intent_id": "intent_1",
        "created_at": "",
        "updated_at": "",
        "text": '""',
        "direct": 1,
        "plan_id": plan_id,
        "mode": "autonomous",
        "ended_at": "",
        "stopping": 0,
        "retries": 0,
        "lane_transitions": 0,
        "bundles": 0,
    }


def _plan(own: str, plan_id: str, step: JsonObject, verified_at: str) -> Row:
    row: Row = dict.fromkeys(plan.columns.keys())
    return row | {
        "id": plan_id,
        "execution_id": own,
        "hash": "0" * 64,
        "steps": encode([step]),
        "edges": "[]",
        "compiler": "bench",
        "compensate": 0,
        "compiled_at": verified_at,
        "verified_at": verified_at,
    }
