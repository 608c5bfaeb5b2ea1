"""Data keys: one for each subject, so that destroying it erases what is held on the subject.

A data key is wrapped by a key of its workspace, and that by the root key (envelope encryption).
Keys of people are stored with a token of the person; all other keys carry no owner, because the
entries of an execution name the keys that sealed them, and are taken from a supply that was made
durable beforehand, so that a run waits for no disk but the journal's.
"""

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Generic, TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.model.json import canonical
from gateway.model.pii import ErasedError, Owner
from gateway.model.ports import Clock
from gateway.model.time import stamp
from gateway.privacy.key_store import DataKeyRow, KeyStore
from gateway.privacy.tombstones import Tombstone, TombstoneFile
from gateway.privacy.workspace_keys import WorkspaceKeys
from gateway.privacy.wrapping import new_key, unwrap, wrap

SUPPLY = 64
"""How many keys without an owner are made at a time."""

_CACHED = 8192
_DAY = 86_400

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DataKey:
    """An opened data key; ``seals_until`` (RFC 3339) is when another takes its place."""

    id: str
    workspace: str
    cipher: AESGCM
    seals_until: str | None = None


class DataKeys:
    """The data keys of an installation. Thread-safe."""

    def __init__(
        self, store: KeyStore, tombstones: TombstoneFile, workspaces: WorkspaceKeys, clock: Clock
    ) -> None:
        self.store = store
        self.tombstones = tombstones
        self._workspaces = workspaces
        self._clock = clock
        self._lock = threading.RLock()
        self._opened: _Recent[DataKey] = _Recent(_CACHED)
        self._sealing: _Recent[DataKey] = _Recent(_CACHED)
        self._supply: dict[tuple[str, int | None], list[DataKey]] = {}

    def close(self) -> None:
        """Close the key store; nothing is sealed or opened any more."""
        with self._lock:
            self.store.close()

    def sealing(self, owner: Owner, lifetime: int | None = None) -> DataKey:
        """The key that seals for ``owner`` what is kept for ``lifetime`` seconds, or for good.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when the root key cannot be used.
        """
        name = f"{owner.workspace}\n{owner.subject}\n{lifetime}"
        with self._lock:
            known = self._sealing.get(name)
            if known is not None and not self._is_over(known):
                return known
            key = self._key_of(owner, lifetime) if owner.is_person else None
            key = key or self._unowned(owner.workspace, lifetime)
            self._sealing.keep(name, key)
            self._opened.keep(key.id, key)
            return key

    def opening(self, workspace: str, key_id: str) -> DataKey:
        """The key of this id.

        Raises:
            ErasedError: it was destroyed.
            ValueError: it is not here, or belongs to another workspace.
            ProblemError: SERVICE_UNAVAILABLE when the root key cannot be used.
        """
        with self._lock:
            known = self._opened.get(key_id)
            if known is not None and known.workspace == workspace:
                return known
            self._workspaces.of(workspace)  # brings what an earlier release sealed with
            row = self.store.data_key(key_id)
            if row is None or row.workspace != workspace:
                raise ValueError("the envelope was sealed with a key that is not here")
            if row.wrapped is None:
                raise ErasedError("what the envelope held was erased: its key is destroyed")
            key = self._from_row(row)
            self._opened.keep(key_id, key)
            return key

    def token(self, owner: Owner) -> str:
        """What stands for a person in the key store: nobody tells who it is without the keys."""
        secret = self._workspaces.of(owner.workspace).commitment
        return hmac.new(secret, canonical(["subject", owner.subject]), hashlib.sha256).hexdigest()

    def keys_of(self, owner: Owner) -> list[str]:
        """The ids of the keys that a person has."""
        token = self.token(owner)
        with self._lock:
            return [row.id for row in self.store.keys_of(owner.workspace, token)]

    def owner_token(self, key_id: str) -> str | None:
        """The token of the person whom a key belongs to, None where it is nobody's own."""
        with self._lock:
            row = self.store.data_key(key_id)
            return row.subject if row else None

    def is_there(self, key_id: str) -> bool:
        """True while a key can open what it sealed."""
        with self._lock:
            row = self.store.data_key(key_id)
            return row is not None and row.wrapped is not None

    def expired(self, most: int, but: Sequence[str] = ()) -> list[DataKeyRow]:
        """Keys whose lifetime is over, the longest overdue first, without those ``but``."""
        with self._lock:
            return self.store.expired(stamp(self._clock.now()), most, but)

    def destroy(self, workspace: str, key_ids: Sequence[str], reason: str) -> int:
        """Destroy keys of a workspace for good; returns how many were still there.

        Safe to repeat. Once it returns, neither the store nor its log holds anything of them.

        Raises:
            OSError, sqlite3.Error, TimeoutError: it could not be done; repeat it.
        """
        at = stamp(self._clock.now())
        with self._lock:
            self.tombstones.append([Tombstone(one, workspace, at, reason) for one in key_ids])
            with self.store.transaction():
                gone = self.store.destroy([(one, workspace) for one in key_ids], at, reason)
            self._forget(set(key_ids))
            self.store.forget_log()
            return gone

    def bury(self) -> int:
        """Destroy again whatever a tombstone names, as after a key store was restored; returns how
        many keys that were."""
        with self._lock:
            risen = [
                (one.key_id, one.workspace, one.reason)
                for one in self.tombstones
                if not self._is_destroyed(one.key_id)
            ]
            if not risen:
                return 0
            at = stamp(self._clock.now())
            with self.store.transaction():
                for key_id, workspace, reason in risen:
                    self.store.destroy([(key_id, workspace)], at, reason)
            self.store.forget_log()
            return len(risen)

    def renew(self, workspace: str, key_ids: Sequence[str]) -> None:
        """Have other keys seal from now on in the place of these, which still open."""
        now = stamp(self._clock.now())
        with self._lock, self.store.transaction():
            found = [self.store.data_key(one) for one in key_ids]
            rows = [row for row in found if row and row.workspace == workspace and row.wrapped]
            self.store.keep_data_keys([replace(row, seals_until=now) for row in rows])
            self._forget(set(key_ids))

    # --- making keys

    def _key_of(self, owner: Owner, lifetime: int | None) -> DataKey:
        token = self.token(owner)
        for row in reversed(self.store.keys_of(owner.workspace, token)):
            if row.lifetime == lifetime and (row.seals_until or "~") > stamp(self._clock.now()):
                return self._from_row(row)
        return self._made(owner.workspace, lifetime, token, 1)[0]

    def _unowned(self, workspace: str, lifetime: int | None) -> DataKey:
        supply = self._supply.setdefault((workspace, lifetime), [])
        while supply:
            key = supply.pop()
            if not self._is_over(key):
                return key
        supply.extend(self._made(workspace, lifetime, None, SUPPLY))
        return supply.pop()

    def _made(
        self, workspace: str, lifetime: int | None, subject: str | None, count: int
    ) -> list[DataKey]:
        keys, rows = [], []
        under = self._workspaces.of(workspace)
        now = self._clock.now()
        seals_until, expires_at = None, None
        if lifetime is not None:
            seals_until = stamp(now + timedelta(seconds=min(_DAY, lifetime / 10)))
            expires_at = stamp(now + timedelta(seconds=lifetime))
        for _ in range(count):
            key_id, secret = secrets.token_hex(12), new_key()
            wrapped = wrap(under.cipher, secret, data_key_context(key_id, workspace))
            keys.append(DataKey(key_id, workspace, AESGCM(secret), seals_until))
            made = (key_id, workspace, subject, lifetime, wrapped, under.key_id, stamp(now))
            rows.append(DataKeyRow(*made, seals_until, expires_at))
        with self.store.transaction():
            self.store.keep_data_keys(rows)
        return keys

    def _from_row(self, row: DataKeyRow) -> DataKey:
        cipher = self._workspaces.cipher(row.workspace, row.workspace_key or "")
        secret = unwrap(cipher, row.wrapped or b"", data_key_context(row.id, row.workspace))
        return DataKey(row.id, row.workspace, AESGCM(secret), row.seals_until)

    def _is_over(self, key: DataKey) -> bool:
        return key.seals_until is not None and key.seals_until <= stamp(self._clock.now())

    def _is_destroyed(self, key_id: str) -> bool:
        row = self.store.data_key(key_id)
        return row is not None and row.destroyed_at is not None

    def _forget(self, key_ids: set[str]) -> None:
        self._opened.drop(lambda key: key.id in key_ids)
        self._sealing.drop(lambda key: key.id in key_ids)
        for supply in self._supply.values():
            supply[:] = [key for key in supply if key.id not in key_ids]


def data_key_context(key_id: str, workspace: str) -> bytes:
    """What a data key is for, as it is authenticated."""
    return canonical(["data-key", key_id, workspace])


class _Recent(Generic[T]):
    """The entries that were used last, ``most`` of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[str, T] = OrderedDict()

    def get(self, name: str) -> T | None:
        found = self._held.get(name)
        if found is not None:
            self._held.move_to_end(name)
        return found

    def keep(self, name: str, value: T) -> None:
        self._held[name] = value
        self._held.move_to_end(name)
        if len(self._held) > self._most:
            self._held.popitem(last=False)

    def drop(self, is_over: Callable[[T], bool]) -> None:
        for name in [name for name, held in self._held.items() if is_over(held)]:
            del self._held[name]
