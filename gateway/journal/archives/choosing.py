"""Choosing what is archived: stretches that end where a checkpoint was signed."""

from dataclasses import dataclass

from sqlalchemy import select

from gateway.journal.checkpoint_lines import Line, LineError, parsed_line
from gateway.journal.session import Session
from gateway.journal.statement import Statement
from gateway.journal.tables import checkpoint
from gateway.journal.tiles import journal_damaged

_LINES = Statement(select(checkpoint.c.line).order_by(checkpoint.c.number))

MOST_ENTRIES = 500_000
"""A segment holds no more entries, unless two checkpoints lie further apart."""


@dataclass(frozen=True, slots=True)
class Until:
    """Up to where is archived: entries recorded before ``before`` (as a stamp), or positions up to
    ``through``; what is None does not narrow."""

    before: str | None = None
    through: int | None = None

    def takes(self, line: Line) -> bool:
        """Whether all that a checkpoint covers may be archived."""
        if self.before is not None and line.at >= self.before:
            return False
        return self.through is None or line.position <= self.through


def checkpoints_until(session: Session, until: Until) -> list[Line]:
    """The checkpoints with a root up to there, in order.

    Raises:
        ProblemError: JOURNAL_DAMAGED where one cannot be read.
    """
    found = []
    for (text,) in session.all(_LINES):
        try:
            line = parsed_line(text)
        except LineError as error:
            raise journal_damaged(f"a checkpoint of it cannot be read ({error})") from error
        if line.checkpoint is not None and until.takes(line):
            found.append(line)
    return found


def stretches(after: int, lines: list[Line]) -> list[tuple[int, Line]]:
    """The segments to write behind the position ``after``: where each begins, and the checkpoint
    at its end."""
    found: list[tuple[int, Line]] = []
    begun, held = after + 1, None
    for line in lines:
        if line.position < begun:
            continue
        if held is not None and line.position - begun >= MOST_ENTRIES:
            found.append((begun, held))
            begun, held = held.position + 1, None
        if line.position >= begun:
            held = line
    return [*found, (begun, held)] if held is not None else found
