"""Signatures of a bundle: Ed25519 (RFC 8032) over the bytes of a file, kept in a file beside it.

The key is the one that signs the journal's checkpoints. What is signed is always a JSON object
whose ``type`` says what it is, which no checkpoint has: so a signature cannot be taken for that of
something else.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from gateway.journal import Signer
from gateway.model.json import JsonObject, JsonValue

ALGORITHM = "ed25519"
_MEMBERS = {"algorithm", "keyId", "publicKey", "signature"}


class SignatureError(Exception):
    """A signature does not hold; the message says why. ``field`` is the member that is wrong."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


def signature_of(signer: Signer, content: bytes) -> JsonObject:
    """The signature of a file's content, with the key that checks it."""
    return {
        "algorithm": ALGORITHM,
        "keyId": signer.key_id,
        "publicKey": signer.public_key_pem,
        "signature": base64.b64encode(signer.sign(content)).decode(),
    }


def normal_key(pem: str) -> str:
    """An Ed25519 public key in PEM, spelled as the gateway spells it.

    Raises:
        ValueError: it is no Ed25519 public key in PEM, or more than one.
    """
    if pem.count("-----BEGIN") > 1:  # of which the rest would be passed over
        raise ValueError("it holds more than one key: keep each in a file of its own")
    try:
        key = load_pem_public_key(pem.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError("it is a key of a kind that is not known") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("it is no Ed25519 public key")  # noqa: TRY004 # the value of the PEM is wrong, not a Python type
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def key_id_of(pem: str) -> str:
    """The id of a public key: the start of SHA-256 over its SubjectPublicKeyInfo (DER), in hex."""
    der = load_pem_public_key(pem.encode()).public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).hexdigest()[:32]


def check_signature(stated: JsonValue, content: bytes, trusted: Sequence[str]) -> str:
    """The public key (PEM) that signed ``content``, as ``stated`` beside it.

    ``trusted`` are the keys that count, in normal form; without any, the one stated does.

    Raises:
        SignatureError: the signature does not hold, or not with a trusted key.
    """
    if not isinstance(stated, dict) or set(stated) != _MEMBERS:
        raise SignatureError(f"it does not hold just {', '.join(sorted(_MEMBERS))}")
    if stated["algorithm"] != ALGORITHM:
        raise SignatureError(f"only {ALGORITHM} is checked", "algorithm")
    pem = _stated_key(stated)
    if stated["keyId"] != key_id_of(pem):
        raise SignatureError("it is not the id of the key stated", "keyId")
    if trusted and pem not in trusted:
        raise SignatureError(
            f"it was made with the key {key_id_of(pem)}, which is not the one given", "publicKey"
        )
    if not _verifies(pem, _signature(stated["signature"]), content):
        raise SignatureError("it does not fit the file that it signs", "signature")
    return pem


def _stated_key(stated: JsonObject) -> str:
    try:
        pem = normal_key(str(stated["publicKey"]))
    except ValueError:
        raise SignatureError("it is no Ed25519 public key in PEM", "publicKey") from None
    if pem != stated["publicKey"]:
        raise SignatureError("it is not spelled as exporters spell it", "publicKey")
    return pem


def _signature(text: JsonValue) -> bytes:
    try:
        signature = base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        signature = b""
    if base64.b64encode(signature).decode() != text:
        raise SignatureError("it is not in base64", "signature")
    return signature


def _verifies(pem: str, signature: bytes, content: bytes) -> bool:
    key = load_pem_public_key(pem.encode())
    try:
        key.verify(signature, content)  # type: ignore[union-attr, call-arg] # normal_key lets only Ed25519 pass
    except InvalidSignature:
        return False
    return True
