"""The key that signs checkpoints: the one of today, the next one, and the public halves of all."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.model.system import (
    key_file,
    remove_key_file,
    replace_key_file,
    signing_key_file,
    unusable_key,
)

_NAME = "checkpoint-signing"


class CheckpointSigner:
    """Signs checkpoints with Ed25519 (RFC 8032).

    ``key_id`` is the start of SHA-256 over the public key (SubjectPublicKeyInfo, DER), in hex.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        public = key.public_key()
        spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self._key = key
        self.key_id = hashlib.sha256(spki).hexdigest()[:32]
        self.public_key_pem = pem.decode()

    def sign(self, data: bytes) -> bytes:
        """The signature over ``data``, 64 bytes."""
        return self._key.sign(data)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key in PEM, and where it is kept."""

    place: str
    pem: str


class SigningKeys(Protocol):
    """The key that signs, the one that is to follow it, and the public halves of all."""

    def current(self) -> CheckpointSigner:
        """The key that signs; one is made where there is none."""
        ...

    def is_rotating(self) -> bool:
        """Whether a next key waits, so that a rotation began and did not end."""
        ...

    def next(self) -> CheckpointSigner:
        """The key that is to follow; one is made where there is none."""
        ...

    def promote(self) -> None:
        """Let the next key sign. After a crash at any point the key of before signs, or the
        next."""
        ...

    def public_keys(self) -> list[PublicKey]:
        """The public halves that are kept, that of today first."""
        ...


class CheckpointKeys:
    """The files of the key in a folder.

    ``checkpoint-signing.pem`` signs and ``checkpoint-signing.pub.pem`` verifies. A key that is to
    follow waits in ``checkpoint-signing.next.pem``. The public half of a key that signed earlier
    stays, with its id in the name, because the checkpoints that it signed stay.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._secret = folder / f"{_NAME}.pem"
        self._next = folder / f"{_NAME}.next.pem"
        self.public = folder / f"{_NAME}.pub.pem"

    def current(self) -> CheckpointSigner:
        """The key that signs; one is made where there is none.

        Raises:
            ProblemError: KEYS_UNUSABLE when a file is damaged, unreadable or open to others, or the
                two halves do not belong together.
        """
        signer = CheckpointSigner(signing_key_file(self._secret))
        pem = signer.public_key_pem
        if key_file(self.public, pem.encode, secret=False) != pem.encode():
            raise unusable_key(
                self.public,
                f"is not the public half of {self._secret}. Restore that key from a backup, or, to "
                "begin with a new key, move both files away and keep this one to verify the "
                "earlier checkpoints",
            )
        return signer

    def are_there(self) -> bool:
        """Whether both halves of the key that signs are there."""
        return self._secret.exists() and self.public.exists()

    def is_rotating(self) -> bool:
        """Whether a next key waits, so that a rotation began and did not end."""
        return self._next.exists()

    def next(self) -> CheckpointSigner:
        """The key that is to follow; one is made where there is none.

        Raises:
            ProblemError: KEYS_UNUSABLE, as for ``current``.
        """
        return CheckpointSigner(signing_key_file(self._next))

    def promote(self) -> None:
        """Let the next key sign. After a crash at any point, ``current`` finds a key with its
        public half: the one of before, or the next.

        Raises:
            ProblemError: KEYS_UNUSABLE, as for ``current``.
        """
        before = self.current()
        earlier = self.folder / f"{_NAME}.{before.key_id}.pub.pem"
        key_file(earlier, before.public_key_pem.encode, secret=False)
        remove_key_file(self.public)  # else it would stand beside a secret half that is not its own
        replace_key_file(self._next, self._secret)
        self.current()

    def public_keys(self) -> list[PublicKey]:
        """The public halves that are kept, that of today first."""
        return [
            PublicKey(str(path), path.read_text(errors="replace")) for path in self.public_files()
        ]

    def public_files(self) -> list[Path]:
        """The public halves that are kept, that of today first."""
        earlier = sorted(self.folder.glob(f"{_NAME}.*.pub.pem"))
        return [path for path in (self.public, *earlier) if path.exists()]
