"""A backup of a SQLite record beside a running server."""

import os
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from gateway.journal.database import open_reader
from gateway.journal.marks import BACKUP_VERSION
from gateway.model.system import sync_folder

_PAGES = 1_024
"""Pages that are copied at a time; whoever writes goes on in between."""

_BESIDE = ("-journal", "-wal", "-shm")
"""What SQLite keeps beside a file, and leaves where the disk is full: it would stay so."""


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
    begun = target.with_name(f"{target.name}.{secrets.token_hex(8)}.part")  # of this one alone
    try:
        _copy(database, begun, done)
        if target.exists():
            raise FileExistsError(17, "it is there already", str(target))
        begun.rename(target)
    finally:
        for beside in ("", *_BESIDE):
            begun.with_name(f"{begun.name}{beside}").unlink(missing_ok=True)
    sync_folder(target.parent)


def _copy(database: Path, begun: Path, done: Callable[[int, int], None]) -> None:
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
