"""What a witness remembers: the last checkpoint of each log, on the disk before it is signed."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.transparency import EMPTY_ROOT

_TABLE = """
CREATE TABLE IF NOT EXISTS seen (
    origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL
) WITHOUT ROWID
"""
_KEEP = """
INSERT INTO seen (origin, size, root, note) VALUES (?, ?, ?, ?)
ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """A checkpoint of a log; ``note`` is it as it was submitted."""

    size: int
    root: bytes
    note: str


NOTHING = Seen(0, EMPTY_ROOT, "")
"""What was seen of a log before its first checkpoint: every log goes on from the empty tree."""

Judge = Callable[[Seen], Seen]
"""Takes what was seen last and gives what is seen now, or raises."""


class Book:
    """The memory of a witness in one SQLite file. Several processes may share it."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(
            path,
            timeout=5.0,
            isolation_level=None,
            check_same_thread=False,  # one at a time: every use holds the lock
        )
        self._lock = threading.Lock()
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute(_TABLE)
        except sqlite3.Error:
            self._connection.close()
            raise

    def last(self, origin: str) -> Seen:
        """What was seen last of a log; ``NOTHING`` before its first checkpoint."""
        with self._lock:
            return self._last(origin)

    def move(self, origin: str, judge: Judge) -> Seen:
        """Replace what was seen last by what ``judge`` makes of it, durably once this returns.

        Nobody else comes between looking and writing. Whatever ``judge`` raises leaves it as it is.

        Raises:
            sqlite3.Error: it could not be stored.
        """
        with self._lock, self._transaction():
            now = judge(self._last(origin))
            self._connection.execute(_KEEP, (origin, now.size, now.root, now.note))
        return now

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _last(self, origin: str) -> Seen:
        sql = "SELECT size, root, note FROM seen WHERE origin = ?"
        row = self._connection.execute(sql, (origin,)).fetchone()
        return Seen(*row) if row else NOTHING

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
