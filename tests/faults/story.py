"""A small true story for tests of the checker: one run of two steps, told by clients, record and
service. Tests plant a lie in it and see whether the checker finds that."""

from dataclasses import dataclass, field
from typing import Any

from tests.faults.checker.check import Verdict, check
from tests.faults.checker.record import Entry
from tests.faults.history import OK, History, Operation

JsonObject = dict[str, Any]

EXECUTION = "exec_1"
REFUND, REPLY = "step_refund", "step_reply"
_CONTRACTS = {REFUND: "support.refund.issue@1.0.0", REPLY: "support.customer.reply@1.0.0"}


@dataclass
class Fact:
    """What an entry is made of, before it has a place."""

    type: str
    body: JsonObject = field(default_factory=dict)
    actor: str = ""
    execution: str | None = EXECUTION


@dataclass
class Story:
    """What was asked for, what was recorded and what happened; each may be changed."""

    operations: list[Operation]
    facts: list[Fact]
    effects: list[JsonObject]

    def asked(self, kind: str) -> Operation:
        """The first operation of a kind."""
        return next(one for one in self.operations if one.kind == kind)

    def fact(self, kind: str, step: str | None = None) -> Fact:
        """The first fact of a type (about a step)."""
        return next(
            fact
            for fact in self.facts
            if fact.type == kind and step in (None, fact.body.get("stepId"))
        )

    def ask(self, kind: str, **told: Any) -> Operation:
        """Add an operation after all others."""
        last = max((one.ended or one.invoked) for one in self.operations)
        made = operation(kind, last + 1, **told)
        self.operations.append(made)
        return made

    def after(self, kind: str, step: str | None, *facts: Fact) -> None:
        """Put facts behind the first one of a type."""
        at = self.facts.index(self.fact(kind, step)) + 1
        self.facts[at:at] = facts

    def record(self) -> list[Entry]:
        """The facts as entries, each on its chain."""
        entries: list[Entry] = []
        heads: dict[str, Entry] = {}
        for position, fact in enumerate(self.facts, 1):
            chain = fact.execution or "acme"
            head = heads.get(chain)
            seq, previous = (head.seq + 1, head.hash) if head else (1, "0" * 64)
            entry = Entry(
                position, chain, seq, f"2026-01-01T00:00:{position:02}.000000Z", fact.type,
                fact.execution, fact.actor, fact.body, previous, f"{position:064}",
            )  # fmt: skip
            heads[chain] = entry
            entries.append(entry)
        return entries

    def verdict(self) -> Verdict:
        """What the checker says of it."""
        return check(History(self.operations), self.record(), self.effects)


def operation(kind: str, at: float, client: str = "ann", **told: Any) -> Operation:
    """An operation that was answered half a second after ``at``, unless ``told`` says otherwise."""
    given: JsonObject = {"execution": EXECUTION, "ended": at + 0.5, "outcome": OK, **told}
    return Operation(kind, client, at, **given)


def dispatched(step: str, attempt: int = 1, epoch: int = 1, **more: object) -> Fact:
    """An attempt was begun."""
    verdict = "assist" if step == REFUND else "autonomous"
    body = {"stepId": step, "attempt": attempt, "epoch": epoch, "decision": {"verdict": verdict}}
    return Fact("step.dispatched", {**body, "idempotencyKey": f"key_{step}", **more})


def settled(how: str, step: str, attempt: int = 1, epoch: int = 1, **more: object) -> Fact:
    """What came of an attempt."""
    return Fact(f"step.{how}", {"stepId": step, "attempt": attempt, "epoch": epoch, **more})


def unknown() -> JsonObject:
    """The problem of an attempt of which nobody knows what it did."""
    return {"problem": {"code": "OUTCOME_UNKNOWN"}}


def effect(kind: str, key: str | None = None, **payload: object) -> JsonObject:
    """Something that happened at the service."""
    return {"kind": kind, "key": key, "payload": payload}


def true_story() -> Story:
    """A run that was approved, paused, resumed and completed."""
    marks = [
        {"key": "refund", "marker": "refund:10100", "keyed": True},
        {"key": "reply", "marker": "reply:hello", "keyed": False},
    ]
    operations = [
        operation("submit", 1),
        operation("compile", 2, value={"steps": marks}),
        operation("verify", 3, "olga"),
        operation("start", 4, "olga", status="RUNNING"),
        operation("read", 5, "rita", status="WAITING_APPROVAL"),
        operation("pause", 6, "otto", status="PAUSED"),
        operation("resume", 7, "otto", status="RUNNING"),
        operation("approve", 8, "fiona", step=REFUND),
        operation("read", 9, "rita", status="COMPLETED"),
    ]
    steps = [
        {"id": step, "key": step.removeprefix("step_"), "contract": contract}
        for step, contract in _CONTRACTS.items()
    ]
    asked = {"approvalId": "appr_1", "stepId": REFUND}
    facts = [
        Fact("intent.received", actor="ann"),
        Fact("plan.compiled", {"steps": steps}, "ann"),
        Fact("plan.verified", {"executionStatus": "verified"}, "olga"),
        Fact("run.started", {"executionStatus": "running"}, "olga"),
        dispatched(REPLY),
        settled("completed", REPLY),
        Fact("approval.requested", asked),
        Fact("run.waiting", {"executionStatus": "waiting_approval"}),
        Fact("run.paused", {"executionStatus": "paused"}, "otto"),
        Fact("run.resumed", {"executionStatus": "running"}, "otto"),
        Fact("approval.voted", {**asked, "approved": True}, "fiona"),
        dispatched(REFUND, epoch=2, approvalId="appr_1"),
        settled("completed", REFUND, epoch=2),
        Fact("run.ended", {"executionStatus": "completed", "steps": {}}),
    ]
    effects = [
        effect("reply", body="hello"),
        effect("refund", "key_step_refund", cents=10100),
    ]
    return Story(operations, facts, effects)
