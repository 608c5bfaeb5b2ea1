"""Checkpoints: the heads of all chains, signed, so that cutting off the end becomes visible.

Each signs the heads that moved since the one before, that one's digest, how many entries there are
up to which position, and the order in which those that came since stand. Signatures are Ed25519
(RFC 8032) over the compact JSON text with sorted keys of everything but the signature.
"""

import asyncio
import base64
import hashlib
import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy import bindparam, func, select

from gateway.journal.database import open_reader
from gateway.journal.sqlite import SqliteJournal
from gateway.journal.statement import Statement
from gateway.journal.tables import chain_head, checkpoint, entry
from gateway.model.entry import GENESIS
from gateway.model.json import JsonObject, decode, encode
from gateway.model.time import stamp

CHECKPOINT_FORMAT = 1

log = logging.getLogger("gateway.journal")

_LAST = Statement(
    select(checkpoint.c.line, checkpoint.c.ends_at)
    .order_by(checkpoint.c.number.desc())
    .limit(bindparam("at_most"))
)
_NEWER = entry.c.position > bindparam("after_position")
_PROGRESS = Statement(select(func.max(entry.c.position), func.count()).where(_NEWER))
_MOVED_HEADS = Statement(
    select(chain_head.c.chain, chain_head.c.seq, chain_head.c.hash)
    .where(chain_head.c.chain.in_(select(entry.c.chain).where(_NEWER)))
    .order_by(chain_head.c.chain)
)


_ORDER = Statement(
    select(entry.c.position, entry.c.hash)
    .where(_NEWER, entry.c.position <= bindparam("to_position"))
    .order_by(entry.c.position)
)


def order_digest(connection: sqlite3.Connection, after: int, to: int) -> str:
    """SHA-256 over positions and hashes of the entries behind ``after`` up to ``to``, in hex.

    Chains fix the order within themselves; this fixes the order of all entries.
    """
    folded = hashlib.sha256()
    values = _ORDER.bind(after_position=after, to_position=to)
    for position, own_hash in connection.execute(_ORDER.sql, values):
        folded.update(encode([position, own_hash]).encode("utf-8", "surrogateescape"))
    return folded.hexdigest()


class Signer(Protocol):
    """Who vouches for the record: an Ed25519 key with a name."""

    @property
    def key_id(self) -> str:
        """The name of the key, kept in each checkpoint."""
        ...

    @property
    def public_key_pem(self) -> str:
        """The public key (PEM, SubjectPublicKeyInfo)."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature of a message."""
        ...


def signature_holds(signed: JsonObject, public_keys: Sequence[str]) -> bool:
    """Whether one of the trusted ``public_keys`` (PEM) signed this checkpoint.

    Raises:
        ValueError: a trusted key is no Ed25519 public key in PEM.
    """
    told = {name: value for name, value in signed.items() if name != "signature"}
    try:
        signature = base64.b64decode(str(signed.get("signature", "")), validate=True)
        message = encode(told).encode()
    except (ValueError, TypeError):
        return False
    return any(_verifies(pem, signature, message) for pem in public_keys)


def _verifies(pem: str, signature: bytes, message: bytes) -> bool:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("a trusted key of the checkpoints is no Ed25519 public key")  # noqa: TRY004 # the value of the PEM is wrong, not a Python type
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def line_digest(line: str) -> str:
    """What the next checkpoint names as its predecessor: SHA-256 of the line, in hex."""
    return hashlib.sha256(line.encode("utf-8", "surrogateescape")).hexdigest()


@dataclass(frozen=True, slots=True)
class _Draft:
    payload: JsonObject
    file_size: int


def _draft(connection: sqlite3.Connection) -> _Draft | None:
    """The next checkpoint, unsigned; None where nothing was recorded since the last one."""
    last = connection.execute(_LAST.sql, _LAST.bind(at_most=1)).fetchone()
    line, file_size = last or (None, 0)
    before = decode(line) if line else {"number": 0, "position": 0, "entries": 0}
    since = (before["position"],)
    position, added = connection.execute(_PROGRESS.sql, since).fetchone()
    if not added:
        return None
    heads = connection.execute(_MOVED_HEADS.sql, since).fetchall()
    payload = {
        "format": CHECKPOINT_FORMAT,
        "number": before["number"] + 1,
        "previous": line_digest(line) if line else GENESIS,
        "position": position,
        "entries": before["entries"] + added,
        "order": order_digest(connection, before["position"], position),
        "heads": [list(head) for head in heads],
    }
    return _Draft(payload, file_size)


class Checkpointer:
    """Signs checkpoints of a journal: every ``interval`` seconds where something was recorded, and
    at ``stop``."""

    def __init__(self, journal: SqliteJournal, signer: Signer, interval: float = 60.0) -> None:
        self._journal = journal
        self._signer = signer
        self._interval = interval
        self._one_at_a_time = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin the periodic checkpoints."""
        self._task = asyncio.create_task(self._periodically(), name="journal-checkpoints")

    async def stop(self) -> None:
        """End them with a last checkpoint. Call it before the journal is closed.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when the last checkpoint could not be written.
        """
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self.checkpoint()

    async def checkpoint(self) -> int | None:
        """Sign a checkpoint now; returns its number, None where nothing was recorded since.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when it could not be written.
        """
        async with self._one_at_a_time:
            signed = await asyncio.to_thread(self._sign)
            if signed is None:
                return None
            number, ends_at, line = signed
            await self._journal.run(lambda unit: unit.keep_checkpoint(number, ends_at, line))
            await asyncio.to_thread(self._mirror)
            return number

    async def _periodically(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            try:
                await self.checkpoint()
            except Exception:
                log.exception("A checkpoint could not be written; the next one will cover it")

    def _sign(self) -> tuple[int, int, str] | None:
        with closing(open_reader(self._journal.path)) as connection:
            connection.execute("BEGIN")
            draft = _draft(connection)
        if draft is None:
            return None
        at = stamp(self._journal.clock.now())
        told = {**draft.payload, "at": at, "keyId": self._signer.key_id}
        signature = base64.b64encode(self._signer.sign(encode(told).encode())).decode()
        line = encode({**told, "signature": signature})
        return told["number"], draft.file_size + len(line.encode()) + 1, line

    def _mirror(self) -> None:
        with closing(open_reader(self._journal.path)) as connection:
            self._journal.checkpoints.complete(connection)
