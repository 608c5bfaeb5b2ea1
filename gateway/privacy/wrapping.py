"""Wrapping keys: AES-256-GCM over a key of 32 bytes, bound to what the key is for."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.model.entropy import random_bytes

KEY_BYTES = 32
"""The size of every key here."""

_NONCE_BYTES = 12


def new_key() -> bytes:
    """A fresh random key."""
    return random_bytes(KEY_BYTES)


def wrap(cipher: AESGCM, key: bytes, context: bytes) -> bytes:
    """``key`` under ``cipher``: nonce and ciphertext. ``context`` says what the key is for."""
    nonce = random_bytes(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, key, context)


def unwrap(cipher: AESGCM, wrapped: bytes, context: bytes) -> bytes:
    """The key that ``wrap`` wrapped for the same ``context``.

    Raises:
        ValueError: it was altered, moved to another place, or wrapped with another key.
    """
    try:
        return cipher.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], context)
    except InvalidTag:
        raise ValueError("a wrapped key was altered, or was wrapped with another key") from None
