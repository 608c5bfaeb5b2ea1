"""Statuses of executions, steps and approvals by symbol and colour."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.cli.output import Tone, Toned


@dataclass(frozen=True, slots=True)
class State:
    """How a status is shown: a sign, what stands for it in ASCII, and a tone."""

    sign: str
    ascii: str
    tone: Tone

    def symbol(self, *, in_unicode: bool) -> str:
        """The sign, or its form in ASCII."""
        return self.sign if in_unicode else f"[{self.ascii}]"


STATES: Mapping[str, State] = {
    "received": State("·", "  ", Tone.QUIET),
    "compiled": State("·", "  ", Tone.QUIET),
    "verified": State("○", "..", Tone.PLAIN),
    "planned": State("·", "  ", Tone.QUIET),
    "ready": State("○", "..", Tone.PLAIN),
    "running": State("▶", ">>", Tone.ACTIVE),
    "dispatched": State("▶", ">>", Tone.ACTIVE),
    "waiting_approval": State("?", "??", Tone.WARNING),
    "paused": State("‖", "||", Tone.WARNING),
    "unresolved": State("!", "?!", Tone.BAD),
    "completed": State("✓", "ok", Tone.GOOD),
    "blocked": State("⊘", "no", Tone.BAD),
    "failed": State("✗", "!!", Tone.BAD),
    "rejected": State("⊘", "no", Tone.BAD),
    "expired": State("◷", "ex", Tone.WARNING),
    "skipped": State("↷", "--", Tone.QUIET),
    "cancelled": State("■", "ca", Tone.WARNING),
    "aborted": State("■", "ab", Tone.BAD),
    "pending": State("?", "??", Tone.WARNING),
    "approved": State("✓", "ok", Tone.GOOD),
    "used": State("✓", "ok", Tone.QUIET),
    "void": State("■", "vo", Tone.WARNING),
    "compensated": State("↶", "un", Tone.WARNING),
}

_UNKNOWN = State("·", "  ", Tone.PLAIN)


def state_of(status: str) -> State:
    """How a status is shown, in capitals or not; one that is not known has no meaning."""
    return STATES.get(status.lower(), _UNKNOWN)


def symbols_of(statuses: Iterable[str], *, in_unicode: bool) -> list[Toned]:
    """A legend: each status once, by symbol and name."""
    parts: list[Toned] = []
    for status in dict.fromkeys(statuses):
        state = state_of(status)
        divider = "  " if parts else ""
        symbol = state.symbol(in_unicode=in_unicode)
        parts.append(Toned(f"{divider}{symbol} {status.lower().replace('_', ' ')}", state.tone))
    return parts
