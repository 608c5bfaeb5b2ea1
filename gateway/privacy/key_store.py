"""The key store: wrapped keys in a SQLite file of their own, outside the data and its backups.

Nothing in it opens anything without the root key. A destroyed key leaves a row without the key, so
that whatever it sealed reads as erased; its bytes are overwritten in the file and in its log.

SQLite copies rows between pages as a table grows, and leaves the bytes of a moved row where they
were until something else needs the room. So wrapped data keys stand in a table that only grows at
its end, where no row ever moves, and are overwritten in place.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from gateway.model.system import unusable_key
from gateway.privacy.key_rows import DataKeyRow, WorkspaceKeyRow
from gateway.privacy.key_tables import TABLES

FILE_NAME = "keys.db"
_VERSION = 1
_BUSY_TIMEOUT = 10.0

_DATA_KEY = "id, workspace, subject, lifetime, wrapped, workspace_key, created_at, seals_until, "
_DATA_KEY += "expires_at, destroyed_at"


class KeyStore:
    """The rows of a key store. Every change is durable before its method returns.

    Thread-safe, by ``lock``; several processes may have it open.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, which is created where it is missing.

        Raises:
            ProblemError: KEYS_UNUSABLE.
        """
        self.path = path
        self.lock = threading.RLock()
        try:
            path.touch(mode=0o600, exist_ok=True)
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
            )
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise unusable_key(
                path, f"cannot be used as a key store ({type(error).__name__}). Restore it"
            ) from error

    def _prepare(self) -> None:
        execute = self._connection.execute
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")
        execute("PRAGMA secure_delete = ON")  # what is freed is overwritten with zeros
        with self.transaction():
            if execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
                for command in filter(str.strip, TABLES.split(";")):
                    execute(command)
                execute("INSERT INTO meta VALUES ('version', ?)", (_VERSION,))
        if self.note("version") != _VERSION:
            raise unusable_key(self.path, "has another version. Start the release that wrote it")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the changes within durable as a whole or not at all; other threads wait."""
        with self.lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    # --- notes

    def note(self, name: str) -> object:
        """The noted value of this name, None where there is none."""
        found = self._one("SELECT value FROM meta WHERE name = ?", name)
        return None if found is None else found[0]

    def keep_note(self, name: str, value: bytes) -> None:
        """Note a value."""
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    # --- keys of workspaces

    def workspaces(self) -> list[str]:
        """Every workspace that has keys."""
        rows = self._all("SELECT workspace FROM commitment_key ORDER BY 1")
        return [row[0] for row in rows]

    def workspace_key(self, workspace: str) -> WorkspaceKeyRow | None:
        """The key of a workspace under which new data keys are wrapped."""
        found = self._one(
            "SELECT id, workspace, wrapped, root_key, created_at FROM workspace_key"
            " WHERE workspace = ? AND retired_at IS NULL",
            workspace,
        )
        return WorkspaceKeyRow(*found) if found else None

    def workspace_keys(self) -> list[WorkspaceKeyRow]:
        """Every key of every workspace that is still there."""
        rows = self._all(
            "SELECT id, workspace, wrapped, root_key, created_at FROM workspace_key"
            " WHERE wrapped IS NOT NULL ORDER BY workspace, created_at"
        )
        return [WorkspaceKeyRow(*row) for row in rows]

    def keep_workspace_key(self, row: WorkspaceKeyRow) -> None:
        """Store a key of a workspace, or store it wrapped anew."""
        self._connection.execute(
            "INSERT INTO workspace_key (id, workspace, wrapped, root_key, created_at)"
            " VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET wrapped = excluded.wrapped,"
            " root_key = excluded.root_key",
            (row.id, row.workspace, row.wrapped, row.root_key, row.created_at),
        )

    def retire_workspace_key(self, key_id: str, at: str) -> None:
        """No new data key is wrapped under this key."""
        self._connection.execute(
            "UPDATE workspace_key SET retired_at = ? WHERE id = ?", (at, key_id)
        )

    def destroy_workspace_key(self, key_id: str) -> None:
        """Destroy a retired key under which nothing is wrapped any more."""
        self._connection.execute(
            "UPDATE workspace_key SET wrapped = NULL WHERE id = ? AND retired_at IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM data_key"
            " WHERE workspace_key = ? AND destroyed_at IS NULL)",
            (key_id, key_id),
        )

    def commitment_key(self, workspace: str) -> tuple[bytes, str] | None:
        """The wrapped commitment key of a workspace, and the id of its root key."""
        found = self._one(
            "SELECT wrapped, root_key FROM commitment_key WHERE workspace = ?", workspace
        )
        return (found[0], found[1]) if found else None

    def keep_commitment_key(self, workspace: str, wrapped: bytes, root_key: str) -> None:
        """Store the commitment key of a workspace, or store it wrapped anew."""
        self._connection.execute(
            "INSERT INTO commitment_key VALUES (?, ?, ?) ON CONFLICT (workspace)"
            " DO UPDATE SET wrapped = excluded.wrapped, root_key = excluded.root_key",
            (workspace, wrapped, root_key),
        )

    def root_key(self) -> str | None:
        """The id of the root key under which everything is wrapped, None where nothing is."""
        found = self._one("SELECT root_key FROM workspace_key WHERE wrapped IS NOT NULL LIMIT 1")
        return found[0] if found else None

    # --- data keys

    def data_key(self, key_id: str) -> DataKeyRow | None:
        """The data key of this id, destroyed ones included."""
        found = self._one(f"SELECT {_DATA_KEY} FROM known_key WHERE id = ?", key_id)  # noqa: S608 a constant list of columns
        return DataKeyRow(*found) if found else None

    def keys_of(self, workspace: str, subject: str) -> list[DataKeyRow]:
        """The keys of a person that are still there, newest last."""
        rows = self._all(
            f"SELECT {_DATA_KEY} FROM known_key WHERE workspace = ? AND subject = ?"  # noqa: S608 a constant list of columns
            " AND destroyed_at IS NULL ORDER BY created_at, id",
            workspace,
            subject,
        )
        return [DataKeyRow(*row) for row in rows]

    def keys_under(self, workspace_key: str, most: int) -> list[DataKeyRow]:
        """Some of the data keys that are wrapped under a key of a workspace."""
        rows = self._all(
            f"SELECT {_DATA_KEY} FROM known_key WHERE workspace_key = ?"  # noqa: S608 a constant list of columns
            " AND wrapped IS NOT NULL LIMIT ?",
            workspace_key,
            most,
        )
        return [DataKeyRow(*row) for row in rows]

    def expired(self, now: str, most: int, after: tuple[str, str]) -> list[DataKeyRow]:
        """Keys whose time is over and that are still there, the longest overdue first, behind the
        one that expired at the moment and has the id ``after``."""
        rows = self._all(
            f"SELECT {_DATA_KEY} FROM known_key WHERE expires_at <= ? AND destroyed_at IS NULL"  # noqa: S608 a constant list of columns
            " AND (expires_at, id) > (?, ?) ORDER BY expires_at, id LIMIT ?",
            now,
            *after,
            most,
        )
        return [DataKeyRow(*row) for row in rows]

    def keep_data_keys(self, rows: Iterable[DataKeyRow]) -> None:
        """Store data keys that may be known, wrapped anew. A destroyed key stays destroyed."""
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
        """Store new data keys. Within a transaction, which the places of their secrets need."""
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

    def end_sealing(self, workspace: str, at: str) -> int:
        """No data key of a workspace seals after ``at``; returns how many did."""
        return self._connection.execute(
            "UPDATE data_key SET seals_until = ? WHERE workspace = ? AND destroyed_at IS NULL"
            " AND coalesce(seals_until, '~') > ?",
            (at, workspace, at),
        ).rowcount

    def destroy(self, keys: Sequence[tuple[str, str]], at: str, reason: str) -> int:
        """Destroy data keys, given as (id, workspace); returns how many were still there.

        What is not known here, because this store is older than the key, is marked as destroyed
        too.
        """
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

    def rewrite(self) -> None:
        """Write the whole file anew, so that nothing is left of keys of workspaces that were
        replaced. Nobody else may have the store open."""
        with self.lock:
            self._connection.execute("VACUUM")
        self.forget_log()

    def forget_log(self) -> None:
        """Empty the write-ahead log, in which overwritten pages still stand.

        Raises:
            TimeoutError: another process reads the store for too long.
        """
        with closing(self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")) as told:
            if told.fetchone()[0]:
                raise TimeoutError("the log of the key store is in use and could not be emptied")

    def _one(self, sql: str, *given: object) -> tuple[Any, ...] | None:
        with self.lock:
            found: tuple[Any, ...] | None = self._connection.execute(sql, given).fetchone()
        return found

    def _all(self, sql: str, *given: object) -> list[Any]:
        with self.lock:
            return self._connection.execute(sql, given).fetchall()
