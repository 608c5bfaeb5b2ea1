"""What is submitted to a witness (C2SP tlog-witness, ``add-checkpoint``)."""

import base64
import binascii
import re
from dataclasses import dataclass

from gateway.transparency import Checkpoint, Note, NoteError, parse_note

MAX_BYTES = 128 * 1024
"""The largest request that a witness reads."""

MAX_PROOF = 63
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)
_HASH_BYTES = 32


class MalformedError(ValueError):
    """It is no such request; the message says why."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A checkpoint, and the proof that its tree goes on from that of ``old`` leaves."""

    old: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint


def parse_submission(body: bytes) -> Submission:
    """The submission in the body of a request.

    Raises:
        MalformedError: it is none.
    """
    try:
        head, blank, signed = body.decode().partition("\n\n")
    except UnicodeError:
        raise MalformedError("it is not UTF-8") from None
    first, *lines = head.split("\n")
    old = _OLD.fullmatch(first)
    if not blank or old is None:
        raise MalformedError("it begins with 'old <size>', proof lines and an empty line")
    if len(lines) > MAX_PROOF:
        raise MalformedError(f"a proof has at most {MAX_PROOF} lines")
    try:
        note = parse_note(signed)
        checkpoint = Checkpoint.parse(note.text)
    except NoteError as error:
        raise MalformedError(str(error)) from None
    return Submission(int(old[1]), tuple(map(_hash, lines)), note, checkpoint)


def _hash(line: str) -> bytes:
    try:
        found = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != _HASH_BYTES or base64.b64encode(found).decode() != line:
        raise MalformedError(f"a line of a proof is base64 of {_HASH_BYTES} bytes")
    return found
