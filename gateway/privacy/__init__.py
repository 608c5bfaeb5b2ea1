"""Keys of the installation, and what they do: seal PII, commit to it, sign checkpoints."""

from gateway.privacy.checkpoint_keys import CheckpointKeys, CheckpointSigner, PublicKey
from gateway.privacy.checkpoint_rotation import (
    Rotation,
    finish_rotation,
    rotate_key,
    rotate_shared_key,
)
from gateway.privacy.data_keys import DataKeys
from gateway.privacy.keyring import Keyring, has_keys, verify_signature
from gateway.privacy.rotation import KeyRotation, rotating
from gateway.privacy.sealer import KeyringSealer
from gateway.privacy.vault import Vault, open_vault, public_keys

__all__ = [
    "CheckpointKeys",
    "CheckpointSigner",
    "DataKeys",
    "KeyRotation",
    "Keyring",
    "KeyringSealer",
    "PublicKey",
    "Rotation",
    "Vault",
    "finish_rotation",
    "has_keys",
    "open_vault",
    "public_keys",
    "rotate_key",
    "rotate_shared_key",
    "rotating",
    "verify_signature",
]
