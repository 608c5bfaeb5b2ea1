"""Root keys: what wraps the keys of workspaces, and where it is kept.

``RootKey`` is the port. A root key is asked once for each workspace in the life of a process, so it
may be far away: a file beside the key store, a variable of the environment, or a key service.
"""

import base64
import binascii
import os
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.model.json import canonical
from gateway.model.problem import Issue, Problem, ProblemError
from gateway.model.system import key_file, remove_key_file, replace_key_file, unusable_key
from gateway.privacy.key_store import KeyStore
from gateway.privacy.kms import KmsRootKey
from gateway.privacy.wrapping import KEY_BYTES, new_key, unwrap, wrap

FILE_NAME = "root.key"
"""The root key in the key folder, where no other is named."""

NEXT_FILE_NAME = "root.next.key"
"""The root key that takes its place, while everything is wrapped anew."""

_DERIVATION = "contract-gateway/2"


class RootKey(Protocol):
    """Wraps and unwraps keys of workspaces; ``context`` is authenticated with each."""

    @property
    def key_id(self) -> str:
        """The name of the key, which tells nothing of it and is kept with what it wraps."""
        ...

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """``key`` (32 bytes) wrapped.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when whoever keeps the root key does not answer.
        """
        ...

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """What ``wrap`` wrapped.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when whoever keeps the root key does not answer.
            ValueError: it was altered, or wrapped with another key or for another context.
        """
        ...


class LocalRootKey:
    """A root key whose 32 bytes this process holds."""

    def __init__(self, root: bytes) -> None:
        self._cipher = AESGCM(derive(root, "wrap", KEY_BYTES))
        self.key_id = f"local:{derive(root, 'key-id', 8).hex()}"

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """``key`` wrapped with AES-256-GCM."""
        return wrap(self._cipher, key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """What ``wrap`` wrapped.

        Raises:
            ValueError: see ``RootKey``.
        """
        return unwrap(self._cipher, wrapped, context)


def derive(root: bytes, purpose: str, length: int) -> bytes:
    """HKDF-SHA-256 (RFC 5869) with an encoded, hence unambiguous, info string."""
    return HKDF(SHA256(), length, salt=None, info=canonical([_DERIVATION, purpose])).derive(root)


def open_root_key(name: str, key_dir: Path, store: KeyStore | None = None) -> RootKey:
    """The root key that the setting GATEWAY_ROOT_KEY names.

    Where the one that ``store`` was wrapped with waits to take the place of the root key file,
    because a crash cut its rotation short, it takes it now.

    Raises:
        ProblemError: KEYS_UNUSABLE.
    """
    kind, _, rest = name.partition(":")
    if kind == "env":
        return LocalRootKey(root_in_environment(rest))
    if kind == "aws-kms":
        return KmsRootKey(rest)
    if store is not None:
        settle_next_root(key_dir, store)
    return LocalRootKey(root_in_file(key_dir / FILE_NAME))


def settle_next_root(key_dir: Path, store: KeyStore) -> None:
    """Let the next root key take the place of the root key file, if ``store`` was wrapped with it;
    else remove it, since its rotation broke off.

    Raises:
        ProblemError: KEYS_UNUSABLE.
    """
    fresh = key_dir / NEXT_FILE_NAME
    if not fresh.exists():
        return
    with store.transaction():  # a rotation makes its key in one: none that still wraps loses it
        if not fresh.exists():
            return
        if store.root_key() == LocalRootKey(root_in_file(fresh)).key_id:
            replace_key_file(fresh, key_dir / FILE_NAME)
        else:
            remove_key_file(fresh)


def require_root(store: KeyStore, root: RootKey) -> None:
    """Refuse a root key that is not the one under which the keys of ``store`` are wrapped.

    Raises:
        ProblemError: KEYS_UNUSABLE.
    """
    known = {row.root_key for row in store.workspace_keys()}
    known.add(store.root_key() or root.key_id)  # noted also where no workspace has keys yet
    others = sorted(known - {root.key_id})
    if others:
        raise unusable_key(
            store.place,
            f"was made with another root key ({', '.join(others)}, not {root.key_id}). Set"
            " GATEWAY_ROOT_KEY to where that one is, or restore it",
        )


def root_in_file(path: Path) -> bytes:
    """The 32 bytes of a root key file, which is created where it is missing.

    Raises:
        ProblemError: KEYS_UNUSABLE.
    """
    root = key_file(path, new_key)
    if len(root) != KEY_BYTES:
        raise unusable_key(
            path,
            f"holds {len(root)} bytes instead of {KEY_BYTES}. Restore it from a backup:"
            " PII that was sealed with it cannot be opened without it",
        )
    return root


def root_in_environment(name: str) -> bytes:
    """The 32 bytes that the variable ``name`` holds in base64 (RFC 4648, section 4).

    Raises:
        ProblemError: KEYS_UNUSABLE; the value itself is never told.
    """
    text = os.environ.get(name)
    if text is None:
        raise _unusable_variable(name, "is not set")
    try:
        root = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise _unusable_variable(name, "is not base64") from None
    if len(root) != KEY_BYTES:
        raise _unusable_variable(name, f"holds {len(root)} bytes instead of {KEY_BYTES}")
    return root


def _unusable_variable(name: str, finding: str) -> ProblemError:
    told = (
        f"The variable {name}, which GATEWAY_ROOT_KEY names, {finding}. Set it to {KEY_BYTES}"
        " random bytes in base64, the same ones at every start: without them sealed PII cannot be"
        " opened."
    )
    issue = Issue(name, "KEYS_UNUSABLE", told)
    title = "A root key cannot be used"
    return ProblemError(Problem("KEYS_UNUSABLE", title, 500, told, "internal", issues=(issue,)))
