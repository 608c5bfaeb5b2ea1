"""Keys of the installation, and what they do: seal PII, commit to it, sign checkpoints."""

from gateway.privacy.keyring import CheckpointSigner, Keyring, verify_signature
from gateway.privacy.sealer import KeyringSealer

__all__ = ["CheckpointSigner", "Keyring", "KeyringSealer", "verify_signature"]
