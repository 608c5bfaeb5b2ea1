"""The lines of checkpoints: what they say, how they are written, and whether they are signed.

Format 2 is a signed note (see ``gateway.transparency``) over the root of the tree of all entries.
It names no execution and no workspace, so it may be shown to anybody. Its extension lines are::

    number <which checkpoint this is, from 1>
    previous <SHA-256 of the line of the checkpoint before, in hex>
    at <when it was signed, RFC 3339 in UTC>
    successor <verifier key that signs from now on>      (only where the key is rotated)

Format 1, which earlier releases wrote, signs the heads of the chains that had moved: Ed25519 over
the compact JSON text with sorted keys of everything but the signature.
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from gateway.model.json import JsonObject, decode, encode
from gateway.transparency import (
    COSIGNATURE,
    Checkpoint,
    NoteError,
    Verifier,
    open_note,
    parse_note,
)

HEADS_FORMAT = 1
NOTE_FORMAT = 2

SIGNATURE_MARK = "\n\N{EM DASH} "
ORIGIN_PREFIX = "contract-gateway/"

_EXTENSIONS = re.compile(
    r"number (?P<number>[1-9][0-9]{0,18})\n"
    r"previous (?P<previous>[0-9a-f]{64})\n"
    r"at (?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)"
    r"(?:\nsuccessor (?P<successor>\S+))?",
    re.ASCII,
)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


class LineError(ValueError):
    """A line is no checkpoint of a form that is known."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a checkpoint says. ``position`` is that of the last entry it covers, so their number.

    ``note`` and ``checkpoint`` are those of format 2, ``heads`` what format 1 signed (all of its
    members); ``successor`` is the key that signs from then on.
    """

    number: int
    previous: str
    position: int
    at: str
    note: str = ""
    checkpoint: Checkpoint | None = None
    successor: Verifier | None = None
    heads: JsonObject | None = None

    def __str__(self) -> str:
        """The line as it is stored."""
        if self.heads is not None:
            return encode(self.heads)
        return encode(
            {
                "format": NOTE_FORMAT,
                "number": self.number,
                "position": self.position,
                "at": self.at,
                "note": self.note,
            }
        )


def line_digest(line: str) -> str:
    """What the next checkpoint names as its predecessor: SHA-256 of the line, in hex."""
    return hashlib.sha256(line.encode("utf-8", "surrogateescape")).hexdigest()


def origin_of(first_leaf: bytes) -> str:
    """The name of a record as a log: it follows from the leaf hash of its first entry, so that no
    two records share it, whatever keys sign them."""
    return f"{ORIGIN_PREFIX}{first_leaf.hex()[:32]}"


def extensions(number: int, previous: str, at: str, successor: Verifier | None) -> tuple[str, ...]:
    """The extension lines of a checkpoint."""
    told = (f"number {number}", f"previous {previous}", f"at {at}")
    return told if successor is None else (*told, f"successor {successor}")


def parsed_note(note: str | bytes) -> Line:
    """What a note says as a checkpoint of a record; its signatures are not verified.

    Raises:
        LineError: it is none.
    """
    try:
        parsed = parse_note(note)
        checkpoint = Checkpoint.parse(parsed.text)
        match = _EXTENSIONS.fullmatch("\n".join(checkpoint.extensions))
        if match is None:
            raise LineError("its extension lines are not those of a checkpoint of this gateway")
        successor = Verifier.parse(match["successor"]) if match["successor"] else None
    except NoteError as error:
        raise LineError(str(error)) from error
    return Line(
        number=int(match["number"]),
        previous=match["previous"],
        position=checkpoint.size,
        at=match["at"],
        note=str(parsed),
        checkpoint=checkpoint,
        successor=successor,
    )


def parsed_line(line: object) -> Line:
    """What a stored line says; its signature is not verified.

    Raises:
        LineError: it is none.
    """
    try:
        told = decode(line) if isinstance(line, str) else None
    except ValueError as error:
        raise LineError("it is no JSON") from error
    match told:
        case {"format": 2, "note": str(note)}:
            found = parsed_note(note)
        case {
            "format": 1 as form,
            "number": int(number),
            "previous": str(previous),
            "position": int(position),
            "at": str(at),
            "heads": list(heads),
            "order": str(_),
        } if _are_whole(form, number, position) and all(map(_is_head, heads)):
            found = Line(number, previous, position, at, heads=told)
        case _:
            raise LineError("it is no checkpoint of a format that is known")
    if str(found) != line or found.note.count(SIGNATURE_MARK) > 1:
        raise LineError("it is not written as checkpoints are")
    return found


def _are_whole(*numbers: object) -> bool:
    """False where one of them is true, or has decimals, which compares like a number."""
    return all(type(one) is int and one > 0 for one in numbers)


def _is_head(head: object) -> bool:
    match head:
        case [str(_), seq, str(own)]:
            return _are_whole(seq) and _HASH.fullmatch(own) is not None
        case _:
            return False


# --- signatures


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key (32 bytes) that somebody trusts; a verifier key names the one record, by its
    ``origin``, for whose checkpoints it does so."""

    public_key: bytes
    origin: str | None = None


@lru_cache(maxsize=64)
def trusted_key(text: str) -> TrustedKey:
    """An Ed25519 public key that was given in PEM or as a verifier key.

    Raises:
        ValueError: it is none, more than one, or that of a witness.
    """
    if "-----BEGIN" not in text:
        verifier = Verifier.parse(text.strip())
        if verifier.algorithm == COSIGNATURE:
            raise ValueError(f"{verifier.name} is the key of a witness and not of a record")
        return TrustedKey(verifier.public_key, verifier.name)
    if text.count("-----BEGIN") > 1:
        raise ValueError("it holds more than one key: keep each in a file of its own")
    try:
        key = load_pem_public_key(text.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError("it is a key of a kind that is not known") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("a trusted key of the checkpoints is no Ed25519 public key")  # noqa: TRY004 # the value of the PEM is wrong, not a Python type
    return TrustedKey(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def public_key_of(text: str) -> bytes:
    """The 32 bytes of such a key.

    Raises:
        ValueError: as ``trusted_key``.
    """
    return trusted_key(text).public_key


def verifier_key(origin: str, public_key: str) -> str:
    """The verifier key with which monitors and witnesses check the notes of a log.

    Raises:
        ValueError: it is no public key.
    """
    return str(Verifier(origin, public_key_of(public_key)))


def signer_among(line: Line, keys: Iterable[bytes]) -> bytes | None:
    """The one of these public keys (32 bytes each) that signed the checkpoint, if any did."""
    checkpoint, heads = line.checkpoint, line.heads or {}
    for key in keys:
        if _note_signed(line.note, checkpoint, key) if checkpoint else _heads_signed(heads, key):
            return key
    return None


def _note_signed(note: str, checkpoint: Checkpoint, key: bytes) -> bool:
    try:
        open_note(note, [Verifier(checkpoint.origin, key)])
    except NoteError:
        return False
    return True


def _heads_signed(signed: JsonObject, key: bytes) -> bool:
    told = {name: value for name, value in signed.items() if name != "signature"}
    try:
        encoded = str(signed.get("signature", ""))
        signature = base64.b64decode(encoded, validate=True)
        if base64.b64encode(signature).decode() != encoded:
            return False
        Ed25519PublicKey.from_public_bytes(key).verify(signature, encode(told).encode())
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
