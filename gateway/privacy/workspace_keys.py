"""The keys of workspaces: one that wraps data keys, and one that commits to values.

The commitment key never changes, since the deterministic hash of a plan, which must stay what it
was, is made with it. What an earlier release sealed with keys derived from its root key stays
readable: those keys are brought into the store when a workspace is first asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.model.entropy import random_bytes
from gateway.model.json import canonical
from gateway.model.ports import Clock
from gateway.model.time import stamp
from gateway.privacy.key_rows import DataKeyRow, WorkspaceKeyRow
from gateway.privacy.key_store import ROOT_NOTE, KeyStore
from gateway.privacy.root_keys import RootKey
from gateway.privacy.signing_keys import signing_key_context
from gateway.privacy.wrapping import KEY_BYTES, new_key, wrap

_CACHED = 1024
_EARLIER_ROOT = "earlier-root"
_EARLIER_CONTEXT = canonical(["earlier-root"])
_EARLIER_DERIVATION = "contract-gateway/1"


@dataclass(frozen=True, slots=True)
class WorkspaceKey:
    """The opened keys of one workspace: ``cipher`` wraps data keys under the name ``key_id``."""

    key_id: str
    cipher: AESGCM
    commitment: bytes


class WorkspaceKeys:
    """The keys of workspaces, made where they are missing. Thread-safe."""

    def __init__(self, store: KeyStore, root: RootKey, clock: Clock) -> None:
        self._store = store
        self._root = root
        self._clock = clock
        self._known: dict[str, WorkspaceKey] = {}

    def of(self, workspace: str) -> WorkspaceKey:
        """The keys of a workspace.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when the root key cannot be used.
            ValueError: they were wrapped with another root key.
        """
        known = self._known.get(workspace)
        if known is None:
            with self._store.transaction():
                known = self._opened(workspace) or self._made(workspace)
            if len(self._known) >= _CACHED:
                self._known.clear()
            self._known[workspace] = known  # durable by now
        return known

    def cipher(self, workspace: str, key_id: str) -> AESGCM:
        """What unwraps data keys of a workspace that are wrapped under the key of this id."""
        known = self.of(workspace)
        if known.key_id == key_id:
            return known.cipher
        for row in self._store.workspace_keys():
            if (row.workspace, row.id) == (workspace, key_id):
                return AESGCM(self._root.unwrap(row.wrapped, key_context(key_id, workspace)))
        raise ValueError("a data key is wrapped under a key of its workspace that is not here")

    def add_key(self, workspace: str) -> tuple[str, AESGCM]:
        """Make a further key, under which new data keys are wrapped from then on."""
        before = self._store.workspace_key(workspace)
        if before is not None:
            self._store.retire_workspace_key(before.id, stamp(self._clock.now()))
        self._known.pop(workspace, None)
        return self._new_key(workspace)

    def wrap_anew(self, make: Callable[[], RootKey]) -> RootKey:
        """Wrap everything under another root key, as one change; returns that key.

        ``make`` gives it within the change, for which whoever opens the keys waits.
        """
        mine = self._root
        with self._store.transaction():
            root = make()
            for row in self._store.workspace_keys():
                context = key_context(row.id, row.workspace)
                wrapped = root.wrap(mine.unwrap(row.wrapped, context), context)
                self._store.keep_workspace_key(
                    WorkspaceKeyRow(row.id, row.workspace, wrapped, root.key_id, row.created_at)
                )
            for workspace in self._store.workspaces():
                kept, _ = self._store.commitment_key(workspace) or (b"", "")
                context = commitment_context(workspace)
                wrapped = root.wrap(mine.unwrap(kept, context), context)
                self._store.keep_commitment_key(workspace, wrapped, root.key_id)
            self._wrap_signing_keys_anew(root)
            self._store.keep_note(ROOT_NOTE, root.key_id.encode())
            earlier = self._store.note(_EARLIER_ROOT)
            if isinstance(earlier, bytes):
                opened = mine.unwrap(earlier, _EARLIER_CONTEXT)
                self._store.keep_note(_EARLIER_ROOT, root.wrap(opened, _EARLIER_CONTEXT))
        self._root = root
        self._known.clear()
        return root

    def _wrap_signing_keys_anew(self, root: RootKey) -> None:
        for row in self._store.signing_keys():
            if row.wrapped is not None:
                context = signing_key_context(row)
                wrapped = root.wrap(self._root.unwrap(row.wrapped, context), context)
                self._store.keep_signing_key(replace(row, wrapped=wrapped, root_key=root.key_id))

    def _opened(self, workspace: str) -> WorkspaceKey | None:
        row, kept = self._store.workspace_key(workspace), self._store.commitment_key(workspace)
        if row is None or kept is None:
            return None
        secret = self._root.unwrap(row.wrapped, key_context(row.id, workspace))
        commitment = self._root.unwrap(kept[0], commitment_context(workspace))
        return WorkspaceKey(row.id, AESGCM(secret), commitment)

    def _made(self, workspace: str) -> WorkspaceKey:
        key_id, cipher = self._new_key(workspace)
        commitment = self._earlier(workspace, key_id, cipher) or new_key()
        wrapped = self._root.wrap(commitment, commitment_context(workspace))
        self._store.keep_commitment_key(workspace, wrapped, self._root.key_id)
        return WorkspaceKey(key_id, cipher, commitment)

    def _new_key(self, workspace: str) -> tuple[str, AESGCM]:
        key_id, secret = random_bytes(12).hex(), new_key()
        wrapped = self._root.wrap(secret, key_context(key_id, workspace))
        now, root_id = stamp(self._clock.now()), self._root.key_id
        self._store.keep_workspace_key(WorkspaceKeyRow(key_id, workspace, wrapped, root_id, now))
        return key_id, AESGCM(secret)

    def _earlier(self, workspace: str, key_id: str, cipher: AESGCM) -> bytes | None:
        """Keep the sealing key that an earlier release derived for a workspace as a data key;
        returns the commitment key that it derived, None without such a release."""
        noted = self._store.note(_EARLIER_ROOT)
        if not isinstance(noted, bytes):
            return None
        root = self._root.unwrap(noted, _EARLIER_CONTEXT)
        earlier_id = _derived(root, "key-id", workspace, 8).hex()
        context = canonical(["data-key", earlier_id, workspace])
        wrapped = wrap(cipher, _derived(root, "seal", workspace, KEY_BYTES), context)
        made = (earlier_id, workspace, None, None, wrapped, key_id, stamp(self._clock.now()))
        self._store.keep_data_keys([DataKeyRow(*made)])
        return _derived(root, "commit", workspace, KEY_BYTES)


def earlier_root_note(secret: bytes, root: RootKey) -> dict[str, bytes]:
    """What a key store notes of the root key of an earlier release, under which its envelopes were
    sealed: the bytes of that key, wrapped by ``root``."""
    return {_EARLIER_ROOT: root.wrap(secret, _EARLIER_CONTEXT)}


def key_context(key_id: str, workspace: str) -> bytes:
    """What a workspace's key is for, as it is authenticated."""
    return canonical(["workspace-key", key_id, workspace])


def commitment_context(workspace: str) -> bytes:
    """What a commitment key is for, as it is authenticated."""
    return canonical(["commitment-key", workspace])


def _derived(root: bytes, purpose: str, workspace: str, length: int) -> bytes:
    info = canonical([_EARLIER_DERIVATION, purpose, workspace])
    return HKDF(SHA256(), length, salt=None, info=info).derive(root)
