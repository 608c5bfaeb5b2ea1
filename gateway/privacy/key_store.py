"""The key store: wrapped keys, and what is known of keys that were destroyed.

Nothing in it opens anything without the root key, which is kept elsewhere. A destroyed key leaves a
row without the key, so that whatever it sealed reads as erased. ``KeyStore`` is the port, with the
statements that the two stores share: a SQLite file (``sqlite_key_store``) for one serving process,
and tables of PostgreSQL (``postgres_key_store``) for several.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import RLock
from typing import Any, LiteralString

from gateway.privacy.key_rows import DataKeyRow, SigningKeyRow, WorkspaceKeyRow

VERSION = 1
"""The version of the tables of both stores."""

ROOT_NOTE = "root-key"
"""The note that names the root key: of a shared store, and of one whose root key was rotated."""

_DATA_KEY: LiteralString = (
    "id, workspace, subject, lifetime, wrapped, workspace_key, created_at, seals_until, "
    "expires_at, destroyed_at"
)
_KNOWN: LiteralString = f"SELECT {_DATA_KEY} FROM known_key "  # noqa: S608 a constant list of columns


@dataclass(frozen=True, slots=True)
class Destroyed:
    """Which keys were destroyed up to ``mark``; ``ids`` is None where it may have been any."""

    mark: int
    ids: Sequence[str] | None = ()


class KeyStore(ABC):
    """The rows of a key store. Every change is durable before its method returns, or with the
    transaction that it is part of.

    Thread-safe, by ``lock``; several processes may have it open. ``place`` says where it is. With
    ``is_shared`` other processes use its keys too. Where it cannot be asked, SQLite raises
    ``sqlite3.Error``, and PostgreSQL a ``ProblemError`` with SERVICE_UNAVAILABLE.
    """

    place: str
    lock: RLock
    is_shared: bool = False

    @abstractmethod
    def close(self) -> None:
        """Close the store; it cannot be used any more."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """Make the changes within durable as a whole or not at all; other changes wait."""

    @abstractmethod
    def add_data_keys(self, rows: Sequence[DataKeyRow]) -> None:
        """Store new data keys. Within a transaction."""

    @abstractmethod
    def keep_data_keys(self, rows: Iterable[DataKeyRow]) -> None:
        """Store data keys that may be known, wrapped anew. A destroyed key stays destroyed. Within
        a transaction."""

    @abstractmethod
    def destroy(self, keys: Sequence[tuple[str, str]], at: str, reason: str) -> int:
        """Destroy data keys, given as (id, workspace); returns how many were still there. Within a
        transaction.

        What is not known here, because this store is older than the key, is marked as destroyed
        too.
        """

    @abstractmethod
    def not_destroyed(self, key_ids: Sequence[str]) -> list[str]:
        """Those of these keys that are not known to be destroyed."""

    @abstractmethod
    def unknown(self, key_ids: Sequence[str]) -> list[str]:
        """Those of these keys that are not here at all, not even as destroyed."""

    @abstractmethod
    def destroyed_since(self, mark: int) -> Destroyed:
        """What was destroyed since an earlier answer had this ``mark``, by any process."""

    @abstractmethod
    def rewrite(self) -> None:
        """Write everything anew, so that nothing is left of keys that were replaced. Nobody else
        may have the store open."""

    @abstractmethod
    def forget_log(self) -> None:
        """Remove what the store still holds of keys that were overwritten.

        Raises:
            TimeoutError: another process reads the store for too long.
        """

    @abstractmethod
    def _all(self, sql: LiteralString, *given: object) -> list[Any]:
        """The rows of a statement, whose parameters are written as ``?``."""

    @abstractmethod
    def _change(self, sql: LiteralString, *given: object) -> int:
        """Run a statement that changes rows; returns how many."""

    # --- keys that sign

    def signing_keys(self) -> list[SigningKeyRow]:
        """Every key that signs or signed, newest first; none where they are files beside the
        store."""
        return []

    def keep_signing_key(self, row: SigningKeyRow) -> None:
        """Store a key that signs, or store it anew."""
        raise NotImplementedError("the keys that sign are files beside this store")

    def _one(self, sql: LiteralString, *given: object) -> Any:
        rows = self._all(sql, *given)
        return rows[0] if rows else None

    # --- notes

    def note(self, name: str) -> object:
        """The noted value of this name, None where there is none."""
        found = self._one("SELECT value FROM meta WHERE name = ?", name)
        return None if found is None else found[0]

    def keep_note(self, name: str, value: bytes) -> None:
        """Note a value."""
        self._change(
            "INSERT INTO meta (name, value) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            name,
            value,
        )

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
        self._change(
            "INSERT INTO workspace_key (id, workspace, wrapped, root_key, created_at)"
            " VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET wrapped = excluded.wrapped,"
            " root_key = excluded.root_key",
            *(row.id, row.workspace, row.wrapped, row.root_key, row.created_at),
        )

    def retire_workspace_key(self, key_id: str, at: str) -> None:
        """No new data key is wrapped under this key."""
        self._change("UPDATE workspace_key SET retired_at = ? WHERE id = ?", at, key_id)

    def destroy_workspace_key(self, key_id: str) -> None:
        """Destroy a retired key under which nothing is wrapped any more."""
        self._change(
            "UPDATE workspace_key SET wrapped = NULL WHERE id = ? AND retired_at IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM data_key"
            " WHERE workspace_key = ? AND destroyed_at IS NULL)",
            *(key_id, key_id),
        )

    def commitment_key(self, workspace: str) -> tuple[bytes, str] | None:
        """The wrapped commitment key of a workspace, and the id of its root key."""
        found = self._one(
            "SELECT wrapped, root_key FROM commitment_key WHERE workspace = ?", workspace
        )
        return (found[0], found[1]) if found else None

    def keep_commitment_key(self, workspace: str, wrapped: bytes, root_key: str) -> None:
        """Store the commitment key of a workspace, or store it wrapped anew."""
        self._change(
            "INSERT INTO commitment_key (workspace, wrapped, root_key) VALUES (?, ?, ?)"
            " ON CONFLICT (workspace)"
            " DO UPDATE SET wrapped = excluded.wrapped, root_key = excluded.root_key",
            *(workspace, wrapped, root_key),
        )

    def root_key(self) -> str | None:
        """The id of the root key under which everything is wrapped, None where nothing is."""
        found = self._one("SELECT root_key FROM workspace_key WHERE wrapped IS NOT NULL LIMIT 1")
        noted = self.note(ROOT_NOTE)  # more may be wrapped before any workspace has keys
        return found[0] if found else noted.decode() if isinstance(noted, bytes) else None

    # --- data keys

    def data_key(self, key_id: str) -> DataKeyRow | None:
        """The data key of this id, destroyed ones included."""
        found = self._one(f"{_KNOWN}WHERE id = ?", key_id)
        return DataKeyRow(*found) if found else None

    def keys_of(self, workspace: str, subject: str) -> list[DataKeyRow]:
        """The keys of a person that are still there, newest last."""
        rows = self._all(
            f"{_KNOWN}WHERE workspace = ? AND subject = ?"
            " AND destroyed_at IS NULL ORDER BY created_at, id",
            workspace,
            subject,
        )
        return [DataKeyRow(*row) for row in rows]

    def keys_under(self, workspace_key: str, most: int) -> list[DataKeyRow]:
        """Some of the data keys that are wrapped under a key of a workspace."""
        rows = self._all(
            f"{_KNOWN}WHERE workspace_key = ? AND wrapped IS NOT NULL LIMIT ?",
            workspace_key,
            most,
        )
        return [DataKeyRow(*row) for row in rows]

    def expired(self, now: str, most: int, after: tuple[str, str]) -> list[DataKeyRow]:
        """Keys whose time is over and that are still there, the longest overdue first, behind the
        one that expired at the moment and has the id ``after``."""
        rows = self._all(
            f"{_KNOWN}WHERE expires_at <= ? AND destroyed_at IS NULL"
            " AND (expires_at, id) > (?, ?) ORDER BY expires_at, id LIMIT ?",
            now,
            *after,
            most,
        )
        return [DataKeyRow(*row) for row in rows]

    def end_sealing(self, workspace: str, at: str) -> int:
        """No data key of a workspace seals after ``at``; returns how many did."""
        return self._change(
            "UPDATE data_key SET seals_until = ? WHERE workspace = ? AND destroyed_at IS NULL"
            " AND coalesce(seals_until, '~') > ?",
            *(at, workspace, at),
        )
