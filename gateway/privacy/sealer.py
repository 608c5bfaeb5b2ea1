"""Sealing PII with AES-256-GCM under the data keys of those whose data it is."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable

from cryptography.exceptions import InvalidTag

from gateway.model.entropy import random_bytes
from gateway.model.json import JsonObject, JsonValue, decode, encoded, keyed_digest
from gateway.model.pii import SEALED, Owner, is_envelope
from gateway.privacy.data_keys import DataKey
from gateway.privacy.keyring import Keyring

SEAL_FORMAT = 2
"""The version of the envelope that is written here."""

_KNOWN_FORMATS = (1, 2)
"""Versions that are opened here: 1 was sealed under one key for each workspace."""

_NONCE_BYTES = 12

Lifetime = Callable[[str, str], int | None]
"""For how many seconds a field of a contract is kept; None for good."""


def keep_for_good(_contract: str, _field: str) -> int | None:
    """A lifetime without end."""
    return None


class KeyringSealer:
    """Seals with keys of a keyring: the port ``Sealer``.

    An envelope is ``{"$sealed": [2, contract, field, key id, data]}``; ``data`` is nonce and
    ciphertext in base64url without padding (RFC 4648, section 5). The cipher authenticates
    everything else in the envelope and the workspace, so that an envelope cannot be relabelled or
    moved to another workspace. Nonces are random, which is safe for some 2^32 envelopes a key
    (NIST SP 800-38D, section 8.3). ``lifetime`` says how long a field is kept.
    """

    def __init__(self, keyring: Keyring, lifetime: Lifetime = keep_for_good) -> None:
        self._keys = keyring.data
        self._workspaces = keyring.workspaces
        self._lifetime = lifetime

    def seal(self, owner: Owner, contract: str, field: str, value: JsonValue) -> JsonObject:
        """A sealed envelope of ``value``; sealing twice gives two different envelopes.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when there is no key to be had.
        """
        key = self._keys.sealing(owner, self._lifetime(contract, field))
        return _sealed(key, owner.workspace, contract, field, value)

    def seal_like(
        self, workspace: str, other: JsonObject, contract: str, field: str, value: JsonValue
    ) -> JsonObject:
        """A sealed envelope of ``value`` with the key of ``other``.

        Raises:
            ErasedError, ValueError: as ``unseal`` of ``other`` would.
        """
        key = self._keys.opening(workspace, _parts(other)[3])
        return _sealed(key, workspace, contract, field, value)

    def unseal(self, workspace: str, envelope: JsonObject) -> JsonValue:
        """The value of an envelope.

        Raises:
            ErasedError: its key was destroyed.
            ValueError: it is no envelope of a known format, was altered, belongs to another
                workspace, or its key is not here.
            ProblemError: SERVICE_UNAVAILABLE when the root key cannot be used.
        """
        version, contract, field, key_id, data = _parts(envelope)
        key = self._keys.opening(workspace, key_id)
        sealed = _from_text(data)
        try:
            label = _label(version, workspace, contract, field, key_id)
            text = key.cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], label)
        except (InvalidTag, TypeError):
            raise ValueError("the envelope was altered") from None
        return decode(text)

    def commit(self, workspace: str, value: JsonValue) -> str:
        """HMAC-SHA-256 of the canonical value (RFC 8785) under the workspace's key, in hex."""
        return keyed_digest(self._workspaces.of(workspace).commitment, value)


def _sealed(
    key: DataKey, workspace: str, contract: str, field: str, value: JsonValue
) -> JsonObject:
    nonce = random_bytes(_NONCE_BYTES)
    label = _label(SEAL_FORMAT, workspace, contract, field, key.id)
    ciphertext = key.cipher.encrypt(nonce, encoded(value), label)
    return {SEALED: [SEAL_FORMAT, contract, field, key.id, _to_text(nonce + ciphertext)]}


def _label(version: int, workspace: str, contract: str, field: str, key_id: str) -> bytes:
    """What is authenticated beside the ciphertext; encoded, so that no two labels are alike."""
    return encoded([version, workspace, contract, field, key_id])


def _parts(envelope: JsonObject) -> tuple[int, str, str, str, str]:
    """Format, contract, field, key id and data of an envelope of a known format."""
    members = envelope[SEALED] if is_envelope(envelope) else None
    match members:
        case [int(version), str(contract), str(field), str(key_id), str(data)] if (
            version in _KNOWN_FORMATS and version is not True
        ):
            return version, contract, field, key_id, data
        case [int(version), *_]:
            raise ValueError(f"envelopes of format {version} cannot be opened here")
        case _:
            raise ValueError("this is not a sealed envelope")


def _to_text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _from_text(text: str) -> bytes:
    """The bytes that exactly this text stands for; Python's decoder alone would skip over junk."""
    data = urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
    if _to_text(data) != text or len(data) <= _NONCE_BYTES:
        raise ValueError("the envelope was altered")
    return data
