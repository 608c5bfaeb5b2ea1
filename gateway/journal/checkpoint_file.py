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
from gateway.journal.place import Place, reading
from gateway.journal.session import Session
from gateway.journal.statement import Statement
from gateway.journal.tables import checkpoint
from gateway.model.system import sync_folder

FILE_NAME = "checkpoints.jsonl"
_LOST = "checkpoints.lost-"

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
_UP_TO = Statement(
    select(checkpoint.c.line, checkpoint.c.ends_at)
    .where(checkpoint.c.ends_at <= bindparam("size"))
    .order_by(checkpoint.c.number.desc())
    .limit(1)
)
_BEHIND = Statement(
    select(checkpoint.c.line)
    .where(checkpoint.c.ends_at > bindparam("size"))
    .order_by(checkpoint.c.number)
    .limit(1)
)
_OF_NUMBER = Statement(
    select(checkpoint.c.line).where(checkpoint.c.number == bindparam("of_number"))
)
_MOST_BYTES = 65_536
"""No line is longer."""

REMEDY = (
    "`gateway audit verify` tells what differs. Move the file away and keep it, since it may prove "
    "what the database has lost: the next checkpoint writes it anew"
)
"""What to do about a file that holds something else."""


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
        that cannot be written fails nothing, and lacks them until it can. One that holds something
        else is told, and left to operators: it may prove what the database has lost."""
        try:
            if fault := self.fault(session):
                _log.error("%s. %s.", fault, REMEDY)
            self.complete(session)
        except OSError as error:
            told = "%s lacks the newest checkpoints for now: %s"
            _log.error(told, self.path, error.strerror)

    def fault(self, session: Session) -> str:
        """What the end of the file holds that the database does not; empty where it holds nothing
        else, though it may be short. Of what is before, ``gateway audit verify`` tells.

        Raises:
            OSError: it cannot be read.
        """
        size, held = self._end()  # first: what comes meanwhile is in the database before
        line, ends_at = session.one(_UP_TO, size=size) or ("", 0)
        (following,) = session.one(_BEHIND, size=size) or ("",)
        if size > ends_at and not following:
            return f"{self.path} holds {size - ends_at} bytes behind the last checkpoint"
        begun = _stored(following)[: size - ends_at]
        if not held.endswith(_stored(line) + begun if ends_at else begun):
            return f"{self.path} ends otherwise than the checkpoints in the database"
        return ""

    def stray(self, session: Session) -> Line | None:
        """The last checkpoint of the file where the database holds another of its number, or none:
        the file then is of something that the database has lost. Lines that are no checkpoints are
        passed over, and so is a file that cannot be read: ``fault_of_copy`` tells of them."""
        try:
            _, held = self._end()
        except OSError:
            return None
        for stored in reversed(held[: held.rfind(b"\n") + 1].split(b"\n")):
            with suppress(LineError):
                text = stored.decode(errors="replace")
                line = parsed_line(text)
                return None if session.one(_OF_NUMBER, of_number=line.number) == (text,) else line
        return None

    def set_aside(self, now: str) -> Path:
        """Move the file away; it still proves what its checkpoints are of. ``now`` is a stamp.

        Raises:
            OSError: it cannot be moved.
        """
        lost = self.path.with_name(f"{_LOST}{_digits(now)}.jsonl")
        self.path.rename(lost)
        sync_folder(lost.parent)
        return lost

    def set_aside_after(self, moment: str) -> Path | None:
        """The newest file that was moved away after a stamp; None where there is none."""
        found = max(self.path.parent.glob(f"{_LOST}*.jsonl"), default=None)
        return found if found and found.stem > f"{_LOST}{_digits(moment)}" else None

    def _end(self) -> tuple[int, bytes]:
        """How many bytes the file has, and the last of them, in which two lines have room."""
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                begin = file.seek(max(size - 2 * _MOST_BYTES, 0))
                return size, file.read(size - begin)
        except FileNotFoundError:
            return 0, b""


def _digits(moment: str) -> str:
    return "".join(sign for sign in moment if sign.isdigit())


def _stored(line: str) -> bytes:
    return f"{line}\n".encode("utf-8", "surrogateescape")


def fault_of_copy(place: Place, data_dir: Path) -> str:
    """What is wrong with the end of ``checkpoints.jsonl`` in ``data_dir``, also beside whoever
    writes the record at ``place``; empty where nothing is.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION, SERVICE_UNAVAILABLE.
    """
    file = CheckpointFile(data_dir)
    try:
        with reading(place) as session:
            return file.fault(session)
    except OSError as error:
        return f"{file.path} cannot be read ({error.strerror})"
