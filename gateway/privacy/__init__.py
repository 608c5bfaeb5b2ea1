"""Keys of the installation, and what they do: seal PII, commit to it, sign checkpoints."""

from gateway.privacy.data_keys import DataKeys
from gateway.privacy.keyring import CheckpointSigner, Keyring, has_keys, verify_signature
from gateway.privacy.sealer import KeyringSealer

__all__ = [
    "CheckpointSigner",
    "DataKeys",
    "Keyring",
    "KeyringSealer",
    "has_keys",
    "verify_signature",
]
