"""Signing a checkpoint over the record as it stands, and keeping it with its tiles."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import func, select

from gateway.journal.checkpoint_lines import (
    Line,
    LineError,
    extensions,
    line_digest,
    origin_of,
    parsed_line,
    parsed_note,
    public_key_of,
)
from gateway.journal.statement import Statement
from gateway.journal.statements import INSERT_CHECKPOINT
from gateway.journal.tables import checkpoint, entry
from gateway.journal.tiles import StoredTiles, grown_tiles, journal_damaged, store_tiles
from gateway.model.entry import GENESIS
from gateway.transparency import Checkpoint, NoteSigner, Verifier, range_root, sign_note
from gateway.transparency.tiles import (
    HASH_BYTES,
    GrowingTiles,
    MissingTileError,
    Place,
    nodes_in,
)

_LAST = Statement(
    select(checkpoint.c.line, checkpoint.c.ends_at).order_by(checkpoint.c.number.desc()).limit(1)
)
_LAST_POSITION = Statement(select(func.max(entry.c.position)))


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


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint that is signed and not yet stored: its number, its line, where the line ends in
    the file (in bytes), and the tiles that are new with it."""

    number: int
    line: str
    ends_at: int
    tiles: Mapping[Place, bytes]


@dataclass(frozen=True, slots=True)
class _Before:
    """The checkpoint before: its line with its digest, and where it ends in the file."""

    line: Line | None = None
    digest: str = GENESIS
    ends_at: int = 0

    @property
    def position(self) -> int:
        return self.line.position if self.line else 0


def signed_checkpoint(
    connection: sqlite3.Connection, signer: Signer, at: str, successor: bytes | None = None
) -> Signed | None:
    """The next checkpoint of the record as it stands; None where nothing came since the last one.

    ``successor`` is the public key (32 bytes) that is to sign from then on: the checkpoint then
    endorses it, whether anything came or not.

    Raises:
        ProblemError: JOURNAL_DAMAGED where the record is not what the last checkpoint signed, or
            is empty.
    """
    before = _before(connection)
    (last,) = connection.execute(_LAST_POSITION.sql, _LAST_POSITION.bind()).fetchone()
    if (last or 0) == before.position and successor is None:
        return None
    _require_signed_root(connection, before)
    tree = grown_tiles(connection)
    if not tree.size or tree.size < before.position:
        raise journal_damaged("it holds fewer entries than were signed, or none")
    return _signed(tree, before, signer, at, successor)


def _signed(
    tree: GrowingTiles, before: _Before, signer: Signer, at: str, successor: bytes | None
) -> Signed:
    origin = origin_of(tree.tile(0, 0)[:HASH_BYTES])
    verifier = Verifier(origin, public_key_of(signer.public_key_pem))
    endorsed = None if successor is None else Verifier(origin, successor)
    number = before.line.number + 1 if before.line else 1
    told = extensions(number, before.digest, at, endorsed)
    text = str(Checkpoint(origin, tree.size, tree.root(), told))
    line = str(parsed_note(sign_note(text, NoteSigner(verifier, signer.sign))))
    return Signed(number, line, before.ends_at + len(line.encode()) + 1, tree.changed)


def _before(connection: sqlite3.Connection) -> _Before:
    found = connection.execute(_LAST.sql, _LAST.bind()).fetchone()
    if found is None:
        return _Before()
    line, ends_at = found
    try:
        return _Before(parsed_line(line), line_digest(line), ends_at)
    except LineError as error:
        raise journal_damaged(f"its last checkpoint cannot be read ({error})") from error


def _require_signed_root(connection: sqlite3.Connection, before: _Before) -> None:
    """A log signs no tree that does not go on from the one it signed before (C2SP
    tlog-checkpoint)."""
    known = before.line.checkpoint if before.line else None
    if known is None:
        return
    try:
        root = range_root(0, known.size, nodes_in(StoredTiles(connection)))
    except MissingTileError as error:
        raise journal_damaged(str(error)) from error
    if root != known.root:
        raise journal_damaged("its tiles do not have the root that the last checkpoint signed")


def keep_checkpoint(connection: sqlite3.Connection | sqlite3.Cursor, signed: Signed) -> None:
    """Store a signed checkpoint and its tiles, within the caller's transaction."""
    values = {"number": signed.number, "ends_at": signed.ends_at, "line": signed.line}
    connection.execute(INSERT_CHECKPOINT.sql, INSERT_CHECKPOINT.bind(**values))
    store_tiles(connection, signed.tiles)
