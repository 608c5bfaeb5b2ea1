"""Walks through the entries of one execution and holds each to what the page allows.

One attempt of a step at a time, numbered without a gap, settled once; nothing is sent while the
run is paused, being shut down or over, nor before what it depends on; nothing that is completed is
sent again; all attempts have one key, unless an operator had the step tried afresh; no claim of an
earlier epoch writes; consent is there before what it was asked for, and is used once; a run ends
once, and by itself only when nothing of it is under way.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.checker.record import Entry
from tests.faults.checker.tables import OVER, TRANSITIONS, UNDER_WAY

SETTLING = {
    "step.completed": "COMPLETED",
    "step.failed": "FAILED",
    "step.retrying": "READY",
    "step.unresolved": "UNRESOLVED",
}
_DONE = ("COMPLETED", "SKIPPED")
_SENT_FROM = ("PLANNED", "READY", "WAITING_APPROVAL")
_UNKEYED = ("support.customer.reply@1.0.0",)
"""Commands that must not be repeated by themselves once they may have had their effect."""
_DECLINED = "the last one was declined"
"""What is said of an attempt that had no effect and follows on others of which nobody knows."""
_ATTEMPTS = 4
"""How often a step is tried in one round."""


@dataclass
class Walked:
    """A step as its entries tell it.

    ``attempt`` is the last one begun, ``base`` the last one of earlier rounds, ``sent`` how many
    there were. ``repeats`` counts how often an operator had it tried again while it was in doubt.
    ``depends_on`` are keys of steps, ``keys`` those that it was sent under, and ``fresh`` is true
    where the next attempt may have another one.
    """

    contract: str
    key: str
    depends_on: tuple[str, ...] = ()
    status: str = "PLANNED"
    attempt: int = 0
    base: int = 0
    sent: int = 0
    repeats: int = 0
    doubted: bool = False
    fresh: bool = False
    keys: list[str] = field(default_factory=list)


@dataclass
class Walk:
    """One walk; ``faults`` are what was found, ``status`` is where the execution stands."""

    execution: str
    status: str | None = None
    stopping: bool = False
    epoch: int = 0
    steps: dict[str, Walked] = field(default_factory=dict)
    approvals: dict[str, str] = field(default_factory=dict)
    asked_for: dict[str, str | None] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def take(self, entry: Entry) -> None:
        """Take the next entry."""
        self._epoch(entry)
        handle = _HANDLERS.get(entry.type)
        if handle is not None:
            handle(self, entry)
        after = entry.status
        if after is not None:
            self._move(entry, after)

    def fault(self, entry: Entry, told: str) -> None:
        self.faults.append(f"{self.execution}, entry {entry.position} ({entry.type}): {told}")

    def _move(self, entry: Entry, after: str) -> None:
        allowed = after == "RECEIVED" if self.status is None else after in TRANSITIONS[self.status]
        # An entry may repeat a state that the run already has: that moves nothing.
        if not allowed and after != self.status:
            self.fault(entry, f"{self.status} became {after}")
        self.status = after
        if after in OVER:
            self.stopping = False

    def _epoch(self, entry: Entry) -> None:
        epoch = entry.body.get("epoch")
        if epoch is None:
            return
        if epoch < self.epoch:
            self.fault(entry, f"epoch {epoch} wrote after epoch {self.epoch}")
        self.epoch = max(self.epoch, epoch)

    def _step(self, entry: Entry) -> Walked:
        return self.steps[entry.step or ""]

    # --- one kind of entry each

    def compiled(self, entry: Entry) -> None:
        self.steps = {
            step["id"]: Walked(step["contract"], step["key"], tuple(step.get("dependsOn", ())))
            for step in entry.body["steps"]
        }

    def stopped(self, _: Entry) -> None:
        self.stopping = True

    def dispatched(self, entry: Entry) -> None:
        step = self._step(entry)
        if self.status not in ("RUNNING", "WAITING_APPROVAL") or self.stopping:
            told = " and being shut down" if self.stopping else ""
            self.fault(entry, f"a step is sent while the run is {self.status}{told}")
        if step.status not in _SENT_FROM:
            self.fault(entry, f"step {step.key} is sent although it is {step.status}")
        if entry.body["attempt"] != step.attempt + 1:
            self.fault(entry, f"attempt {entry.body['attempt']} follows {step.attempt}")
        self._hold_back(entry, step)
        self._use(entry, step)
        step.status, step.attempt, step.sent = "DISPATCHED", entry.body["attempt"], step.sent + 1
        key = entry.body["idempotencyKey"]
        if step.keys and key != step.keys[-1] and not step.fresh:
            self.fault(entry, f"step {step.key} is sent under another key than before")
        step.fresh = False
        step.keys.append(key)

    def _hold_back(self, entry: Entry, step: Walked) -> None:
        for before in self.steps.values():
            if before.key in step.depends_on and before.status not in _DONE:
                told = f"step {step.key} is sent while {before.key} is {before.status}"
                self.fault(entry, f"{told}, on which it depends")

    def _use(self, entry: Entry, step: Walked) -> None:
        approval = entry.body.get("approvalId")
        if approval is None:
            if entry.body["decision"]["verdict"] == "assist" and not entry.body.get("grantId"):
                self.fault(entry, f"step {step.key} is sent without the consent it needs")
        elif self.approvals.get(approval) not in ("approved", f"used by {entry.step}"):
            self.fault(entry, f"consent {approval} is {self.approvals.get(approval)}")
        elif self.asked_for.get(approval) != entry.step:
            self.fault(entry, f"consent {approval} was asked for another step than {step.key}")
        else:
            self.approvals[approval] = f"used by {entry.step}"

    def settled(self, entry: Entry) -> None:
        step = self._step(entry)
        late = step.status == "UNRESOLVED"  # it was aborted, and its outcome came after that
        if step.status != "DISPATCHED" and not late:
            self.fault(entry, f"step {step.key} is settled although it is {step.status}")
        if entry.body["attempt"] != step.attempt:
            self.fault(entry, f"attempt {entry.body['attempt']} is settled, not {step.attempt}")
        told = entry.body.get("problem") or {}
        unknown = told.get("code") == "OUTCOME_UNKNOWN"
        # This attempt did nothing, and for those before it an operator answers who had it repeated.
        answered_for = step.repeats > 0 and _DECLINED in told.get("detail", "")
        is_unkeyed = step.contract in _UNKEYED and not answered_for
        if entry.type == "step.retrying" and unknown and is_unkeyed:
            self.fault(entry, f"step {step.key} may have had its effect and is tried again")
        # An unusable answer after a success is another matter: such a step is never sent again.
        gave_up = entry.type == "step.unresolved" and unknown and not entry.actor
        if gave_up and self._is_repeatable(step):
            self.fault(entry, f"step {step.key} could be tried again and is left unresolved")
        step.status = SETTLING[entry.type]
        step.doubted = unknown or entry.type == "step.unresolved"

    def _is_repeatable(self, step: Walked) -> bool:
        """Whether the gateway itself has to try the step again until it knows what became of it."""
        goes_on = self.status in UNDER_WAY and not self.stopping
        return goes_on and step.contract not in _UNKEYED and step.attempt - step.base < _ATTEMPTS

    def retried(self, entry: Entry) -> None:
        for step_id, status in entry.body["steps"].items():
            step = self.steps[step_id]
            step.fresh = step_id in entry.body["fresh"]
            step.repeats += not step.fresh
            step.base = step.attempt
            step.status = status.upper()

    def reconciled(self, entry: Entry) -> None:
        step = self._step(entry)
        if step.status != "UNRESOLVED" or entry.body["attempt"] != step.attempt:
            self.fault(entry, f"step {step.key} is reconciled although it is {step.status}")
        if entry.body["outcome"] == "repeat":
            step.repeats += 1
            step.base = step.attempt
        step.status = entry.body["stepStatus"].upper()

    def over(self, entry: Entry) -> None:
        for step_id, status in (entry.body.get("steps") or {}).items():
            self.steps[step_id].status = status.upper()
        if self.status in OVER:
            self.fault(entry, f"a run ends that is {self.status}")
        if entry.actor:  # a person ended it, whatever is under way
            return
        right = _DONE if entry.status == "COMPLETED" else ()
        for step in self.steps.values():
            if step.status == "DISPATCHED" or (right and step.status not in right):
                self.fault(entry, f"the run is {entry.status} while {step.key} is {step.status}")

    def asked(self, entry: Entry) -> None:
        approval = entry.body["approvalId"]
        if approval in self.approvals:
            self.fault(entry, f"consent {approval} is asked for twice")
        self.approvals[approval] = "pending"
        self.asked_for[approval] = entry.step
        self._step(entry).status = "WAITING_APPROVAL"

    def voted(self, entry: Entry) -> None:
        self._decide(entry, "approved" if entry.body["approved"] else "pending")

    def rejected(self, entry: Entry) -> None:
        self._decide(entry, "rejected")
        self._step(entry).status = "REJECTED"

    def expired(self, entry: Entry) -> None:
        self._decide(entry, "expired")
        self._step(entry).status = "EXPIRED"

    def voided(self, entry: Entry) -> None:
        self.approvals[entry.body["approvalId"]] = "void"
        self._step(entry).status = entry.body["stepStatus"].upper()

    def _decide(self, entry: Entry, decision: str) -> None:
        approval = entry.body["approvalId"]
        if self.approvals.get(approval) != "pending":
            self.fault(entry, f"consent {approval} is {self.approvals.get(approval)}")
        self.approvals[approval] = decision


_HANDLERS: dict[str, Callable[[Walk, Entry], None]] = {
    "plan.compiled": Walk.compiled,
    "run.stopping": Walk.stopped,
    "run.retried": Walk.retried,
    "run.ended": Walk.over,
    "step.dispatched": Walk.dispatched,
    **dict.fromkeys(SETTLING, Walk.settled),
    "step.reconciled": Walk.reconciled,
    "approval.requested": Walk.asked,
    "approval.voted": Walk.voted,
    "approval.rejected": Walk.rejected,
    "approval.expired": Walk.expired,
    "approval.voided": Walk.voided,
}


def walk(execution: str, entries: list[Entry]) -> Walk:
    """Walk through all entries of one execution."""
    walked = Walk(execution)
    for entry in entries:
        walked.take(entry)
    return walked
