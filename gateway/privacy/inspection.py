"""Looking at the keys of a folder without making any: what a start would find there."""

import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.model.system import unusable_key
from gateway.privacy.checkpoint_keys import CheckpointKeys
from gateway.privacy.root_keys import FILE_NAME as ROOT_FILE
from gateway.privacy.root_keys import LocalRootKey, root_in_environment, root_in_file
from gateway.privacy.sqlite_key_store import FILE_NAME as STORE_FILE

_ROOTS = "SELECT root_key FROM workspace_key UNION SELECT root_key FROM commitment_key"


def root_key_id(name: str, key_dir: Path) -> str | None:
    """The id of the root key that GATEWAY_ROOT_KEY names; None for a file that is not there yet,
    and for a key that only a service knows.

    Raises:
        ProblemError: KEYS_UNUSABLE.
    """
    kind, _, rest = name.partition(":")
    if kind == "env":
        return LocalRootKey(root_in_environment(rest)).key_id
    path = key_dir / ROOT_FILE
    if kind != "file" or not path.exists():
        return None
    return LocalRootKey(root_in_file(path)).key_id


def roots_in_store(key_dir: Path) -> set[str]:
    """The ids of the root keys that what is in the key store was wrapped with.

    Raises:
        ProblemError: KEYS_UNUSABLE.
    """
    path = key_dir / STORE_FILE
    if not path.exists():
        return set()
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as opened:
            return {key_id for (key_id,) in opened.execute(_ROOTS)}
    except sqlite3.Error as error:
        raise unusable_key(path, f"cannot be read ({error}). Restore it") from error


def checkpoint_key_id(key_dir: Path) -> str | None:
    """The id of the key that signs checkpoints; None before it was made.

    Raises:
        ProblemError: KEYS_UNUSABLE.
    """
    keys = CheckpointKeys(key_dir)
    return keys.current().key_id if keys.are_there() else None
