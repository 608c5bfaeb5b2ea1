"""Where an installation keeps its keys: a folder, or PostgreSQL for several processes."""

from dataclasses import dataclass
from pathlib import Path

from gateway.model.ports import Clock
from gateway.model.system import unusable_key
from gateway.privacy.checkpoint_keys import CheckpointKeys, SigningKeys
from gateway.privacy.key_store import KeyStore
from gateway.privacy.postgres_key_store import PostgresKeyStore
from gateway.privacy.postgres_tombstones import PostgresTombstones
from gateway.privacy.root_keys import RootKey, open_root_key
from gateway.privacy.signing_keys import CHECKPOINT, StoredSigningKeys
from gateway.privacy.sqlite_key_store import FILE_NAME as STORE_FILE
from gateway.privacy.sqlite_key_store import SqliteKeyStore
from gateway.privacy.tombstones import FILE_NAME as TOMBSTONE_FILE
from gateway.privacy.tombstones import TombstoneFile, Tombstones
from gateway.privacy.workspace_keys import ROOT_NOTE


@dataclass(frozen=True, slots=True)
class Vault:
    """The opened places of keys; ``checkpoint`` has those that sign checkpoints."""

    store: KeyStore
    root: RootKey
    tombstones: Tombstones
    checkpoint: SigningKeys


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
        store = SqliteKeyStore(key_dir / STORE_FILE)
        root = open_root_key(root_key, key_dir, store.root_key())
        return Vault(store, root, TombstoneFile(key_dir / TOMBSTONE_FILE), CheckpointKeys(key_dir))
    shared = PostgresKeyStore(database, alone=alone)
    try:
        root = open_root_key(root_key, key_dir, shared.root_key())
        _agree(shared, root)
    except BaseException:
        shared.close()
        raise
    signing = StoredSigningKeys(shared, root, clock, CHECKPOINT)
    return Vault(shared, root, PostgresTombstones(shared), signing)


def _agree(store: KeyStore, root: RootKey) -> None:
    """Hold every process that shares a store to one root key, from before anything is wrapped: a
    file that each makes for itself would be another one for each."""
    with store.transaction():
        noted = store.note(ROOT_NOTE)
        if noted is None:
            store.keep_note(ROOT_NOTE, root.key_id.encode())
        elif noted != root.key_id.encode():
            raise unusable_key(
                store.place,
                f"was made with another root key ({_told(noted)}, not {root.key_id}). Give every"
                " process the same: set GATEWAY_ROOT_KEY to env:NAME or to a key service",
            )


def _told(noted: object) -> str:
    return noted.decode() if isinstance(noted, bytes) else "unknown"
