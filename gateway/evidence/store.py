"""Where exported bundles are kept: among the blobs, sealed.

A bundle may show personal data as it is, which the gateway keeps nowhere in the clear. So its
archive is encrypted (AES-256-GCM, piece by piece) under a key of its own, and that key is split
into shares, one sealed with each key that seals something in the bundle's entries: when one of
those is destroyed, a share is gone, and with it the bundle.
"""

import base64
import contextlib
import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.blobs import Blobs
from gateway.model.json import JsonObject, JsonValue, decode, encode
from gateway.model.pii import ErasedError, Owner
from gateway.model.ports import Sealer

_PIECE = 1024 * 1024
_FIELD = "output.bundle"
_EARLIER = b'{"$sealed"'
"""How the lines of a bundle of an earlier release begin, each an envelope."""

_KEY_BYTES = 32
_NONCE_BYTES = 12
_RUN = re.compile(r"[A-Za-z0-9_]{1,100}")
_DRAFT = re.compile(r"([A-Za-z0-9_]{1,100})-([0-9a-f]{64})\.part")


@dataclass(frozen=True, slots=True)
class Draft:
    """A bundle that is written but not recorded yet; ``age`` is the seconds since, where known."""

    run_id: str
    digest: str
    age: float = 0.0

    @property
    def name(self) -> str:
        """Its name among the blobs."""
        return f"{_known(self.run_id)}-{self.digest}.part"


@dataclass(frozen=True, slots=True)
class BundleKey:
    """A key of a bundle, with its sealed ``shares``: it is the exclusive or of all of them."""

    cipher: AESGCM
    shares: Sequence[JsonObject]


class BundleStore:
    """Bundles among ``blobs``; ``contract`` is the reference of the one that exports them.

    Its methods wait for a disk or a database. A bundle is written as a draft before it is recorded,
    and has its name once it is.
    """

    def __init__(self, blobs: Blobs, sealer: Sealer, contract: str) -> None:
        self.blobs = blobs
        self._sealer = sealer
        self._contract = contract

    def new_key(self, owner: Owner, beside: Iterable[JsonObject] = ()) -> BundleKey:
        """A key for a bundle, which can be read as long as every envelope of ``beside`` can be
        opened, and what belongs to ``owner``.

        Ask for it before what the bundle shows is opened: what is erased from then on is erased in
        the bundle too, and what was erased earlier the bundle cannot show.
        """
        secret, named = os.urandom(_KEY_BYTES), (self._contract, _FIELD)
        secrets, shares = [secret], [self._sealer.seal(owner, *named, secret.hex())]
        for other in beside:
            secret = os.urandom(_KEY_BYTES)
            with contextlib.suppress(ErasedError):
                shares.append(self._sealer.seal_like(owner.workspace, other, *named, secret.hex()))
                secrets.append(secret)
        return BundleKey(_joined(secrets), shares)

    def write(self, key: BundleKey, run_id: str, digest: str, content: bytes) -> Draft:
        """Write a draft, durably; ``digest`` is SHA-256 of ``content`` in hex."""
        draft = Draft(run_id, digest)
        self.blobs.put(draft.name, _sealed(key, content))
        return draft

    def publish(self, draft: Draft, number: int) -> None:
        """Give a draft its name, once it is recorded as the run's bundle of this number.

        Safe to repeat: a crash in between leaves a draft, which ``drafts`` tells at the next start.
        """
        self.blobs.rename(draft.name, _published(draft.run_id, number))

    def discard(self, draft: Draft) -> None:
        """Remove a draft, if it is still one."""
        self.blobs.remove(draft.name)

    def drafts(self) -> Iterator[Draft]:
        """The drafts that are there."""
        for one in self.blobs.names(".part"):
            if named := _DRAFT.fullmatch(one.name):
                yield Draft(named[1], named[2], one.age)

    def read(self, workspace: str, run_id: str, number: int, digest: str = "") -> bytes | None:
        """The archive of a bundle, None where it is gone.

        Where it is recorded and has not got its name yet, it is found by its ``digest``.

        Raises:
            ValueError: it was altered or its key is gone.
        """
        content = self.blobs.get(_published(run_id, number))
        if content is None and digest:
            content = self.blobs.get(Draft(run_id, digest).name)
        if content is None:  # it may have got its name between the two
            content = self.blobs.get(_published(run_id, number))
        return None if content is None else b"".join(self._pieces(workspace, io.BytesIO(content)))

    def _pieces(self, workspace: str, lines: Iterable[bytes]) -> Iterator[bytes]:
        key: AESGCM | None = None
        for place, line in enumerate(lines):
            if key is not None:
                yield _decrypted(key, base64.b64decode(line), place - 1)
            elif line.startswith(_EARLIER):
                yield base64.b64decode(self._sealer.unseal(workspace, decode(line)))
            else:
                key = self._opened(workspace, decode(line))

    def _opened(self, workspace: str, told: JsonValue) -> AESGCM:
        match told:
            case {"shares": [*shares]} if shares:
                unseal = partial(self._sealer.unseal, workspace)
                return _joined([bytes.fromhex(unseal(share)) for share in shares])
            case _:
                raise ValueError("the bundle was altered")


def _sealed(key: BundleKey, content: bytes) -> Iterator[bytes]:
    """The lines of a bundle: the shares of its key, then its pieces."""
    yield encode({"shares": list(key.shares)}).encode() + b"\n"
    for place, start in enumerate(range(0, len(content), _PIECE)):
        nonce = os.urandom(_NONCE_BYTES)
        piece = key.cipher.encrypt(nonce, content[start : start + _PIECE], _label(place))
        yield base64.b64encode(nonce + piece) + b"\n"


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


def _published(run_id: str, number: int) -> str:
    return f"{_known(run_id)}-{number}.zip.sealed"
