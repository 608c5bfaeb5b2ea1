"""The mark: how far the record had come, kept outside of it, so that a record which was restored
from a backup is known as such.

A gateway writes the mark beside its keys about once a second, and once more when it has stopped. A
record goes on from its mark if it holds the marked entry, and is the same file as then or ends
just there. Anything else was restored from the past, or is a copy of a gateway that did not stop:
what it did afterwards, nobody knows.
"""

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from gateway.journal.database import BROKEN, open_reader, unreadable
from gateway.journal.sqlite_session import SqliteSession
from gateway.journal.tiles import StoredTiles
from gateway.model.json import decode, encode
from gateway.model.problem import Problem, ProblemError
from gateway.transparency import Hash, leaf_hash
from gateway.transparency.tiles import HASH_BYTES, HEIGHT, WIDTH

MARK_NAME = "record.mark"
BACKUP_VERSION = 1
"""The ``user_version`` of a database file that was written as a backup."""

_MOST_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Mark:
    """The last entry that was there: its ``position`` (0 before the first) and ``hash``.

    ``file`` is the number of the database file in its file system. ``stopped`` says that nothing
    was done after this entry.
    """

    position: int
    hash: str
    file: int
    stopped: bool


@dataclass(frozen=True, slots=True)
class MarkFile:
    """The file of the mark in the ``folder`` of the keys."""

    folder: Path

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.folder / MARK_NAME

    def read(self) -> Mark | None:
        """The mark; None where there is none, or none that can be read."""
        try:
            with self.path.open("rb") as file:
                told = decode(file.read(_MOST_BYTES).decode())
        except (OSError, ValueError):
            return None
        match told:
            case {
                "position": int(position),
                "hash": str(own),
                "file": int(number),
                "stopped": bool(stopped),
            } if position >= 0:
                return Mark(position, own, number, stopped)
            case _:
                return None

    def write(self, mark: Mark) -> None:
        """Replace the mark, as a whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        begun = self.path.with_name(f"{self.path.name}.part")
        with begun.open("w") as file:
            file.write(f"{encode(asdict(mark))}\n")
            file.flush()
            os.fsync(file.fileno())
        begun.replace(self.path)


def present_mark(database: Path, *, stopped: bool) -> Mark:
    """Where the record in ``database`` stands now.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION.
    """
    with closing(open_reader(database)) as connection:
        row = connection.execute(
            "SELECT position, hash FROM entry ORDER BY position DESC LIMIT 1"
        ).fetchone()
    position, own = row or (0, "")
    return Mark(position, own, database.stat().st_ino, stopped)


def require_continued(database: Path, mark: Mark | None) -> None:
    """Refuse a record that was restored from a backup and not accepted as such.

    Raises:
        ProblemError: RECORD_RESTORED, DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION.
    """
    try:
        with closing(open_reader(database)) as connection:
            why = _why_not(connection, database, mark)
    except BROKEN as error:
        raise unreadable(database, error) from error
    if why:
        raise _restored(database, why)


def _why_not(connection: sqlite3.Connection, database: Path, mark: Mark | None) -> str:
    """Why a record does not go on from its mark; empty where it does."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == BACKUP_VERSION:
        return "it was written as a backup"
    (last,) = connection.execute("SELECT coalesce(max(position), 0) FROM entry").fetchone()
    if mark is None or not mark.position or not last:
        return ""  # nothing is known of before; an empty record has nothing to repeat
    if last < mark.position:
        return f"it ends at position {last}, and had come to {mark.position}"
    if _leaf(connection, mark.position) != _leaf_of(mark.hash):
        return f"its entry at position {mark.position} is not the one that was there"
    is_same_file = database.stat().st_ino == mark.file
    if not is_same_file and not (mark.stopped and last == mark.position):
        return "it is a copy, made before the gateway had stopped"
    return ""


def _leaf(connection: sqlite3.Connection, position: int) -> Hash | None:
    """The leaf of an entry: from itself or, where it is archived, from its tile."""
    row = connection.execute("SELECT hash FROM entry WHERE position = ?", (position,)).fetchone()
    if row is not None:
        return _leaf_of(row[0])
    tile = StoredTiles(SqliteSession(connection.cursor()))(0, (position - 1) >> HEIGHT)
    begin = (position - 1) % WIDTH * HASH_BYTES
    return tile[begin : begin + HASH_BYTES] or None


def _leaf_of(own: str) -> Hash | None:
    with suppress(ValueError, TypeError):
        return leaf_hash(bytes.fromhex(own))
    return None


def _restored(database: Path, why: str) -> ProblemError:
    told = (
        f"The record in {database.parent} does not go on from where this gateway was: {why}. What "
        "was done after it was made is unknown, so nothing is served. Bring the newest record "
        "that there is; if this one is it, accept it with `gateway journal accept-restore`: steps "
        "that may have been done already are then left to operators."
    )
    return ProblemError(
        Problem("RECORD_RESTORED", "The record was restored from a backup", 409, told, "state")
    )
