"""Signing a manifest, as its publisher does."""

from datetime import datetime

from gateway.model.json import JsonObject
from gateway.skills.archive import describe_archive, digest_of
from gateway.skills.canonical import signed_bytes
from gateway.skills.signatures import PrivateKey, make_signature, public_half


def with_artifact(manifest: JsonObject, content: bytes) -> JsonObject:
    """The manifest with digest and files of this archive.

    Raises:
        ValueError: the archive cannot be read, or holds what a skill may not bring.
    """
    files = describe_archive(content)
    return {**manifest, "artifact": {"digest": digest_of(content), "files": files}}


def sign_manifest(
    manifest: JsonObject,
    key: PrivateKey,
    *,
    issued_at: datetime,
    key_id: str | None = None,
    expires_at: datetime | None = None,
) -> JsonObject:
    """The manifest with a new signature, made by the algorithm of the key's kind.

    The signature covers the manifest without it, and so neither ``keyId`` nor ``expiresAt``.

    Raises:
        ValueError: the manifest holds what cannot be signed.
    """
    public = public_half(key)
    signature = {
        "algorithm": public.algorithm,
        "signature": make_signature(key, signed_bytes(manifest)),
        "publicKey": public.pem,
        "keyId": key_id,
        "issuedAt": _written(issued_at),
        "expiresAt": _written(expires_at) if expires_at else None,
    }
    present = {name: value for name, value in signature.items() if value is not None}
    return {**manifest, "signature": present}


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
