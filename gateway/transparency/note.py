"""Signed notes: text with Ed25519 signatures below, each by a named key.

The forms are those of C2SP signed-note (https://c2sp.org/signed-note), which the checksum database
of Go and other transparency logs use, and of C2SP tlog-cosignature for the time-stamped signatures
that witnesses add. A verifier key is written ``<name>+<key id>+<base64 of algorithm and key>``.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = 0x01
"""The algorithm byte of Ed25519 (RFC 8032) over the text of the note."""

COSIGNATURE = 0x04
"""The algorithm byte of ``cosignature/v1``: Ed25519 over a time and the text."""

MOST_BYTES = 1_000_000
MOST_SIGNATURES = 100
LATEST = 2**63 - 1
"""The latest time of a cosignature, in seconds since 1970."""

_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_DASH = "\N{EM DASH} "


class NoteError(ValueError):
    """It is no note, or no note to trust; the message says why."""


class UnverifiedNoteError(NoteError):
    """The note is well-formed, and none of the known keys signed it."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature line: the key's name and id (4 bytes), and the bytes that it wrote."""

    name: str
    key_id: bytes
    value: bytes

    def line(self) -> str:
        """The line as it stands in a note, with its line feed."""
        told = base64.b64encode(self.key_id + self.value).decode()
        return f"{_DASH}{self.name} {told}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A note as it was parsed; nothing of it is verified. ``text`` ends with a line feed."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(one.line() for one in self.signatures)}"


