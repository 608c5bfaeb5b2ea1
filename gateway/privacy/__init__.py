"""Keys of the installation, and what they do: seal PII, commit to it, sign checkpoints."""

from gateway.privacy.keyring import CheckpointSigner, Keyring, has_keys, verify_signature
from gateway.privacy.rotation import KeyRotation
from gateway.privacy.sealer import KeyringSealer

__all__ = [
    "CheckpointSigner",
    "KeyRotation",
    "Keyring",
    "KeyringSealer",
    "has_keys",
    "verify_signature",
]
