"""Where exported bundles are kept: one file each below the data folder, sealed.

A bundle may show personal data as it is, which the gateway keeps nowhere in the clear. So its
archive is encrypted (AES-256-GCM, piece by piece) under a key of its own, and that key is split
into shares, one sealed with each key that seals something in the bundle's entries: when one of
those is destroyed, a share is gone, and with it the bundle.
"""

import base64
import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.model.json import JsonObject, decode, encode
from gateway.model.pii import ErasedError, Owner
from gateway.model.ports import Sealer

_PIECE = 1024 * 1024
_FIELD = "output.bundle"
_SHARES = "shares"
_EARLIER = b'{"$sealed"'
"""How the lines of a bundle of an earlier release begin, each an envelope."""

_KEY_BYTES = 32
_NONCE_BYTES = 12
_RUN = re.compile(r"[A-Za-z0-9_]{1,100}")
_DRAFT = re.compile(r"([A-Za-z0-9_]{1,100})-([0-9a-f]{64})\.part")


@dataclass(frozen=True, slots=True)
class Draft:
    """A bundle that is written but not recorded yet."""

    path: Path
    run_id: str
    digest: str


class BundleStore:
    """Bundles below ``folder``; ``contract`` is the reference of the one that exports them.

    Its methods wait for the disk. A bundle is written as a draft before it is recorded, and has
    its name once it is.
    """

    def __init__(self, folder: Path, sealer: Sealer, contract: str) -> None:
        self._folder = folder
        self._sealer = sealer
        self._contract = contract

    def write(
        self,
        owner: Owner,
        run_id: str,
        digest: str,
        content: bytes,
        beside: Iterable[JsonObject] = (),
    ) -> Draft:
        """Write a draft, durably; ``digest`` is SHA-256 of ``content`` in hex.

        It can be read as long as every envelope of ``beside`` can be opened, and what belongs to
        ``owner``.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = Draft(self._folder / f"{_known(run_id)}-{digest}.part", run_id, digest)
        descriptor = os.open(draft.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                key, shares = self._new_key(owner, beside)
                file.write(encode({_SHARES: shares}).encode() + b"\n")
                for place, start in enumerate(range(0, len(content), _PIECE)):
                    nonce = os.urandom(_NONCE_BYTES)
                    piece = key.encrypt(nonce, content[start : start + _PIECE], _label(place))
                    file.write(base64.b64encode(nonce + piece) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            _sync(self._folder)
        except BaseException:
            self.discard(draft)
            raise
        return draft

    def publish(self, draft: Draft, number: int) -> None:
        """Give a draft its name, once it is recorded as the run's bundle of this number.

        Safe to repeat: a crash in between leaves a draft, which ``drafts`` tells at the next start.
        """
        with contextlib.suppress(FileNotFoundError):
            draft.path.replace(self._path(draft.run_id, number))

    def discard(self, draft: Draft) -> None:
        """Remove a draft, if it is still one."""
        draft.path.unlink(missing_ok=True)

    def drafts(self) -> Iterator[Draft]:
        """The drafts that are there."""
        for path in sorted(self._folder.glob("*.part")) if self._folder.is_dir() else ():
            if named := _DRAFT.fullmatch(path.name):
                yield Draft(path, named[1], named[2])

    def read(self, workspace: str, run_id: str, number: int) -> bytes | None:
        """The archive of a bundle, None where its file is gone.

        Raises:
            ValueError: it was altered or its key is gone.
        """
        try:
            with self._path(run_id, number).open("rb") as file:
                return b"".join(self._pieces(workspace, file))
        except FileNotFoundError:
            return None

    def _pieces(self, workspace: str, lines: Iterable[bytes]) -> Iterator[bytes]:
        key: AESGCM | None = None
        for place, line in enumerate(lines):
            if key is not None:
                yield _decrypted(key, base64.b64decode(line), place - 1)
            elif line.startswith(_EARLIER):
                yield base64.b64decode(self._sealer.unseal(workspace, decode(line)))
            else:
                key = self._opened(workspace, decode(line)[_SHARES])

    def _new_key(
        self, owner: Owner, beside: Iterable[JsonObject]
    ) -> tuple[AESGCM, list[JsonObject]]:
        """A new key, and its shares: it is the exclusive or of all of them."""
        secret, named = os.urandom(_KEY_BYTES), (self._contract, _FIELD)
        secrets, shares = [secret], [self._sealer.seal(owner, *named, secret.hex())]
        for other in beside:
            secret = os.urandom(_KEY_BYTES)
            with contextlib.suppress(ErasedError):  # the bundle shows nothing of it
                shares.append(self._sealer.seal_like(owner.workspace, other, *named, secret.hex()))
                secrets.append(secret)
        return _joined(secrets), shares

    def _opened(self, workspace: str, shares: list[JsonObject]) -> AESGCM:
        found = [bytes.fromhex(self._sealer.unseal(workspace, share)) for share in shares]
        return _joined(found)

    def _path(self, run_id: str, number: int) -> Path:
        return self._folder / f"{_known(run_id)}-{number}.zip.sealed"


def _joined(shares: list[bytes]) -> AESGCM:
    key = 0
    for share in shares:
        key ^= int.from_bytes(share)
    return AESGCM(key.to_bytes(_KEY_BYTES))


def _decrypted(key: AESGCM, sealed: bytes, place: int) -> bytes:
    try:
        return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _label(place))
    except InvalidTag:
        raise ValueError("the bundle was altered") from None


def _label(place: int) -> bytes:
    """What is authenticated with a piece: that it is the one of this place."""
    return str(place).encode()


def _known(run_id: str) -> str:
    """A run's id, which may be part of a file's name."""
    if not _RUN.fullmatch(run_id):
        raise ValueError("this is no id of a run")
    return run_id


def _sync(folder: Path) -> None:
    """Make new names in ``folder`` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
