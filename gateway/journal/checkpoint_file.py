"""The file beside the database that holds every checkpoint once more, one JSON line each.

Copied elsewhere (to a log service, say), it shows what somebody cut off the record and the file
together.
"""

import logging
import os
from contextlib import suppress
from pathlib import Path

from sqlalchemy import bindparam, func, select

from gateway.journal.checkpoint_lines import Line, LineError, parsed_line
from gateway.journal.session import Session
from gateway.journal.statement import Statement
from gateway.journal.tables import checkpoint

FILE_NAME = "checkpoints.jsonl"

_log = logging.getLogger("gateway.journal")

# From the newest back: there may be a year of minutes before it.
_COVERED = (
    select(checkpoint.c.number)
    .where(checkpoint.c.ends_at <= bindparam("size"))
    .order_by(checkpoint.c.number.desc())
    .limit(1)
)
_MISSING = Statement(
    select(checkpoint.c.line, checkpoint.c.ends_at)
    .where(checkpoint.c.number > func.coalesce(_COVERED.scalar_subquery(), 0))
    .order_by(checkpoint.c.number)
)
_OF_NUMBER = Statement(
    select(checkpoint.c.line).where(checkpoint.c.number == bindparam("of_number"))
)
_MOST_BYTES = 65_536
"""No line is longer."""


class CheckpointFile:
    """``checkpoints.jsonl`` in a data folder."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / FILE_NAME

    def complete(self, session: Session) -> None:
        """Append what the database holds beyond the end of the file, durably.

        The database comes first, so after a crash the file can only be short: by a line, or by
        the rest of one.
        """
        size = self.path.stat().st_size if self.path.exists() else 0
        rows = session.all(_MISSING, size=size)
        if not rows:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            for line, ends_at in rows:
                stored = f"{line}\n".encode()
                file.write(stored[-(ends_at - size) :] if ends_at - size < len(stored) else stored)
                size = ends_at
            file.flush()
            os.fsync(file.fileno())

    def catch_up(self, session: Session) -> None:
        """``complete``, as far as may be: the checkpoints are durable in the database, so a file
        that cannot be written fails nothing, and lacks them until it can."""
        try:
            self.complete(session)
        except OSError as error:
            told = "%s lacks the newest checkpoints for now: %s"
            _log.error(told, self.path, error.strerror)

    def stray(self, session: Session) -> Line | None:
        """The last checkpoint of the file where the database holds another of its number, or none:
        the file then is of something that the database has lost."""
        text = self._last_line()
        with suppress(LineError):
            line = parsed_line(text)
            return None if session.one(_OF_NUMBER, of_number=line.number) == (text,) else line
        return None

    def set_aside(self, now: str) -> Path:
        """Move the file away; it still proves what its checkpoints are of. ``now`` is a stamp.

        Raises:
            OSError: it cannot be moved.
        """
        moment = "".join(sign for sign in now if sign.isdigit())
        lost = self.path.with_name(f"checkpoints.lost-{moment}.jsonl")
        self.path.rename(lost)
        return lost

    def _last_line(self) -> str:
        """The last whole line, empty where there is none."""
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(size - 2 * _MOST_BYTES, 0))
                held = file.read()
        except FileNotFoundError:
            return ""
        whole = held[: held.rfind(b"\n") + 1]
        return whole[whole.rstrip(b"\n").rfind(b"\n") + 1 :].decode(errors="replace").rstrip("\n")
