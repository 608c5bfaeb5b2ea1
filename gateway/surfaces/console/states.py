"""States by sign, word and tone: never by the colour alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.model.execution import StepStatus


class Tone(StrEnum):
    """What a state means to whoever looks; names are classes of the style sheet."""

    PLAIN = "plain"
    BUSY = "busy"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class State:
    """How a state is shown: a sign beside its word, the outline of a step's box, and a tone."""

    sign: str
    shape: str
    tone: Tone


_BEGUN = State("▶", "round", Tone.BUSY)
_DONE = State("✓", "round", Tone.GOOD)
_ASKS = State("?", "slant", Tone.WARN)
_WRONG = State("✗", "cut", Tone.BAD)
_REFUSED = State("⊘", "cut", Tone.BAD)
_PLANNED = State("·", "square", Tone.PLAIN)
_OPEN = State("○", "square", Tone.PLAIN)
_STOPPED = State("■", "cut", Tone.PLAIN)

STATES: Mapping[str, State] = {
    "RECEIVED": _PLANNED,
    "COMPILED": _PLANNED,
    "VERIFIED": _OPEN,
    "PLANNED": _PLANNED,
    "READY": _OPEN,
    "RUNNING": _BEGUN,
    "DISPATCHED": _BEGUN,
    StepStatus.WAITING_APPROVAL.name: _ASKS,
    "PENDING": _ASKS,
    "PAUSED": State("‖", "slant", Tone.WARN),
    "UNRESOLVED": State("!", "cut", Tone.BAD),
    "COMPLETED": _DONE,
    "APPROVED": _DONE,
    "USED": _DONE,
    "BLOCKED": _REFUSED,
    "REJECTED": _REFUSED,
    "FAILED": _WRONG,
    "EXPIRED": State("◷", "cut", Tone.WARN),
    "VOID": State("■", "cut", Tone.WARN),
    "SKIPPED": State("↷", "square", Tone.PLAIN),
    "CANCELLED": _STOPPED,
    "ABORTED": State("■", "cut", Tone.BAD),
    "COMPENSATED": State("↶", "round", Tone.WARN),
    "AUTONOMOUS": State("▷", "round", Tone.GOOD),
    "ASSIST": _ASKS,
    "LOW": State("▁", "round", Tone.PLAIN),
    "MEDIUM": State("▃", "round", Tone.PLAIN),
    "HIGH": State("▅", "round", Tone.WARN),
    "CRITICAL": State("▇", "round", Tone.BAD),
}
"""Statuses of executions, steps and approval requests, verdicts and tiers of risk."""


def state_of(name: str) -> State:
    """How a state is shown; one that is not known here is shown without a meaning."""
    return STATES.get(name.upper(), _PLANNED)
