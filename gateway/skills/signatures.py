"""Signatures over manifests: Ed25519 (RFC 8032) and RSASSA-PSS (RFC 8017, section 8.1).

PSS is used with SHA-256, MGF1 over SHA-256 and a salt of 32 bytes. Public keys are PEM of
SubjectPublicKeyInfo (SPKI, RFC 5280), signatures are base64 with padding (RFC 4648, section 4).
"""

import base64
import binascii
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

ED25519 = "ed25519"
RSA_PSS = "rsa-pss-sha256"
ALGORITHMS = (ED25519, RSA_PSS)

_PSS = PSS(mgf=MGF1(SHA256()), salt_length=32)
_MIN_RSA_BITS, _MAX_RSA_BITS = 2048, 8192
_MAX_PEM = 16_384

PrivateKey = Ed25519PrivateKey | RSAPrivateKey


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key that can check signatures; two are the same where their ``spki`` (DER) is."""

    key: Ed25519PublicKey | RSAPublicKey
    spki: bytes

    @property
    def algorithm(self) -> str:
        """The one algorithm that keys of this kind sign with."""
        return ED25519 if isinstance(self.key, Ed25519PublicKey) else RSA_PSS

    @property
    def pem(self) -> str:
        """The key as PEM."""
        return self.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def verifies(self, signature: bytes, content: bytes) -> bool:
        """True if ``signature`` over ``content`` was made with the private half of this key."""
        try:
            if isinstance(self.key, Ed25519PublicKey):
                self.key.verify(signature, content)
            else:
                self.key.verify(signature, content, _PSS, SHA256())
        except InvalidSignature:
            return False
        return True


def read_public_key(pem: str) -> PublicKey:
    """The public key in a PEM text.

    Raises:
        ValueError: it is no PEM of a public key, or of a kind or size that is not accepted.
    """
    try:
        key = load_pem_public_key(pem[:_MAX_PEM].encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("it is no public key in PEM form (BEGIN PUBLIC KEY)") from error
    if not isinstance(key, Ed25519PublicKey | RSAPublicKey):
        raise ValueError("it is neither an Ed25519 nor an RSA key")  # noqa: TRY004 - the text is wrong
    _check_size(key)
    return _public(key)


def read_private_key(pem: bytes) -> PrivateKey:
    """The private key in an unencrypted PEM text.

    Raises:
        ValueError: it is no such key, or of a kind or size that is not accepted.
    """
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise ValueError("it is encrypted; decrypt it for this command") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("it is no private key in PEM form (BEGIN PRIVATE KEY)") from error
    if not isinstance(key, Ed25519PrivateKey | RSAPrivateKey):
        raise ValueError("it is neither an Ed25519 nor an RSA key")  # noqa: TRY004 - the text is wrong
    _check_size(key)
    return key


def public_half(key: PrivateKey) -> PublicKey:
    """The public key that checks what ``key`` signs."""
    return _public(key.public_key())


def make_signature(key: PrivateKey, content: bytes) -> str:
    """The signature of ``content`` in base64, by the algorithm of the key's kind."""
    if isinstance(key, Ed25519PrivateKey):
        return base64.b64encode(key.sign(content)).decode()
    return base64.b64encode(key.sign(content, _PSS, SHA256())).decode()


def read_signature(text: str) -> bytes | None:
    """The bytes of a base64 signature, or None where it is none."""
    try:
        return base64.b64decode(text.encode(), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _public(key: Ed25519PublicKey | RSAPublicKey) -> PublicKey:
    return PublicKey(key, key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _check_size(key: object) -> None:
    if isinstance(key, RSAPublicKey | RSAPrivateKey):
        size = key.key_size
        if not _MIN_RSA_BITS <= size <= _MAX_RSA_BITS:
            raise ValueError(
                f"an RSA key has {_MIN_RSA_BITS} to {_MAX_RSA_BITS} bits, this one {size}"
            )
