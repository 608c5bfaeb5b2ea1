"""A small model of a run under an operator's hand, written apart from the runtime.

It knows one plan: ``a`` is a command whose service knows no keys, ``b`` waits for it, ``c`` asks
for an approval, and ``d`` declares a compensation. What it says of statuses is compared with the
record.
"""

from dataclasses import dataclass, field

ORDER = ("a", "c", "d", "b")
NEEDS = {"a": (), "c": (), "d": (), "b": ("a",)}
KEYED = frozenset("bcd")
DONE = ("completed", "skipped", "compensated")
ENDS = {"failed": "failed", "rejected": "rejected", "expired": "expired"}
UNDER_WAY = ("running", "waiting_approval", "paused")
HOUR = 3600.0


@dataclass
class StepModel:
    """One step. ``round`` counts the idempotency keys, ``tried`` the attempts of this round and
    ``keyed`` those under the present key; ``doubt`` says that one of them is a mystery."""

    status: str = "planned"
    attempt: int = 0
    tried: int = 0
    keyed: int = 0
    round: int = 0
    doubt: bool = False
    retry_at: float | None = None
    consent: str | None = None
    expires_at: float = 0.0


@dataclass
class RunModel:
    """The run. ``in_flight`` are the steps whose attempts this process is making, ``sent`` every
    attempt so far as (step, key round)."""

    undoes_itself: bool
    now: float = 0.0
    status: str = "running"
    stopping: bool = False
    undone: bool = False
    steps: dict[str, StepModel] = field(default_factory=lambda: {key: StepModel() for key in ORDER})
    in_flight: set[str] = field(default_factory=set)
    sent: list[tuple[str, int]] = field(default_factory=list)

    def having(self, *statuses: str) -> list[str]:
        return [key for key in ORDER if self.steps[key].status in statuses]

    # --- what happens by itself

    def settle(self) -> None:
        """Everything that the run does without anybody."""
        while self.status in UNDER_WAY and self._move():
            pass

    def _move(self) -> bool:
        if self.stopping:
            return False if self.in_flight else self.end("cancelled")
        over = self.having(*ENDS)
        if over:
            return False if self.in_flight else self.end(ENDS[self.steps[over[0]].status])
        if len(self.having(*DONE)) == len(ORDER):
            return self.end("completed")
        late = [step for step in self._asked() if step.expires_at <= self.now]
        for step in late:
            step.status, step.consent = "expired", "expired"
        if late:
            return True
        if self.status == "paused":
            return False
        started = [key for key in ORDER if self._start(key)]
        if not started and not self.in_flight:
            self.status = self._parked()
        return bool(started)

    def _asked(self) -> list[StepModel]:
        steps = self.steps.values()
        return [one for one in steps if one.status == "waiting_approval" and one.consent == "asked"]

    def _parked(self) -> str:
        if self.having("waiting_approval"):
            return "waiting_approval"
        return "unresolved" if self.having("unresolved") and not self.having("ready") else "running"

    def _start(self, key: str) -> bool:
        step = self.steps[key]
        if step.status not in ("planned", "ready", "waiting_approval"):
            return False
        if step.retry_at is not None and step.retry_at > self.now:
            return False
        if any(self.steps[need].status not in DONE for need in NEEDS[key]):
            return False
        if key == "c" and not self._consented(step):
            return False
        step.status, step.retry_at = "dispatched", None
        step.attempt, step.tried, step.keyed = step.attempt + 1, step.tried + 1, step.keyed + 1
        self.in_flight.add(key)
        self.sent.append((key, step.round))
        self.status = "running"
        return True

    def _consented(self, step: StepModel) -> bool:
        if step.consent == "used" or (step.consent == "given" and step.expires_at > self.now):
            step.consent = "used"
            return True
        if step.status != "waiting_approval" or step.consent == "given":
            step.status, step.consent, step.expires_at = (
                "waiting_approval",
                "asked",
                self.now + HOUR,
            )
        return False

    def end(self, status: str) -> bool:
        self.status, self.stopping = status, False
        for key in self.having("planned", "ready", "waiting_approval"):
            step = self.steps[key]
            step.status = "unresolved" if step.doubt else "cancelled"
        for key in self.having("rejected", "expired"):
            if self.steps[key].doubt:
                self.steps[key].status = "unresolved"
        if self.undoes_itself and status in ENDS and self.compensate_refused() is None:
            self.compensate()
        return False

    # --- what the outside world does

    def answer(self, key: str, outcome: str) -> None:
        """An attempt that was in flight is answered: done, refused, busy or silence."""
        self.in_flight.discard(key)
        step = self.steps[key]
        aborted = step.status == "unresolved"
        if step.status != "dispatched" and not (aborted and self.status == "aborted"):
            return
        goes_on = self.status in UNDER_WAY and not self.stopping
        mystery = outcome == "silence"
        if not mystery and outcome != "done" and key not in KEYED:
            mystery = step.keyed > 1 if aborted else step.doubt
        again = outcome == "busy" or (outcome == "silence" and key in KEYED)
        step.doubt = mystery
        if outcome == "done":
            step.status = "completed"
        elif again and goes_on and step.tried < 4:
            step.status, step.retry_at = "ready", self.now + 0.25 * 4 ** (step.tried - 1)
        else:
            step.status = "unresolved" if mystery else "failed"

    def crash(self) -> None:
        for key in sorted(self.in_flight):
            self.answer(key, "silence")

    # --- what people do; each returns False where it must be refused

    def decide(self, *, approved: bool) -> bool:
        step = self.steps["c"]
        is_open = step.consent == "asked" and step.status == "waiting_approval"
        if self.status not in UNDER_WAY or self.stopping or not is_open:
            return False
        if step.expires_at <= self.now:
            return False
        step.consent = "given" if approved else "rejected"
        step.status = step.status if approved else "rejected"
        return True

    def pause(self) -> bool:
        if self.status not in ("running", "waiting_approval") or self.stopping:
            return False
        self.status = "paused"
        return True

    def resume(self) -> bool:
        if self.status != "paused" or self.stopping:
            return False
        self.status = "running"
        return True

    def shutdown(self) -> bool:
        if self.status not in (*UNDER_WAY, "unresolved") or self.stopping:
            return False
        if self.having("dispatched"):
            self.stopping = True
        else:
            self.end("cancelled")
        return True

    def abort(self) -> bool:
        if self.status not in (*UNDER_WAY, "unresolved"):
            return False
        for key in self.having("dispatched"):
            self.steps[key].status = "unresolved"
        self.end("aborted")
        return True

    def cancel(self) -> bool:
        if self.status not in (*UNDER_WAY, "unresolved"):
            return False
        self.end("cancelled")
        return True

    def retry(self) -> bool:
        if self.status not in ("failed", "expired", "unresolved") or self.undone:
            return False
        if self.having("rejected"):
            return False
        for key in self.having("failed", "expired", "unresolved", "cancelled"):
            step = self.steps[key]
            if step.status != "unresolved":
                step.round, step.keyed, step.doubt = step.attempt, 0, False
            else:
                step.doubt = True
            step.status = "planned" if step.status == "cancelled" else "ready"
            step.tried, step.retry_at, step.consent = 0, None, None
        self.status = "running"
        return True

    def reconcile(self, key: str, attempt: int, outcome: str) -> bool:
        step = self.steps[key]
        ended = self.status in ("failed", "rejected", "expired", "cancelled", "aborted")
        if self.status == "completed" or step.status != "unresolved" or step.attempt != attempt:
            return False
        if outcome == "repeat" and (ended or self.stopping):
            return False
        step.status = {"done": "completed", "failed": "failed", "repeat": "ready"}[outcome]
        step.doubt = outcome == "repeat"
        if outcome == "repeat":
            step.tried, step.retry_at, step.consent = 0, None, None
        if self.status == "unresolved":
            self.status = "running"
        return True

    def compensate_refused(self) -> str | None:
        """The code with which undoing is refused, None where it is not."""
        ended = ("failed", "rejected", "expired", "cancelled", "aborted")
        if self.status not in ended or self.undone or self.having("unresolved", "dispatched"):
            return "CONFLICT"
        return None if self.steps["d"].status == "completed" else "PRECONDITION_FAILED"

    def compensate(self) -> None:
        self.undone = True
        self.steps["d"].status = "compensated"