@dataclass(frozen=True, slots=True)
class Verifier:
    """A named public key that verifies: Ed25519, or cosignatures by its ``algorithm``.

    ``public_key`` are its 32 bytes (RFC 8032). The text form is the verifier key.
    """

    name: str
    public_key: bytes
    algorithm: int = ED25519

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            raise NoteError("a key's name is empty or holds a space, a plus or a control character")
        if self.algorithm not in {ED25519, COSIGNATURE}:
            raise NoteError(f"keys of the algorithm {self.algorithm:#04x} are not known")
        if len(self.public_key) != _KEY_BYTES:
            raise NoteError(f"an Ed25519 public key has {_KEY_BYTES} bytes")

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """A verifier key from its text form.

        Raises:
            NoteError: it is none, or of an algorithm that is not known.
        """
        name, key_id, encoded = (*text.split("+", 2), "", "")[:3]
        key = _decoded(encoded)
        if not key:
            raise NoteError("a verifier key reads <name>+<key id>+<base64>")
        found = cls(name, key[1:], key[0])
        if found.key_id.hex() != key_id:
            raise NoteError("the id in a verifier key is not that of its name and key")
        return found

    @property
    def key_id(self) -> bytes:
        """The start of SHA-256 over name, algorithm and key, 4 bytes."""
        return key_id_of(self.name, self.algorithm, self.public_key)

    def __str__(self) -> str:
        key = base64.b64encode(bytes([self.algorithm]) + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    def wrote(self, signature: Signature) -> bool:
        """Whether the signature names this key; it may be false all the same."""
        return signature.name == self.name and signature.key_id == self.key_id

    def check(self, text: str, signature: Signature) -> int | None:
        """Verify a signature over ``text``; returns the time that a cosignature states (seconds
        since 1970), None for a plain one.

        Raises:
            NoteError: it does not hold.
        """
        at, message, value = None, text.encode(), signature.value
        if self.algorithm == COSIGNATURE:
            at = int.from_bytes(value[:8])
            message, value = cosigned_message(text, at), value[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(value, message)
        except InvalidSignature:
            told = f"the signature of {self.name}+{self.key_id.hex()} does not hold"
            raise NoteError(told) from None
        return at


@dataclass(frozen=True, slots=True)
class NoteSigner:
    """Signs notes as ``verifier``; ``sign`` makes the Ed25519 signature of a message."""

    verifier: Verifier
    sign: Callable[[bytes], bytes]

    def signature(self, text: str) -> Signature:
        """The signature over a note's text.

        Raises:
            ValueError: this key makes cosignatures, which need a time.
        """
        if self.verifier.algorithm != ED25519:
            raise ValueError("a key for cosignatures signs with a time only")
        return Signature(self.verifier.name, self.verifier.key_id, self.sign(text.encode()))

    def cosignature(self, text: str, at: int) -> Signature:
        """The cosignature of a checkpoint's text at a time (whole seconds since 1970).

        Raises:
            ValueError: this key makes plain signatures, or the time is out of range.
        """
        if self.verifier.algorithm != COSIGNATURE:
            raise ValueError("a key for plain signatures makes no cosignatures")
        signed = self.sign(cosigned_message(text, at))
        value = at.to_bytes(8) + signed
        return Signature(self.verifier.name, self.verifier.key_id, value)


@dataclass(frozen=True, slots=True)
class SignedBy:
    """Who signed a note, and when, where a cosignature says so (seconds since 1970)."""

    verifier: Verifier
    at: int | None = None


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A note whose text at least one known key signed; ``signed_by`` are those, in order."""

    text: str
    signed_by: tuple[SignedBy, ...]


def key_id_of(name: str, algorithm: int, public_key: bytes) -> bytes:
    """The id of a key: the first 4 bytes of SHA-256 over its name, algorithm and bytes."""
    told = name.encode() + b"\n" + bytes([algorithm]) + public_key
    return hashlib.sha256(told).digest()[:4]


def is_key_name(name: str) -> bool:
    """Whether a key may be called so."""
    return name != "" and not any(
        sign.isspace() or sign == "+" or sign < " " or not sign.isprintable() for sign in name
    )


def cosigned_message(text: str, at: int) -> bytes:
    """What a cosignature signs: its kind, the time and the whole text of the checkpoint.

    Raises:
        NoteError: the time is not between 0 and ``LATEST``.
    """
    if not 0 <= at <= LATEST:
        raise NoteError("the time of a cosignature is out of range")
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def sign_note(text: str, *signers: NoteSigner) -> str:
    """A note: the text and its signatures.

    Raises:
        NoteError: the text does not end with a line feed, or holds control characters.
    """
    _require_text(text)
    return str(Note(text, tuple(signer.signature(text) for signer in signers)))


def parse_note(note: str | bytes) -> Note:
    """The text and the signatures of a note, none of them verified.

    Raises:
        NoteError: it is not well-formed, or too large.
    """
    told = _text_of(note)
    text, blank, below = told.rpartition("\n\n")
    text += "\n"
    if not blank or not below.endswith("\n"):
        raise NoteError("a note is text, an empty line and signature lines, each with a line feed")
    _require_text(text)
    lines = below.removesuffix("\n").split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteError(f"a note has at most {MOST_SIGNATURES} signatures")
    return Note(text, tuple(map(_signature, lines)))


def open_note(note: str | bytes, known: Iterable[Verifier]) -> OpenedNote:
    """The text of a note that a known key signed, and who did. Unknown keys are ignored.

    Raises:
        NoteError: it is not well-formed, or a signature that names a known key does not hold.
        UnverifiedNoteError: no known key signed it.
    """
    parsed = parse_note(note)
    verifiers = list(dict.fromkeys(known))
    signed = dict.fromkeys(
        (verifier, one)
        for one in parsed.signatures
        for verifier in verifiers
        if verifier.wrote(one)
    )
    if not signed:
        raise UnverifiedNoteError("no known key signed the note")
    return OpenedNote(
        parsed.text,
        tuple(SignedBy(verifier, verifier.check(parsed.text, one)) for verifier, one in signed),
    )


def _signature(line: str) -> Signature:
    parts: Sequence[str] = line.removeprefix(_DASH).split(" ")
    if not line.startswith(_DASH) or len(parts) != 2 or not is_key_name(parts[0]):
        raise NoteError("a signature line reads: em dash, space, name of the key, space, base64")
    signed = _decoded(parts[1])
    if len(signed) < 5:
        raise NoteError("a signature is base64 of a key id and at least one byte")
    return Signature(parts[0], signed[:4], signed[4:])


def _decoded(text: str) -> bytes:
    """The bytes of canonical base64; none where it is not that."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return found if base64.b64encode(found).decode() == text else b""


def _text_of(note: str | bytes) -> str:
    try:
        raw = note if isinstance(note, bytes) else note.encode()
        if len(raw) > MOST_BYTES:
            raise NoteError(f"a note has at most {MOST_BYTES} bytes")
        return raw.decode()
    except UnicodeError as error:
        raise NoteError("a note is UTF-8") from error


def _require_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteError("the text of a note ends with a line feed")
    if any(sign < " " and sign != "\n" for sign in text):
        raise NoteError("a note holds no control characters")
