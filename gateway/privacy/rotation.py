"""Rotating keys, each layer by itself; the journal is never rewritten.

A root key wraps keys of workspaces, and those wrap data keys: to rotate one of them is to wrap what
is below it anew. To rotate data keys is to have others seal from now on, while the earlier ones
still open what they sealed. Nobody else may have the key store open meanwhile.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.model.ports import Clock
from gateway.model.problem import ProblemError
from gateway.model.system import key_file, unusable_key
from gateway.model.time import stamp
from gateway.privacy.data_keys import data_key_context
from gateway.privacy.key_rows import DataKeyRow
from gateway.privacy.root_keys import (
    NEXT_FILE_NAME,
    LocalRootKey,
    open_root_key,
    require_root,
    settle_next_root,
)
from gateway.privacy.sqlite_key_store import finding_of
from gateway.privacy.vault import open_vault
from gateway.privacy.workspace_keys import WorkspaceKeys
from gateway.privacy.wrapping import new_key, unwrap, wrap

_BATCH = 1000

Tell = Callable[[str], None]


class KeyRotation:
    """Rotates the keys of a key folder, or of the PostgreSQL database of a URL where one is named.

    ``root_key`` is what the setting GATEWAY_ROOT_KEY says.
    """

    def __init__(self, key_dir: Path, root_key: str, clock: Clock, database: str = "") -> None:
        """Open the key store.

        Raises:
            ProblemError: KEYS_UNUSABLE, also while another process has a shared one open, and where
                the root key is another by now, as after a rotation that was cut off at its end.
        """
        self._key_dir = key_dir
        self._clock = clock
        vault = open_vault(key_dir, root_key, clock, database, alone=True)
        self.store = vault.store
        try:
            require_root(vault.store, vault.root)
        except ProblemError:
            vault.store.close()
            raise
        self._workspaces = WorkspaceKeys(self.store, vault.root, clock)

    def close(self) -> None:
        """Leave nothing of the keys that were replaced, and close the store.

        Raises:
            ProblemError: KEYS_UNUSABLE where something of them may be left, SERVICE_UNAVAILABLE.
        """
        try:
            self.store.rewrite()
        except (sqlite3.Error, TimeoutError) as error:
            raise unusable_key(self.store.place, _not_rewritten(error)) from error
        finally:
            self.store.close()

    def root(self, to: str) -> str:
        """Wrap the keys of all workspaces under another root key; returns its id.

        ``to`` is like the setting GATEWAY_ROOT_KEY; ``file`` makes a new root key in the key folder
        and destroys the one there. Safe to repeat after a crash: the key store says which of the
        two files is its root key.

        Raises:
            ProblemError: KEYS_UNUSABLE, SERVICE_UNAVAILABLE.
        """
        if to == "file":
            fresh = self._key_dir / NEXT_FILE_NAME
            root = self._workspaces.wrap_anew(lambda: LocalRootKey(key_file(fresh, new_key)))
            settle_next_root(self._key_dir, self.store)
            return root.key_id
        other = open_root_key(to, self._key_dir)
        return self._workspaces.wrap_anew(lambda: other).key_id

    def workspace(self, workspace: str, tell: Tell = lambda _: None) -> int:
        """Give a workspace another key and wrap its data keys under it; returns how many those are.

        The earlier key is destroyed at the end. Safe to repeat after a crash.
        """
        self._workspaces.of(workspace)
        with self.store.transaction():
            key_id, cipher = self._workspaces.add_key(workspace)
        count = 0
        for row in self.store.workspace_keys():
            if row.workspace == workspace and row.id != key_id:
                count += self._wrap_under(workspace, row.id, key_id, cipher, tell)
                self.store.destroy_workspace_key(row.id)
        return count

    def data(self, workspace: str) -> int:
        """Have other data keys seal in a workspace from now on; returns how many are replaced."""
        with self.store.transaction():
            return self.store.end_sealing(workspace, stamp(self._clock.now()))

    def workspaces(self) -> list[str]:
        """Every workspace that has keys."""
        return self.store.workspaces()

    def _wrap_under(
        self, workspace: str, before: str, key_id: str, cipher: AESGCM, tell: Tell
    ) -> int:
        earlier = self._workspaces.cipher(workspace, before)
        count = 0
        while rows := self.store.keys_under(before, _BATCH):
            with self.store.transaction():
                self.store.keep_data_keys(
                    [_wrapped_anew(row, earlier, key_id, cipher) for row in rows]
                )
            count += len(rows)
            tell(f"{count} data keys of {workspace}")
        return count


@contextmanager
def rotating(
    key_dir: Path, root_key: str, clock: Clock, database: str = ""
) -> Iterator[KeyRotation]:
    """A rotation that is closed at the end.

    Raises:
        ProblemError: as ``KeyRotation`` and its ``close``; KEYS_UNUSABLE also where the store
            cannot be read or written within.
    """
    rotation = KeyRotation(key_dir, root_key, clock, database)
    try:
        yield rotation
    except BaseException as error:
        with suppress(ProblemError):  # what went wrong first is what is told
            rotation.close()
        if isinstance(error, sqlite3.Error):
            raise unusable_key(rotation.store.place, finding_of(error)) from error
        if isinstance(error, ValueError):
            told = f"holds a key that cannot be opened ({error})"
            raise unusable_key(rotation.store.place, told) from error
        raise
    rotation.close()


def _not_rewritten(error: sqlite3.Error | TimeoutError) -> str:
    why = getattr(error, "sqlite_errorname", None) or str(error)
    return (
        f"could not be written anew ({why}), so keys that were replaced may still stand in it. "
        "What was rotated stays so. End other programs that use it and make room on its disk, then "
        "call `gateway keys rotate data`, with GATEWAY_ROOT_KEY as it has to be from now on"
    )


def _wrapped_anew(row: DataKeyRow, earlier: AESGCM, key_id: str, cipher: AESGCM) -> DataKeyRow:
    context = data_key_context(row.id, row.workspace)
    secret = unwrap(earlier, row.wrapped or b"", context)
    return replace(row, wrapped=wrap(cipher, secret, context), workspace_key=key_id)
