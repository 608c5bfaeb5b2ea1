"""Where an installation keeps its keys: a folder, or PostgreSQL for several processes."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gateway.model.ports import Clock
from gateway.privacy.checkpoint_keys import CheckpointKeys, PublicKey, SigningKeys
from gateway.privacy.key_store import KeyStore
from gateway.privacy.root_keys import FILE_NAME as ROOT_FILE
from gateway.privacy.root_keys import LocalRootKey, RootKey, open_root_key, root_in_file
from gateway.privacy.signing_keys import (
    StoredSigningKeys,
)
from gateway.privacy.sqlite_key_store import FILE_NAME as STORE_FILE
from gateway.privacy.sqlite_key_store import SqliteKeyStore
from gateway.privacy.tombstones import FILE_NAME as TOMBSTONE_FILE
from gateway.privacy.tombstones import TombstoneFile, Tombstones
from gateway.privacy.workspace_keys import earlier_root_note


@dataclass(frozen=True, slots=True)
class Vault:
    """The opened places of keys; ``checkpoint`` has those that sign checkpoints, and ``tokens``
    those that sign development tokens, where they are not files beside the store."""

    store: KeyStore
    root: RootKey
    tombstones: Tombstones
    checkpoint: SigningKeys
    tokens: StoredSigningKeys | None = None


def open_vault(
    key_dir: Path, root_key: str, clock: Clock, database: str = "", *, alone: bool = False
) -> Vault:
    """The vault in a key folder, or in the PostgreSQL database of a URL where one is named.

    ``root_key`` is what the setting GATEWAY_ROOT_KEY says. With ``alone``, for rotation, nobody
    else may have a shared vault open.

    Raises:
        ProblemError: KEYS_UNUSABLE.
    """
    if not database:
        store = SqliteKeyStore(key_dir / STORE_FILE, partial(_first_notes, root_key, key_dir))
        root = open_root_key(root_key, key_dir, store)
        return Vault(store, root, TombstoneFile(key_dir / TOMBSTONE_FILE), CheckpointKeys(key_dir))
    from gateway.privacy.postgres_vault import open_shared_vault  # only where it is used

    return open_shared_vault(key_dir, root_key, clock, database, alone=alone)


def _first_notes(root_key: str, key_dir: Path) -> dict[str, bytes]:
    """What a key store notes that is made now: a root key that is there before it is of an earlier
    release, and sealed by itself. It is noted as the store is made, by whatever command and also
    where an attempt to do so broke off: afterwards nobody can tell such a key from a new one.

    Raises:
        ProblemError: KEYS_UNUSABLE.
    """
    path = key_dir / ROOT_FILE
    if root_key != "file" or not path.exists():
        return {}
    secret = root_in_file(path)
    return earlier_root_note(secret, LocalRootKey(secret))


def public_keys(key_dir: Path, database: str = "") -> list[PublicKey]:
    """The public halves of the keys that sign checkpoints, that of today first. Needs no root key.

    Raises:
        ProblemError: KEYS_UNUSABLE.
        OSError: a file cannot be read.
    """
    if not database:
        return CheckpointKeys(key_dir).public_keys()
    from gateway.privacy.postgres_vault import shared_public_keys  # only where it is used

    return shared_public_keys(database)
