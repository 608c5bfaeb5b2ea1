"""The vault in PostgreSQL, for several processes with one root key."""

from pathlib import Path

from gateway.model.ports import Clock
from gateway.model.system import unusable_key
from gateway.privacy.checkpoint_keys import PublicKey
from gateway.privacy.key_store import ROOT_NOTE, KeyStore
from gateway.privacy.postgres_key_store import PostgresKeyStore
from gateway.privacy.postgres_tombstones import PostgresTombstones
from gateway.privacy.root_keys import RootKey, open_root_key
from gateway.privacy.signing_keys import CHECKPOINT, TOKEN, StoredSigningKeys, stored_public_keys
from gateway.privacy.vault import Vault


def open_shared_vault(
    key_dir: Path, root_key: str, clock: Clock, database: str, *, alone: bool
) -> Vault:
    """See ``open_vault``."""
    shared = PostgresKeyStore(database, alone=alone)
    try:
        root = open_root_key(root_key, key_dir, shared)
        _agree(shared, root)
    except BaseException:
        shared.close()
        raise
    checkpoint = StoredSigningKeys(shared, root, clock, CHECKPOINT)
    tokens = StoredSigningKeys(shared, root, clock, TOKEN)
    return Vault(shared, root, PostgresTombstones(shared), checkpoint, tokens)


def shared_public_keys(database: str) -> list[PublicKey]:
    """See ``public_keys``."""
    shared = PostgresKeyStore(database)
    try:
        return stored_public_keys(shared, CHECKPOINT)
    finally:
        shared.close()


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
