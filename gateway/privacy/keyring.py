"""The keys of an installation, opened: those that seal personal data, and the one that signs
checkpoints of the journal."""

from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    load_pem_public_key,
)

from gateway.model.ports import Clock
from gateway.model.system import SystemClock, unusable_key
from gateway.privacy.checkpoint_keys import CheckpointKeys, CheckpointSigner
from gateway.privacy.data_keys import DataKeys
from gateway.privacy.root_keys import FILE_NAME as ROOT_FILE
from gateway.privacy.root_keys import require_root
from gateway.privacy.sqlite_key_store import FILE_NAME as STORE_FILE
from gateway.privacy.vault import Vault, open_vault
from gateway.privacy.workspace_keys import WorkspaceKeys

IsEndorsed = Callable[[str], bool]
"""Tells whether the record names a key (PEM) as the one that signs from now on."""


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
    """The keys of a ``vault``: the signer of checkpoints, and what seals personal data.

    Losing the root key is losing all sealed PII.
    """

    def __init__(self, vault: Vault, workspaces: WorkspaceKeys, data: DataKeys) -> None:
        self.signer: CheckpointSigner = vault.checkpoint.current()
        self.vault = vault
        self.workspaces = workspaces
        self.data = data

    @classmethod
    def open(
        cls,
        key_dir: Path,
        root_key: str = "file",
        clock: Clock | None = None,
        database: str = "",
        is_endorsed: IsEndorsed = lambda _: False,
    ) -> "Keyring":
        """The keyring of a key folder, or of the PostgreSQL database of a URL where one is named;
        keys that are missing are created.

        ``root_key`` is what the setting GATEWAY_ROOT_KEY says. ``is_endorsed`` is asked of a key of
        the database that waits to sign: where the record names it, its rotation broke off, and is
        ended now. What a tombstone names is destroyed
        again, should the key store have been restored from a backup. Safe beside other processes
        that open the same keys, also for the first time.

        Raises:
            ProblemError: KEYS_UNUSABLE when a key file is damaged, unreadable or open to others,
                the root key is not the one that the key store was made with, or the two halves
                of the checkpoint key do not belong together.
        """
        clock = clock or SystemClock()
        if not database:
            CheckpointKeys(key_dir).current()  # makes the folder
        vault = open_vault(key_dir, root_key, clock, database)
        workspaces = WorkspaceKeys(vault.store, vault.root, clock)
        require_root(vault.store, vault.root)
        data = DataKeys(vault.store, vault.tombstones, workspaces, clock)
        data.bury()
        waits = vault.checkpoint.next() if database and vault.checkpoint.is_rotating() else None
        if waits is not None and is_endorsed(waits.public_key_pem):
            vault.checkpoint.promote()
        return cls(vault, workspaces, data)

    def require_unchanged(self) -> None:
        """Refuse keys of a folder that were rotated after they were opened, before any is used.

        Whoever serves asks once nobody can rotate them any more. Of a shared store nobody can from
        the moment at which it is opened.

        Raises:
            ProblemError: KEYS_UNUSABLE.
        """
        if self.vault.store.is_shared:
            return
        require_root(self.vault.store, self.vault.root)
        if self.vault.checkpoint.current().key_id != self.signer.key_id:
            told = "had the key that signs checkpoints rotated just now. Start again"
            raise unusable_key(self.vault.store.place, told)


def has_keys(key_dir: Path) -> bool:
    """True where a key folder holds keys that seal personal data."""
    return (key_dir / STORE_FILE).exists() or (key_dir / ROOT_FILE).exists()
