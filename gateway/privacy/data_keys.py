"""Data keys: one for each subject, so that destroying it erases what is held on the subject.

A data key is wrapped by a key of its workspace, and that by the root key (envelope encryption).
Keys of people are stored with a token of the person; all other keys carry no owner, because the
entries of an execution name the keys that sealed them, and are taken from a supply that was made
durable beforehand, so that a run waits for no disk but the journal's.
"""

import hashlib
import hmac
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.model.entropy import random_bytes
from gateway.model.json import canonical
from gateway.model.pii import ErasedError, Owner
from gateway.model.ports import Clock
from gateway.model.time import END, stamp
from gateway.privacy.freshness import Freshness
from gateway.privacy.key_rows import DataKeyRow, sealing_end, seals_no_more
from gateway.privacy.key_store import KeyStore
from gateway.privacy.recent import Recent
from gateway.privacy.supply import Spare, Supply
from gateway.privacy.tombstones import Tombstone, Tombstones, by_key
from gateway.privacy.workspace_keys import WorkspaceKeys
from gateway.privacy.wrapping import new_key, unwrap, wrap

SUPPLY = 64
"""How many keys without an owner are made at a time, at most."""

_CACHED = 2048
"""Opened keys that are kept, each of 3 KB; a run has one, and hardly needs it once it is over."""

