"""Signing a checkpoint over the record as it stands, and keeping it with its tiles."""

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
    signer_among,
)
from gateway.journal.session import Session
from gateway.journal.statement import Statement
from gateway.journal.statements import INSERT_CHECKPOINT
from gateway.journal.tables import checkpoint, entry
from gateway.journal.tiles import StoredTiles, grown_tiles, journal_damaged, store_tiles
from gateway.model.entry import GENESIS
from gateway.model.problem import Problem, ProblemError
from gateway.transparency import Checkpoint, NoteSigner, Verifier, range_root, sign_note
from gateway.transparency.tiles import (
    HASH_BYTES,
    MissingTileError,
    Place,
    nodes_in,
)

_LAST = Statement(
    select(checkpoint.c.line, checkpoint.c.ends_at).order_by(checkpoint.c.number.desc()).limit(1)
)
_LINES = Statement(select(checkpoint.c.line).order_by(checkpoint.c.number))
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
    """A checkpoint that is signed and not yet stored: what it says, where its line ends in the file
    (in bytes), and the tiles that are new with it."""

    line: Line
    ends_at: int
    tiles: Mapping[Place, bytes]


@dataclass(frozen=True, slots=True)
class _Before:
    """The checkpoint before: its line with its digest, and where it ends in the file."""

    line: Line | None = None
    digest: str = GENESIS
    ends_at: int = 0


def next_checkpoint(session: Session, signer: Signer, at: str) -> Signed | None:
    """The next checkpoint of the record as it stands; None where nothing came since the last one.

    Raises:
        ProblemError: JOURNAL_DAMAGED where the record is not what the last checkpoint signed,
            KEYS_UNUSABLE where that one endorsed another key, or the signer's gave way earlier.
    """
    before = _before(session)
    if _last_position(session) == (before.line.position if before.line else 0):
        return None
    return _signed(session, before, signer, at, None)


def endorsing_checkpoint(session: Session, signer: Signer, at: str, successor: bytes) -> Signed:
    """A checkpoint that endorses the public key ``successor`` (32 bytes) as the key of all that
    follow, whether anything came or not.

    Raises:
        ProblemError: as ``next_checkpoint``, and JOURNAL_DAMAGED where nothing was recorded yet.
    """
    return _signed(session, _before(session), signer, at, successor)


def last_line(session: Session) -> Line | None:
    """The last checkpoint; None before the first.

    Raises:
        ProblemError: JOURNAL_DAMAGED where it cannot be read.
    """
    return _before(session).line


def _last_position(session: Session) -> int:
    (last,) = session.one(_LAST_POSITION) or (0,)
    return last or 0


def _signed(
    session: Session,
    before: _Before,
    signer: Signer,
    at: str,
    successor: bytes | None,
) -> Signed:
    key = public_key_of(signer.public_key_pem)
    _require_signed_root(session, before)
    _require_endorsed(session, before, key)
    tree = grown_tiles(session)
    if not tree.size or tree.size != _last_position(session):
        raise journal_damaged("it holds no entries, or fewer than were signed")
    origin = origin_of(tree.tile(0, 0)[:HASH_BYTES])
    endorsed = None if successor is None else Verifier(origin, successor)
    number = before.line.number + 1 if before.line else 1
    told = extensions(number, before.digest, at, endorsed)
    text = str(Checkpoint(origin, tree.size, tree.root(), told))
    line = parsed_note(sign_note(text, NoteSigner(Verifier(origin, key), signer.sign)))
    return Signed(line, before.ends_at + len(str(line).encode()) + 1, tree.changed)


def _before(session: Session) -> _Before:
    found = session.one(_LAST)
    if found is None:
        return _Before()
    line, ends_at = found
    try:
        return _Before(parsed_line(line), line_digest(line), ends_at)
    except LineError as error:
        raise journal_damaged(f"its last checkpoint cannot be read ({error})") from error


def _require_signed_root(session: Session, before: _Before) -> None:
    """A log signs no tree that does not go on from the one it signed before (C2SP
    tlog-checkpoint)."""
    known = before.line.checkpoint if before.line else None
    if known is None:
        return
    try:
        root = range_root(0, known.size, nodes_in(StoredTiles(session)))
    except MissingTileError as error:
        raise journal_damaged(str(error)) from error
    if root != known.root:
        raise journal_damaged("its tiles do not have the root that the last checkpoint signed")


def _require_endorsed(session: Session, before: _Before, key: bytes) -> None:
    """Once a key has endorsed its successor, it signs no more: nobody who trusts the first key
    would believe what follows."""
    line = before.line
    if line is None:
        return
    if line.successor is not None and line.successor.public_key != key:
        told = (
            f"The last checkpoint names {line.successor} as the key that signs from now on, and "
            "the key in use is another. End the rotation with `gateway audit rotate-key`, or "
            "restore that key from a backup."
        )
    elif line.successor is None and _gave_way(session, line, key):
        told = "The key in use was rotated meanwhile. Start again with the one that signs now."
    else:
        return
    raise ProblemError(Problem("KEYS_UNUSABLE", "A key file cannot be used", 500, told, "internal"))


def _gave_way(session: Session, last: Line, key: bytes) -> bool:
    """Whether a key endorsed another before the last checkpoint, which a later key signed."""
    if signer_among(last, [key]) is not None:
        return False
    try:
        lines = [parsed_line(text) for (text,) in session.all(_LINES)]
    except LineError as error:
        raise journal_damaged(f"a checkpoint of it cannot be read ({error})") from error
    return any(one.successor is not None and signer_among(one, [key]) for one in lines)


def keep_checkpoint(session: Session, signed: Signed) -> bool:
    """Store a signed checkpoint and its tiles, within the caller's transaction.

    False, and nothing is stored, where it does not follow the last one: somebody else has signed
    meanwhile.
    """
    line, last = signed.line, last_line(session)
    if line.number != (last.number + 1 if last else 1):
        return False
    values = {"number": line.number, "ends_at": signed.ends_at, "line": str(line)}
    session.change_one(INSERT_CHECKPOINT, **values)
    store_tiles(session, signed.tiles)
    return True
