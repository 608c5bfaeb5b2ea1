"""A backup of the record beside a running server, and accepting one that was restored."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gateway.journal import claim_statements
from gateway.journal.alone import Alone, alone
from gateway.journal.archives.archiving import RECORD_WORKSPACE
from gateway.journal.checkpoint_file import FILE_NAME
from gateway.journal.database import open_reader
from gateway.journal.marks import BACKUP_VERSION, MarkFile, present_mark
from gateway.journal.signing import Signer
from gateway.model.entry import EntryType, NewEntry
from gateway.model.execution import UNDER_WAY
from gateway.model.ports import Clock

_PAGES = 1_024
"""Pages that are copied at a time; whoever writes goes on in between."""


def back_up(database: Path, target: Path, done: Callable[[int, int], None]) -> None:
    """Copy the record of one moment to the file ``target``, also beside a running server.

    ``done`` is told after each stretch how many pages were copied, and how many there are.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION.
        FileExistsError: the file is there already.
        OSError, sqlite3.Error: it cannot be written.
    """
    if target.exists():
        raise FileExistsError(17, "it is there already", str(target))
    begun = target.with_name(f"{target.name}.part")
    begun.unlink(missing_ok=True)
    with closing(open_reader(database)) as source:
        source.execute("BEGIN")  # one moment: a copy that is overtaken would begin again
        source.execute("SELECT count(*) FROM meta").fetchone()
        with closing(sqlite3.connect(begun, isolation_level=None)) as copy:
            source.backup(
                copy, pages=_PAGES, progress=lambda _, left, total: done(total - left, total)
            )
            copy.execute(f"PRAGMA user_version = {BACKUP_VERSION}")
            copy.execute("PRAGMA journal_mode = DELETE")
    with begun.open("rb") as file:
        os.fsync(file.fileno())
    begun.rename(target)


@dataclass(frozen=True, slots=True)
class Accepted:
    """How many runs were under way in the restored record, and where the checkpoints of what is
    lost are kept, if there were any."""

    runs: int
    lost: Path | None


def accept_restore(database: Path, mark: MarkFile, signer: Signer, clock: Clock) -> Accepted:
    """Accept a record that was restored: what was under way in it may have gone on since.

    The data folder must not be in use.

    Raises:
        ProblemError: DATA_DIR_IN_USE, DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION,
            JOURNAL_DAMAGED, KEYS_UNUSABLE.
        OSError: the mark or the file of checkpoints cannot be replaced.
    """
    known = mark.read()
    with alone(database, clock, signer) as record:
        runs = _record(record, known.position if known else None)
        lost = _set_aside(record, database.with_name(FILE_NAME))
    mark.write(present_mark(database, stopped=True))
    return Accepted(runs, lost)


def _record(record: Alone, known: int | None) -> int:
    execute = record.connection.execute
    (last,) = execute("SELECT coalesce(max(position), 0) FROM entry").fetchone()
    (newest,) = execute("SELECT coalesce(max(created_at), '') FROM execution").fetchone()
    marks = ", ".join("?" * len(UNDER_WAY))
    statuses = [status.value for status in UNDER_WAY]
    (runs,) = execute(
        f"SELECT count(*) FROM execution WHERE status IN ({marks})",  # noqa: S608 # placeholders
        statuses,
    ).fetchone()
    before = max(record.now, newest)  # also where the clock was put back
    body = {"before": before, "position": last, "known": known}
    record.append(NewEntry(EntryType.RECORD_RESTORED, RECORD_WORKSPACE, body))
    record.session.change(claim_statements.WAKE_WAITING, wake_at=record.now)
    execute("PRAGMA user_version = 0")
    return int(runs)


def _set_aside(record: Alone, file: Path) -> Path | None:
    """Move checkpoints away that are of entries which are lost; they still prove these."""
    rows = record.connection.execute("SELECT line FROM checkpoint ORDER BY number")
    ours = "".join(f"{line}\n" for (line,) in rows).encode("utf-8", "surrogateescape")
    if not file.exists() or ours.startswith(file.read_bytes()):
        return None
    stamp = "".join(sign for sign in record.now if sign.isdigit())
    lost = file.with_name(f"checkpoints.lost-{stamp}.jsonl")
    file.rename(lost)
    return lost
