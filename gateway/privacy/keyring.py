"""The keys of an installation: one root secret, from which each workspace has keys of its own, and
the key that signs checkpoints of the journal."""

import functools
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.model.json import canonical
from gateway.model.system import key_file, unusable_key
from gateway.privacy.checkpoint_keys import CheckpointKeys, CheckpointSigner

_ROOT_BYTES = 32
_CACHED_WORKSPACES = 1024
_DERIVATION = "contract-gateway/1"
"""Names this way of deriving keys; another way needs another name."""


@dataclass(frozen=True, slots=True)
class WorkspaceKeys:
    """The keys of one workspace. ``key_id`` names them in envelopes and tells nothing of them."""

    key_id: str
    cipher: AESGCM
    commitment: bytes


def verify_signature(public_key_pem: str, data: bytes, signature: bytes) -> bool:
    """True if ``signature`` over ``data`` was made with the private half of this Ed25519 key.

    Whatever is wrong with the key or the signature makes it False.
    """
    try:
        key = load_pem_public_key(public_key_pem.encode())
        if not isinstance(key, Ed25519PublicKey):
            return False
        key.verify(signature, data)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


class Keyring:
    """The keys below ``<data_dir>/keys``. Losing ``root.key`` is losing all sealed PII."""

    def __init__(self, root: bytes, signer: CheckpointSigner) -> None:
        self._root = root
        self.signer = signer
        self.workspace_keys = functools.lru_cache(_CACHED_WORKSPACES)(self._derive)

    @classmethod
    def open(cls, data_dir: Path) -> "Keyring":
        """The keyring of a data folder; keys that are missing are created.

        Safe beside other processes that open the same folder, also for the first time.

        Raises:
            ProblemError: KEYS_UNUSABLE when a key file is damaged, unreadable or open to others,
                or the two halves of the checkpoint key do not belong together.
        """
        folder = data_dir / "keys"
        path = folder / "root.key"
        root = key_file(path, lambda: os.urandom(_ROOT_BYTES))
        if len(root) != _ROOT_BYTES:
            raise unusable_key(
                path,
                f"holds {len(root)} bytes instead of {_ROOT_BYTES}. Restore it from a backup:"
                " PII that was sealed with it cannot be opened without it",
            )
        return cls(root, CheckpointKeys(folder).current())

    def _derive(self, workspace: str) -> WorkspaceKeys:
        return WorkspaceKeys(
            key_id=self._expand("key-id", workspace, 8).hex(),
            cipher=AESGCM(self._expand("seal", workspace, 32)),
            commitment=self._expand("commit", workspace, 32),
        )

    def _expand(self, purpose: str, workspace: str, length: int) -> bytes:
        """HKDF-SHA-256 (RFC 5869) with an encoded, hence unambiguous, info string."""
        info = canonical([_DERIVATION, purpose, workspace])
        return HKDF(SHA256(), length, salt=None, info=info).derive(self._root)
