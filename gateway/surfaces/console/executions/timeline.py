"""The trace as a timeline: one sentence for each recorded fact."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.model.json import JsonObject
from gateway.surfaces.console.states import Tone

PAGE = 100
"""How many entries stand on a page."""

_MAX_CHARS = 500

_SAID: Mapping[str, tuple[str, Tone]] = {
    "intent.received": ("Asked for", Tone.PLAIN),
    "plan.compiled": ("Plan compiled", Tone.PLAIN),
    "plan.rejected": ("Draft rejected", Tone.BAD),
    "plan.verified": ("Plan verified: {verdict}", Tone.PLAIN),
    "run.started": ("Run started in mode {mode}", Tone.BUSY),
    "run.claimed": ("Run taken over by another process", Tone.PLAIN),
    "run.waiting": ("Run waits: {executionStatus}", Tone.WARN),
    "run.paused": ("Run paused", Tone.WARN),
    "run.resumed": ("Run resumed", Tone.BUSY),
    "run.stopping": ("Run is being shut down", Tone.WARN),
    "run.retried": ("Run retried", Tone.BUSY),
    "run.ended": ("Run ended: {executionStatus}", Tone.PLAIN),
    "compensation.started": ("Completed steps are being undone", Tone.WARN),
    "step.dispatched": ("Attempt {attempt} begun", Tone.BUSY),
    "step.completed": ("Completed at attempt {attempt}", Tone.GOOD),
    "step.failed": ("Failed at attempt {attempt}", Tone.BAD),
    "step.retrying": ("Attempt {attempt} failed, to be tried again", Tone.WARN),
    "step.unresolved": ("Nobody knows what came of attempt {attempt}", Tone.BAD),
    "step.blocked": ("Blocked by policy", Tone.BAD),
    "step.skipped": ("Skipped", Tone.PLAIN),
    "step.reconciled": ("Settled by a person: {outcome}", Tone.WARN),
    "step.compensated": ("Undone", Tone.WARN),
    "step.late": ("The outcome of attempt {attempt} came late", Tone.WARN),
    "approval.requested": ("Approval asked of the role {approverRole}", Tone.WARN),
    "approval.voted": ("Approved", Tone.GOOD),
    "approval.rejected": ("Rejected", Tone.BAD),
    "approval.expired": ("Approval request expired", Tone.BAD),
    "approval.voided": ("Approval request became void", Tone.WARN),
    "approval.escalated": ("Approval request escalated", Tone.WARN),
    "approval.overridden": ("Glass broken: approvers overridden", Tone.BAD),
    "grant.used": ("A standing grant stood in for an approval", Tone.WARN),
    "lane.assigned": ("Put into the lane {laneKey}", Tone.PLAIN),
    "lane.approved": ("Lane approved in the role {role}", Tone.GOOD),
    "lane.handed_over": ("Handed over to the lane {laneKey}", Tone.PLAIN),
    "evidence.attached": ("Evidence attached", Tone.PLAIN),
    "evidence.exported": ("Evidence exported", Tone.PLAIN),
}
"""What an entry of each kind says; names in braces are of its metadata."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One entry: when, how long after the first (seconds), what, of which step, and by whom."""

    at: str
    after: str
    stage: str
    said: str
    tone: Tone
    step: str
    who: str
    note: str


class _Told(dict[str, str]):
    """Metadata by name; what is not told is a dash."""

    def __missing__(self, key: str) -> str:
        return "-"


def timeline_of(entries: Sequence[JsonObject], keys: Mapping[str, str]) -> list[Happening]:
    """The entries of a trace in order; ``keys`` are the keys of steps by their ids."""
    if not entries:
        return []
    first = datetime.fromisoformat(entries[0]["timestamp"])
    return [_happening(entry, keys, first) for entry in entries]


def _happening(entry: JsonObject, keys: Mapping[str, str], first: datetime) -> Happening:
    told, status = entry.get("metadata") or {}, entry["status"]
    known = (status.replace(".", " ").replace("_", " ").capitalize(), Tone.PLAIN)
    sentence, tone = _SAID.get(status, known)
    step = str(told.get("stepId") or "")
    return Happening(
        at=entry["timestamp"],
        after=since(datetime.fromisoformat(entry["timestamp"]), first),
        stage=entry["stage"],
        said=sentence.format_map(_words(told)),
        tone=tone,
        step=keys.get(step, ""),
        who=entry.get("actorId") or "",
        note=_note(told),
    )


def _words(told: JsonObject) -> _Told:
    plain = {name: value for name, value in told.items() if isinstance(value, (str, int))}
    return _Told({name: str(value).replace("_", " ") for name, value in plain.items()})


def _note(told: JsonObject) -> str:
    """What people or the gateway said about it."""
    problem = told.get("problem")
    said = problem.get("detail") if isinstance(problem, dict) else None
    note = said or told.get("reason") or told.get("note") or told.get("text") or ""
    text = str(note)
    return text if len(text) <= _MAX_CHARS else f"{text[:_MAX_CHARS]}…"


def since(at: datetime, first: datetime) -> str:
    """How long after the first entry something happened, to the millisecond."""
    seconds = (at - first).total_seconds()
    if seconds < 60:
        return f"+{seconds:.3f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"+{hours} h {minutes} min" if hours else f"+{minutes} min {rest} s"
