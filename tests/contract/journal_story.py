"""Entries of a small, valid history, for tests of any journal."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from gateway.model.entry import Entry, EntryType, NewEntry
from gateway.model.plan import PlanStep
from gateway.model.principal import Principal, PrincipalType

WORKSPACE = "acme"
ALICE = Principal(PrincipalType.HUMAN, "alice", WORKSPACE, frozenset({"user"}))
DECISION = {"verdict": "assist", "rules": [], "approverRole": "approver", "quorum": 1}
PROBLEM = {"code": "TIMEOUT", "status": 504, "detail": "too late"}


class SteppingClock:
    """A clock that moves on by a millisecond whenever somebody looks."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)

    def now(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment


def placed(written: list[Entry], after: int = 0) -> list[Entry]:
    """Entries as they are read back: some journals number them when a batch is complete."""
    return [entry._replace(position=place) for place, entry in enumerate(written, after + 1)]


class Story:
    """Builds the entries of one execution; ``name`` makes its ids."""

    def __init__(self, name: str, workspace: str = WORKSPACE, subject: str = "alice") -> None:
        self.name = name
        self.workspace = workspace
        self.subject = subject
        self.execution_id = f"exec_{name}"
        self.plan_id = f"plan_{name}"
        self.run_id = f"run_{name}"

    def entry(self, kind: EntryType, /, **body: Any) -> NewEntry:
        return NewEntry(kind, self.workspace, body, self.execution_id, self.subject)

    def received(self, **more: Any) -> NewEntry:
        submitter = Principal(PrincipalType.HUMAN, self.subject, self.workspace).to_json()
        body = {
            "intentId": f"intent_{self.name}",
            "submitter": submitter,
            "text": {"$sealed": [1, "c", "input.text", "k", "x"]},
            "channel": "web",
            "traceId": None,
            "metadata": {"ticket": 7},
            "direct": False,
        }
        return self.entry(EntryType.INTENT_RECEIVED, **body | more)

    def compiled(self, *keys: str) -> NewEntry:
        steps = [
            PlanStep(f"step_{key}", key, "support.ticket.read@1.0.0", "ab", {"id": 1}).to_json()
            for key in keys
        ]
        edges = [[source, target, ""] for source, target in pairwise(keys)]
        return self.entry(
            EntryType.PLAN_COMPILED,
            planId=self.plan_id,
            hash="h" * 64,
            steps=steps,
            edges=edges,
            compiler="alice",
            plannerModel=None,
        )

    def verified(self, *keys: str, blocked: bool = False) -> NewEntry:
        return self.entry(
            EntryType.PLAN_VERIFIED,
            planId=self.plan_id,
            verdict="blocked" if blocked else "assist",
            risk="high",
            decisions={f"step_{key}": DECISION for key in keys},
            revision="sha256:1",
            verifiedBy="alice",
            blockedReasons=["no"] if blocked else [],
            executionStatus="blocked" if blocked else "verified",
        )

    def started(self) -> NewEntry:
        return self.entry(
            EntryType.RUN_STARTED,
            runId=self.run_id,
            planId=self.plan_id,
            mode="autonomous",
            starter="alice",
            revision="sha256:1",
            executionStatus="running",
        )

    def step(self, kind: EntryType, key: str, /, **body: Any) -> NewEntry:
        place = {"planId": self.plan_id, "stepId": f"step_{key}"}
        return self.entry(kind, **place, **body)

    def dispatched(self, key: str, attempt: int = 1, **body: Any) -> NewEntry:
        return self.step(
            EntryType.STEP_DISPATCHED,
            key,
            key=key,
            contract="support.ticket.read@1.0.0",
            attempt=attempt,
            epoch=1,
            input={"id": 1},
            decision=DECISION,
            access={},
            idempotencyKey="i",
            **body,
        )

    def completed(self, key: str, attempt: int = 1, epoch: int = 1) -> NewEntry:
        body = {"attempt": attempt, "epoch": epoch, "output": {"ok": True}, "events": []}
        return self.step(EntryType.STEP_COMPLETED, key, **body)

    def requested(self, key: str, approval_id: str, quorum: int = 1) -> NewEntry:
        return self.step(
            EntryType.APPROVAL_REQUESTED,
            key,
            approvalId=approval_id,
            contract="support.refund.issue@1.0.0",
            digest="d" * 64,
            arguments={"amount": 80.5},
            decision=DECISION,
            approverRole="approver",
            quorum=quorum,
            risk="high",
            reason="over the limit",
            requestedBy=self.subject,
            expiresAt="2026-03-02T09:30:00.000000Z",
        )

    def voted(self, key: str, approval_id: str, by: str, *, approved: bool) -> NewEntry:
        body = {"approvalId": approval_id, "by": by, "note": None, "approved": approved}
        return self.step(EntryType.APPROVAL_VOTED, key, **body)

    def ended(self, status: str = "completed", **steps: str) -> NewEntry:
        by_id = {f"step_{key}": to for key, to in steps.items()}
        return self.entry(EntryType.RUN_ENDED, executionStatus=status, steps=by_id)

    def until_started(self, *keys: str) -> list[NewEntry]:
        return [self.received(), self.compiled(*keys), self.verified(*keys), self.started()]

    def whole(self, *keys: str) -> list[NewEntry]:
        steps = [made for key in keys for made in (self.dispatched(key), self.completed(key))]
        return [*self.until_started(*keys), *steps, self.ended()]


def call(used: str | None, workspace: str = WORKSPACE, /, **body: Any) -> NewEntry:
    """A completed call under an idempotency key."""
    told = {
        "contract": "support.reply@1.0.0",
        "key": "support.reply",
        "subject": "alice",
        "idempotencyKey": used,
        "inputDigest": "f" * 64,
        "output": {"sent": True},
        "executionId": None,
        "decision": {},
    }
    return NewEntry(EntryType.CALL_COMPLETED, workspace, told | body, None, "alice")
