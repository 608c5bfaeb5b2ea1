"""Signatures as Standard Webhooks 1.0.0 defines them, with symmetric keys.

The signed content is ``id.timestamp.body``. Neither id nor timestamp holds a dot, so no other
three parts give the same content.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

PREFIX = "whsec_"
MIN_BYTES = 24
MAX_BYTES = 64


def secret_key(text: str) -> bytes:
    """The key that a secret ``whsec_<base64>`` writes.

    Raises:
        ValueError: it is not of this form, or its key is not 24 to 64 bytes long. The message
            does not hold it.
    """
    told = f"is not {PREFIX} and the base64 of {MIN_BYTES} to {MAX_BYTES} random bytes"
    if not text.startswith(PREFIX):
        raise ValueError(told)
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(told) from None
    if not MIN_BYTES <= len(key) <= MAX_BYTES:
        raise ValueError(told)
    return key


def sign(keys: Iterable[bytes], webhook_id: str, timestamp: int, body: bytes) -> str:
    """The value of ``webhook-signature``: one ``v1`` signature for each key, in their order.

    ``timestamp`` is that of the attempt, in seconds since 1970.
    """
    content = f"{webhook_id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{_hmac(key, content)}" for key in keys)


def _hmac(key: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