_Sealing: TypeAlias = tuple[str, str, int | None]
"""Workspace, subject and lifetime of what a key seals."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """An opened data key; ``seals_until`` (RFC 3339) is when another takes its place."""

    id: str
    workspace: str
    cipher: AESGCM
    seals_until: str | None = None


class DataKeys:
    """The data keys of an installation, whose times go by ``clock``. Thread-safe."""

    def __init__(
        self, store: KeyStore, tombstones: Tombstones, workspaces: WorkspaceKeys, clock: Clock
    ) -> None:
        self.store = store
        self.tombstones = tombstones
        self._workspaces = workspaces
        self.clock = clock
        self._lock = threading.Lock()  # of the caches; the store has a lock of its own
        self._pending: dict[_Sealing, DataKeyRow] = {}
        self._opened: Recent[str, DataKey] = Recent(_CACHED)
        self._sealing: Recent[_Sealing, DataKey] = Recent(_CACHED)
        self._supply = Supply()
        self._freshness = Freshness(store, self._forget)

    def close(self) -> None:
        """Close the key store; nothing is sealed or opened any more."""
        with self.store.lock:
            self.settle()
            self.store.close()

    def settle(self) -> None:
        """Make every key durable that was given to a person meanwhile.

        Whoever makes durable what these keys sealed calls it first: the journal does before each
        commit, so that people who are first heard of together cost one wait for the disk.

        Raises:
            sqlite3.Error, ProblemError: they could not be made durable; nothing that they sealed
                may be kept.
        """
        if self._pending:
            with self.store.lock:
                with self.store.transaction():
                    self.store.add_data_keys(list(self._pending.values()))
                self._pending.clear()  # not before: they are in use, and are tried again

    def sealing(self, owner: Owner, lifetime: int | None = None) -> DataKey:
        """The key that seals for ``owner`` what is kept for ``lifetime`` seconds, or for good.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when the root key or the store cannot be used.
        """
        self._freshness.ensure()
        name = (owner.workspace, owner.subject, lifetime)
        known = self._known_sealing(name)
        if known is not None:
            return known
        with self.store.lock:
            known = self._known_sealing(name)  # made while we waited
            if known is not None:
                return known
            make = self._key_of if owner.is_person else self._unowned
            key = make(owner, lifetime)
            with self._lock:
                self._sealing.keep(name, key)
                self._opened.keep(key.id, key)
            return key

    def _known_sealing(self, name: _Sealing) -> DataKey | None:
        with self._lock:
            known = self._sealing.get(name)
        return None if known is None or self._is_over(known, name[2]) else known

    def opening(self, workspace: str, key_id: str) -> DataKey:
        """The key of this id.

        Raises:
            ErasedError: it was destroyed.
            ValueError: it is not here, or belongs to another workspace.
            ProblemError: SERVICE_UNAVAILABLE when the root key or the store cannot be used.
        """
        self._freshness.ensure()
        with self._lock:
            known = self._opened.get(key_id)
        if known is not None and known.workspace == workspace:
            return known
        self._workspaces.of(workspace)  # brings what an earlier release sealed with
        with self.store.lock:
            row = self._row(key_id)
            if row is None or row.workspace != workspace:
                raise ValueError("the envelope was sealed with a key that is not here")
            if row.wrapped is None:
                raise ErasedError("what the envelope held was erased: its key is destroyed")
            key = self._from_row(row)
            with self._lock:
                self._opened.keep(key_id, key)
            return key

    def token(self, owner: Owner) -> str:
        """What stands for a person in the key store: nobody tells who it is without the keys."""
        secret = self._workspaces.of(owner.workspace).commitment
        return hmac.new(secret, canonical(["subject", owner.subject]), hashlib.sha256).hexdigest()

    def keys_of(self, owner: Owner) -> list[str]:
        """The ids of the keys that a person has."""
        return self.keys_of_token(owner.workspace, self.token(owner))

    def keys_of_token(self, workspace: str, token: str, made_until: str = END) -> list[str]:
        """The ids of the keys that the person behind a token has and that were made by a moment."""
        with self.store.lock:
            self.settle()
            rows = self.store.keys_of(workspace, token)
            return [row.id for row in rows if row.created_at <= made_until]

    def owner_token(self, key_id: str) -> str | None:
        """The token of the person whom a key belongs to, None where it is nobody's own."""
        row = self._row(key_id)
        return row.subject if row else None

    def is_there(self, key_id: str) -> bool:
        """True while a key can open what it sealed."""
        row = self._row(key_id)
        return row is not None and row.wrapped is not None

    def not_destroyed(self, key_ids: Sequence[str]) -> list[str]:
        """Those of these keys that are not known to be destroyed."""
        with self.store.lock:
            self.settle()
            return self.store.not_destroyed(key_ids)

    def expired(
        self, most: int, after: tuple[str, str] = ("", ""), at: str = ""
    ) -> list[DataKeyRow]:
        """Keys whose lifetime is over now, or ``at`` a moment, the longest overdue first; ``after``
        is the moment and the id of the key behind which to go on."""
        with self.store.lock:
            self.settle()
            return self.store.expired(at or stamp(self.clock.now()), most, after)

    def destroy(self, workspace: str, key_ids: Sequence[str], reason: str) -> int:
        """Destroy keys of a workspace for good; returns how many were still there.

        Safe to repeat. Once it returns, neither the store nor its log holds anything of them, and
        no process that shares the store uses one. One that is not here at all gets no tombstone:
        nobody can tell whose it is, and another copy of the store may bring it back.

        Raises:
            OSError, sqlite3.Error, TimeoutError, ProblemError: it could not be done; repeat it.
        """
        at = stamp(self.clock.now())
        with self.store.lock:
            fresh = self.not_destroyed(key_ids)
            unknown = set(self.store.unknown(fresh)) if fresh else ()
            if known := [one for one in fresh if one not in unknown]:
                self.tombstones.append([Tombstone(one, workspace, at, reason) for one in known])
            with self.store.transaction():
                gone = self.store.destroy([(one, workspace) for one in key_ids], at, reason)
            self._forget(key_ids)
        self.store.forget_log()
        self._freshness.wait_out()
        return gone

    def bury(self) -> int:
        """Destroy again whatever a tombstone names, as after a key store was restored; returns how
        many keys that were."""
        with self.store.lock:
            buried = by_key(self.tombstones)
            risen = [some[key] for some in buried for key in self.not_destroyed(list(some))]
            if not risen:
                return 0
            at = stamp(self.clock.now())
            with self.store.transaction():
                for one in risen:
                    self.store.destroy([(one.key_id, one.workspace)], at, one.reason)
        self.store.forget_log()
        self._freshness.wait_out()
        return len(risen)

    def _key_of(self, owner: Owner, lifetime: int | None) -> DataKey:
        token = self.token(owner)
        name = (owner.workspace, token, lifetime)
        if name in self._pending:
            self.settle()
        for row in reversed(self.store.keys_of(owner.workspace, token)):
            if row.lifetime == lifetime and not self._is_over(row, lifetime):
                return self._from_row(row)
        ((row, fresh),) = self._made(owner.workspace, lifetime, token, 1)
        self._pending[name] = row
        return _opened(fresh)

    def _unowned(self, owner: Owner, lifetime: int | None) -> DataKey:
        kind = (owner.workspace, lifetime)
        while (spare := self._supply.take(kind)) is not None:
            if not self._is_over(spare, lifetime):
                return _opened(spare)
        made = self._made(*kind, None, self._supply.share(SUPPLY))
        with self.store.transaction():
            self.store.add_data_keys([row for row, _ in made])
        self._supply.keep(kind, [fresh for _, fresh in made[1:]])
        return _opened(made[0][1])

    def _made(
        self, workspace: str, lifetime: int | None, subject: str | None, count: int
    ) -> list[tuple[DataKeyRow, Spare]]:
        made = []
        under = self._workspaces.of(workspace)
        now = self.clock.now()
        seals_until, expires_at = None, None
        if lifetime is not None:
            seals_until = sealing_end(now, lifetime)
            expires_at = stamp(now + timedelta(seconds=lifetime))
        for _ in range(count):
            key_id, secret = random_bytes(12).hex(), new_key()
            wrapped = wrap(under.cipher, secret, data_key_context(key_id, workspace))
            named = (key_id, workspace, subject, lifetime, wrapped, under.key_id, stamp(now))
            row = DataKeyRow(*named, seals_until, expires_at)
            made.append((row, Spare(key_id, workspace, secret, seals_until)))
        return made

    def _row(self, key_id: str) -> DataKeyRow | None:
        self.settle()
        return self.store.data_key(key_id)

    def _from_row(self, row: DataKeyRow) -> DataKey:
        cipher = self._workspaces.cipher(row.workspace, row.workspace_key or "")
        secret = unwrap(cipher, row.wrapped or b"", data_key_context(row.id, row.workspace))
        return DataKey(row.id, row.workspace, AESGCM(secret), row.seals_until)

    def _is_over(self, key: DataKey | DataKeyRow | Spare, lifetime: int | None) -> bool:
        return seals_no_more(key.seals_until, lifetime, self.clock.now())

    def _forget(self, key_ids: Sequence[str] | None) -> None:
        """Forget what is remembered of these keys, or of all. Under the lock of the store."""
        gone = None if key_ids is None else set(key_ids)

        def is_over(key: DataKey) -> bool:
            return gone is None or key.id in gone

        if gone is not None and not gone:
            return
        with self._lock:
            self._opened.drop(is_over)
            self._sealing.drop(is_over)
        self._supply.drop(gone)


def _opened(spare: Spare) -> DataKey:
    return DataKey(spare.id, spare.workspace, AESGCM(spare.secret), spare.seals_until)


def data_key_context(key_id: str, workspace: str) -> bytes:
    """What a data key is for, as it is authenticated."""
    return canonical(["data-key", key_id, workspace])
