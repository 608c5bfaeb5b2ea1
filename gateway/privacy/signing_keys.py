"""Keys that sign, kept in the key store: every process that shares it signs with the same."""

from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.model.json import canonical
from gateway.model.ports import Clock
from gateway.model.system import unusable_key
from gateway.model.time import stamp
from gateway.privacy.checkpoint_keys import CheckpointSigner, PublicKey
from gateway.privacy.key_rows import SigningKeyRow
from gateway.privacy.key_store import KeyStore
from gateway.privacy.root_keys import RootKey

CHECKPOINT = "checkpoint"
"""The purpose of the key that signs checkpoints, evidence and receipts."""

TOKEN = "token"  # noqa: S105 - no secret: the purpose of a key
"""The purpose of the key that signs development tokens."""

_CURRENT, _NEXT, _EARLIER = "current", "next", "earlier"


class StoredSigningKeys:
    """The keys of one purpose, in a key store, wrapped by its root key.

    The private half of a key that signs no more is destroyed; the public half stays, because what
    it signed stays.
    """

    def __init__(self, store: KeyStore, root: RootKey, clock: Clock, purpose: str) -> None:
        self._store = store
        self._root = root
        self._clock = clock
        self._purpose = purpose

    def current(self) -> CheckpointSigner:
        """The key that signs; one is made where there is none.

        Raises:
            ProblemError: KEYS_UNUSABLE when it was altered or wrapped with another root key.
        """
        return CheckpointSigner(self.key())

    def key(self, role: str = _CURRENT) -> Ed25519PrivateKey:
        """The private key of a role; one is made where there is none.

        Raises:
            ProblemError: KEYS_UNUSABLE, as for ``current``.
        """
        with self._store.transaction():
            row = self._row(role) or self._made(role)
        try:
            secret = self._root.unwrap(row.wrapped or b"", signing_key_context(row))
        except ValueError as error:
            told = f"holds a key for {self._purpose}s that cannot be opened ({error}). Restore it"
            raise unusable_key(self._store.place, told) from error
        return Ed25519PrivateKey.from_private_bytes(secret)

    def is_rotating(self) -> bool:
        """Whether a next key waits, so that a rotation began and did not end."""
        return self._row(_NEXT) is not None

    def next(self) -> CheckpointSigner:
        """The key that is to follow; one is made where there is none.

        Raises:
            ProblemError: KEYS_UNUSABLE, as for ``current``.
        """
        return CheckpointSigner(self.key(_NEXT))

    def promote(self) -> None:
        """Let the next key sign; nothing is changed where there is none."""
        with self._store.transaction():
            before, after = self._row(_CURRENT), self._row(_NEXT)
            if after is None:
                return
            if before is not None:
                gone = replace(before, role=_EARLIER, wrapped=None, root_key=None)
                self._store.keep_signing_key(gone)
            self._store.keep_signing_key(replace(after, role=_CURRENT))

    def public_keys(self) -> list[PublicKey]:
        """The public halves that are kept, that of today first."""
        return stored_public_keys(self._store, self._purpose)

    def _rows(self) -> list[SigningKeyRow]:
        return [one for one in self._store.signing_keys() if one.purpose == self._purpose]

    def _row(self, role: str) -> SigningKeyRow | None:
        return next((one for one in self._rows() if one.role == role), None)

    def _made(self, role: str) -> SigningKeyRow:
        key = Ed25519PrivateKey.generate()
        named = CheckpointSigner(key)
        row = SigningKeyRow(
            *(self._purpose, named.key_id, role, named.public_key_pem),
            *(None, self._root.key_id, stamp(self._clock.now())),
        )
        wrapped = self._root.wrap(key.private_bytes_raw(), signing_key_context(row))
        row = replace(row, wrapped=wrapped)
        self._store.keep_signing_key(row)
        return row


def stored_public_keys(store: KeyStore, purpose: str) -> list[PublicKey]:
    """The public halves of the keys of a purpose that sign or signed, that of today first."""
    rows = [one for one in store.signing_keys() if one.purpose == purpose and one.role != _NEXT]
    rows.sort(key=lambda one: one.role != _CURRENT)
    return [PublicKey(f"{store.place}, key {one.id}", one.public) for one in rows]


def signing_key_context(row: SigningKeyRow) -> bytes:
    """What a key that signs is for, as it is authenticated."""
    return canonical(["signing-key", row.purpose, row.id])
