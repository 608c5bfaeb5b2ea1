"""The key store in a SQLite file of its own, outside the data and its backups.

The bytes of a destroyed key are overwritten in the file and in its log. SQLite copies rows between
pages as a table grows, and leaves the bytes of a moved row where they were until something else
needs the room. So wrapped data keys stand in a table that only grows at its end, where no row ever
moves, and are overwritten in place.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, LiteralString

from gateway.model.json import encode
from gateway.model.system import unusable_key
from gateway.privacy.key_rows import DataKeyRow
from gateway.privacy.key_store import VERSION, Destroyed, KeyStore
from gateway.privacy.key_tables import TABLES

FILE_NAME = "keys.db"
_BUSY_TIMEOUT = 10.0

_ACCESS = "Give the user that runs the gateway read and write access to it and to its folder"
_HELD = "Another program holds it, and nothing is wrong with it: end that program, then try again"
_DISK = "Look at its disk and make room there; do not replace the file"
_REMEDIES = {
    "SQLITE_BUSY": _HELD,
    "SQLITE_LOCKED": _HELD,
    "SQLITE_PROTOCOL": _HELD,
    "SQLITE_FULL": _DISK,
    "SQLITE_IOERR": _DISK,
    "SQLITE_CANTOPEN": _ACCESS,
    "SQLITE_READONLY": _ACCESS,
}
"""What to do where the file may well be whole, by SQLite's error."""


class SqliteKeyStore(KeyStore):
    """A key store in the file ``path``, for one serving process."""

    def __init__(self, path: Path, first: Callable[[], Mapping[str, bytes]] = dict) -> None:
        """Open the file, which is created where it is missing. What ``first`` gives are its notes
        then, as part of what creates it.

        Raises:
            ProblemError: KEYS_UNUSABLE.
        """
        self.place = str(path)
        self.lock = threading.RLock()
        try:
            path.touch(mode=0o600, exist_ok=True)
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise unusable_key(path, finding_of(error)) from error
        try:
            self._prepare(first)
        except BaseException as error:
            self._connection.close()
            if isinstance(error, OSError | sqlite3.Error):
                raise unusable_key(path, finding_of(error)) from error
            raise

    def _prepare(self, first: Callable[[], Mapping[str, bytes]]) -> None:
        execute = self._connection.execute
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")
        execute("PRAGMA secure_delete = ON")  # what is freed is overwritten with zeros
        with self.transaction():
            if execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
                for command in filter(str.strip, TABLES.split(";")):
                    execute(command)
                execute("INSERT INTO meta VALUES ('version', ?)", (VERSION,))
                for name, value in first().items():
                    self.keep_note(name, value)
        if self.note("version") != VERSION:
            raise unusable_key(self.place, "has another version. Start the release that wrote it")

    def close(self) -> None:
        """See ``KeyStore``."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See ``KeyStore``."""
        with self.lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk has SQLite undo it by itself
                    self._connection.execute("ROLLBACK")
                raise

    def keep_data_keys(self, rows: Iterable[DataKeyRow]) -> None:
        """See ``KeyStore``."""
        for row in rows:
            known = self._one("SELECT place, destroyed_at FROM data_key WHERE id = ?", row.id)
            if known is None:
                self.add_data_keys([row])
            elif known[1] is None and row.wrapped is not None:
                self._overwrite(known[0], row.wrapped)
                self._connection.execute(
                    "UPDATE data_key SET workspace_key = ?, seals_until = ? WHERE id = ?",
                    (row.workspace_key, row.seals_until, row.id),
                )

    def add_data_keys(self, rows: Sequence[DataKeyRow]) -> None:
        """See ``KeyStore``."""
        (last,) = self._one("SELECT max(seq) FROM sqlite_sequence WHERE name = 'secret'") or (0,)
        placed = list(enumerate(rows, start=(last or 0) + 1))
        self._connection.executemany(
            "INSERT INTO secret (place, wrapped) VALUES (?, ?)",
            [(place, row.wrapped) for place, row in placed],
        )
        self._connection.executemany(
            "INSERT INTO data_key (id, workspace, subject, lifetime, place, workspace_key,"
            " created_at, seals_until, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *(row.id, row.workspace, row.subject, row.lifetime, place),
                    *(row.workspace_key, row.created_at, row.seals_until, row.expires_at),
                )
                for place, row in placed
            ],
        )

    def _overwrite(self, place: int, wrapped: bytes | None) -> None:
        """Write over a wrapped key where it stands; zeros, where there is none any more."""
        with self._connection.blobopen("secret", "wrapped", place) as blob:
            blob.write(bytes(len(blob)) if wrapped is None else wrapped)

    def destroy(self, keys: Sequence[tuple[str, str]], at: str, reason: str) -> int:
        """See ``KeyStore``."""
        gone = 0
        for key_id, workspace in keys:
            found = self._connection.execute(
                "UPDATE data_key SET workspace_key = NULL, destroyed_at = ?, reason = ?"
                " WHERE id = ? AND destroyed_at IS NULL RETURNING place",
                (at, reason, key_id),
            ).fetchall()
            for (place,) in found:
                self._overwrite(place, None)
            gone += len(found)
            self._connection.execute(
                "INSERT OR IGNORE INTO data_key (id, workspace, created_at, destroyed_at, reason)"
                " VALUES (?, ?, ?, ?, ?)",
                (key_id, workspace, at, at, reason),
            )
        return gone

    def not_destroyed(self, key_ids: Sequence[str]) -> list[str]:
        """See ``KeyStore``."""
        rows = self._all(
            "SELECT value FROM json_each(?) WHERE NOT EXISTS"
            " (SELECT 1 FROM data_key WHERE id = value AND destroyed_at IS NOT NULL)",
            encode(list(key_ids)),
        )
        return [row[0] for row in rows]

    def unknown(self, key_ids: Sequence[str]) -> list[str]:
        """See ``KeyStore``."""
        rows = self._all(
            "SELECT value FROM json_each(?) WHERE NOT EXISTS"
            " (SELECT 1 FROM data_key WHERE id = value)",
            encode(list(key_ids)),
        )
        return [row[0] for row in rows]

    def destroyed_since(self, mark: int) -> Destroyed:
        """See ``KeyStore``; only the one process destroys keys here."""
        return Destroyed(mark)

    def rewrite(self) -> None:
        """See ``KeyStore``."""
        with self.lock:
            self._connection.execute("VACUUM")
        self.forget_log()

    def forget_log(self) -> None:
        """Empty the write-ahead log, in which overwritten pages still stand; see ``KeyStore``."""
        checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)"
        with self.lock, closing(self._connection.execute(checkpoint)) as told:
            if told.fetchone()[0]:
                raise TimeoutError("the log of the key store is in use and could not be emptied")

    def _all(self, sql: LiteralString, *given: object) -> list[Any]:
        with self.lock:
            return self._connection.execute(sql, given).fetchall()

    def _change(self, sql: LiteralString, *given: object) -> int:
        with self.lock:
            return self._connection.execute(sql, given).rowcount


def finding_of(error: OSError | sqlite3.Error) -> str:
    """Why a key store cannot be used, and what to do, for ``unusable_key``. An older one in its
    place would lose keys, so a backup is named only where the file itself is broken."""
    if isinstance(error, OSError):
        return f"cannot be opened ({error.strerror}). {_ACCESS}"
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    remedy = _REMEDIES.get("_".join(name.split("_")[:2]), "Restore it")
    return f"cannot be used as a key store ({name}). {remedy}"
