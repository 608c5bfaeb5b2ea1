"""Sealing PII with AES-256-GCM under keys of the workspace."""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag

from gateway.model.json import JsonObject, JsonValue, decode, encode, keyed_digest
from gateway.model.pii import SEALED, is_envelope
from gateway.privacy.keyring import Keyring

SEAL_FORMAT = 1
"""The version of the envelope that is written here."""

_NONCE_BYTES = 12


class KeyringSealer:
    """Seals with keys of a keyring: the port ``Sealer``.

    An envelope is ``{"$sealed": [1, contract, field, key id, data]}``; ``data`` is nonce and
    ciphertext in base64url without padding (RFC 4648, section 5). The cipher authenticates
    everything else in the envelope and the workspace, so that an envelope cannot be relabelled or
    moved to another workspace. Nonces are random, which is safe for some 2^32 envelopes a key
    (NIST SP 800-38D, section 8.3); the key id leaves room for more keys.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def seal(self, workspace: str, contract: str, field: str, value: JsonValue) -> JsonObject:
        """A sealed envelope of ``value``; sealing twice gives two different envelopes."""
        keys = self._keyring.workspace_keys(workspace)
        nonce = os.urandom(_NONCE_BYTES)
        label = _label(workspace, contract, field, keys.key_id)
        ciphertext = keys.cipher.encrypt(nonce, encode(value).encode(), label)
        data = _to_text(nonce + ciphertext)
        return {SEALED: [SEAL_FORMAT, contract, field, keys.key_id, data]}

    def unseal(self, workspace: str, envelope: JsonObject) -> JsonValue:
        """The value of an envelope.

        Raises:
            ValueError: it is no envelope of a known format, was altered, belongs to another
                workspace, or its key is gone.
        """
        contract, field, key_id, data = _parts(envelope)
        keys = self._keyring.workspace_keys(workspace)
        if key_id != keys.key_id:
            raise ValueError("the envelope was sealed with a key that is not here")
        sealed = _from_text(data)
        try:
            label = _label(workspace, contract, field, key_id)
            text = keys.cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], label)
        except (InvalidTag, TypeError):
            raise ValueError("the envelope was altered") from None
        return decode(text)

    def commit(self, workspace: str, value: JsonValue) -> str:
        """HMAC-SHA-256 of the canonical value (RFC 8785) under the workspace's key, in hex."""
        return keyed_digest(self._keyring.workspace_keys(workspace).commitment, value)


def _label(workspace: str, contract: str, field: str, key_id: str) -> bytes:
    """What is authenticated beside the ciphertext; encoded, so that no two labels are alike."""
    return encode([SEAL_FORMAT, workspace, contract, field, key_id]).encode()


def _parts(envelope: JsonObject) -> tuple[str, str, str, str]:
    """Contract, field, key id and data of an envelope of this format."""
    members = envelope[SEALED] if is_envelope(envelope) else None
    match members:
        case [int(version), str(contract), str(field), str(key_id), str(data)] if (
            version == SEAL_FORMAT and version is not True
        ):
            return contract, field, key_id, data
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
