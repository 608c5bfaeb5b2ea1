"""Which decisions of policy an operation rested on, for its log line: told by whoever decides,
gathered by whoever writes the line."""

from contextvars import ContextVar, Token
from typing import TypeAlias

_gathered: ContextVar[list[str] | None] = ContextVar("decisions", default=None)

Gathering: TypeAlias = Token[list[str] | None]
"""What ends a gathering."""


def note_decision(decision_id: str) -> None:
    """A decision was made. Where nobody gathers, it is not kept."""
    found = _gathered.get()
    if found is not None:
        found.append(decision_id)


def gather_decisions(found: list[str]) -> Gathering:
    """Add to ``found`` the ids of decisions that are made from now on in this task, and in those
    that it begins."""
    return _gathered.set(found)


def end_gathering(gathering: Gathering) -> None:
    """Gather no more, in the same task."""
    _gathered.reset(gathering)
