"""Checking the answers of ``audit.proof.inclusion`` and ``audit.proof.consistency`` without the
gateway: with its public key, and nothing else."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.transparency.checkpoint import Checkpoint
from gateway.transparency.merkle import Hash, leaf_hash, verify_consistency, verify_inclusion
from gateway.transparency.note import COSIGNATURE, NoteError, Verifier, open_note, parse_note

_INCLUSION = ("leafHash", "index", "size", "root", "path", "note")
_CONSISTENCY = ("fromSize", "fromRoot", "toSize", "toRoot", "path", "note")
_NUMBER = "number "  # an extension line of our checkpoints
_MAX_PATH = 64
_HASH_BYTES = 32


class ProofError(ValueError):
    """The answer proves nothing; the message says why."""


class NoAnswerError(ValueError):
    """It is not an answer of either kind; the message says so."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom to believe: the public keys of the gateway (32 bytes each), of which one must have
    signed, and the witnesses, of which each must have cosigned. A key with a name counts for the
    record of that name alone."""

    keys: Sequence[bytes | Verifier]
    witnesses: Sequence[Verifier] = ()

    def keys_of(self, origin: str) -> list[Verifier]:
        """Those that may sign for a record.

        Raises:
            ProofError: all of them are for other records, or one is a witness as well.
        """
        named = [one if isinstance(one, Verifier) else Verifier(origin, one) for one in self.keys]
        found = [one for one in named if one.name == origin]
        if not found:
            raise ProofError(f"the checkpoint is of the record {origin}, and no key given is")
        for witness in self.witnesses:
            if witness.public_key in {one.public_key for one in found}:
                told = "is a key of the record itself: only a second party can be a witness"
                raise ProofError(f"{witness.name} {told}")
        return found


@dataclass(frozen=True, slots=True)
class Proven:
    """What an answer proves: ``told`` in words; ``notes`` say what it leaves open."""

    origin: str
    told: str
    notes: tuple[str, ...] = ()


def check_answer(value: object, trust: Trust, kept: str | None = None) -> Proven:
    """Check an answer, as the operation gives it or with the GraphQL response around it.

    ``kept`` is the note of a checkpoint that was kept from earlier, for consistency.

    Raises:
        NoAnswerError: it is none.
        ProofError: it does not hold.
    """
    answer = _answer(value)
    try:
        if all(name in answer for name in _INCLUSION):
            if kept is not None:
                raise ProofError("a checkpoint that was kept belongs to a proof of consistency")
            return _inclusion(answer, trust)
        return _consistency(answer, trust, kept)
    except NoteError as error:
        raise ProofError(f"the note of the checkpoint does not hold: {error}") from None


def _answer(value: object) -> Mapping[str, Any]:
    """The one answer in a value: itself, or the only member of a response's data."""
    found = value
    if isinstance(found, dict) and isinstance(found.get("data"), dict):
        members = list(found["data"].values())
        found = members[0] if len(members) == 1 else None
    if isinstance(found, dict):
        for form in (_INCLUSION, _CONSISTENCY):
            if all(name in found for name in form):
                return found
    told = "it is no answer of audit.proof.inclusion or audit.proof.consistency with all its fields"
    raise NoAnswerError(f"{told} ({', '.join(_INCLUSION)}; or {', '.join(_CONSISTENCY)})")


def _inclusion(answer: Mapping[str, Any], trust: Trust) -> Proven:
    signed = _signed_for(answer, trust)
    size, root = _number(answer, "size"), _hash(answer["root"], "root")
    _require_same(signed, size, root, "the checkpoint")
    leaf, index = _hash(answer["leafHash"], "leafHash"), _number(answer, "index")
    own = answer.get("entryHash")
    notes: tuple[str, ...] = ()
    if own is None:
        notes = ("without entryHash, compare leafHash with the leaf of the entry that you mean",)
    elif leaf_hash(_entry_hash(own)) != leaf:
        raise ProofError("leafHash is not the leaf of entryHash")
    if not verify_inclusion(leaf, index, size, _path(answer["path"]), root):
        raise ProofError("the path does not lead from the leaf to the root that was signed")
    of = f"the entry with the hash {own}" if own else "the leaf"
    told = f"{of} is number {index + 1} of the {size} entries that the checkpoint signs"
    return Proven(signed.origin, told, notes)


def _consistency(answer: Mapping[str, Any], trust: Trust, kept: str | None) -> Proven:
    signed = _signed_for(answer, trust)
    new, new_root = _number(answer, "toSize"), _hash(answer["toRoot"], "toRoot")
    _require_same(signed, new, new_root, "the later checkpoint")
    old, old_root = _number(answer, "fromSize"), _hash(answer["fromRoot"], "fromRoot")
    notes: tuple[str, ...] = ()
    earlier = kept if kept is not None else answer.get("fromNote")
    if earlier is None:
        notes = ("compare fromSize and fromRoot with the checkpoint that you kept",)
    else:
        what = "the checkpoint that was kept" if kept is not None else "the earlier checkpoint"
        try:
            before = _signed(earlier, Trust(trust.keys))
        except (NoteError, ProofError) as error:
            raise ProofError(f"{what} does not hold: {error}") from None
        if before.origin != signed.origin:
            raise ProofError(f"{what} is of another record")
        _require_same(before, old, old_root, what)
    if old == 0:
        raise ProofError("fromSize is 0, and every record goes on from none: it proves nothing")
    if not verify_consistency(old, new, old_root, new_root, _path(answer["path"])):
        raise ProofError("the path does not show that the later tree goes on from the earlier one")
    told = f"the first {old} of the {new} entries are those that were there before, unchanged"
    return Proven(signed.origin, told, notes)


def _signed_for(answer: Mapping[str, Any], trust: Trust) -> Checkpoint:
    """The checkpoint of an answer, which is the one that it names, if it names one.

    Raises:
        NoteError, ProofError: as ``_signed``, or it is another.
    """
    signed = _signed(answer["note"], trust)
    told = [line for line in signed.extensions if line.startswith(_NUMBER)]
    if "checkpoint" in answer and told and told != [f"{_NUMBER}{_number(answer, 'checkpoint')}"]:
        raise ProofError("checkpoint is not the number of the one that the note is of")
    return signed


def _signed(note: object, trust: Trust) -> Checkpoint:
    """The checkpoint of a note that everybody signed who must have.

    Raises:
        NoteError, ProofError: somebody did not.
    """
    if not isinstance(note, str):
        raise ProofError("note is no text")
    checkpoint = Checkpoint.parse(parse_note(note).text)
    keys = trust.keys_of(checkpoint.origin)
    opened = open_note(note, [*keys, *trust.witnesses])
    signers = {one.verifier for one in opened.signed_by}
    if not signers & set(keys):
        raise ProofError("none of the public keys given signed the checkpoint")
    for witness in trust.witnesses:
        if witness.algorithm != COSIGNATURE or witness not in signers:
            raise ProofError(f"{witness.name} did not cosign the checkpoint")
    return checkpoint


def _require_same(signed: Checkpoint, size: int, root: Hash, what: str) -> None:
    if (signed.size, signed.root) != (size, root):
        raise ProofError(f"size and root are not those that {what} signs")


def _number(answer: Mapping[str, Any], name: str) -> int:
    found = answer[name]
    if type(found) is not int or found < 0:
        raise ProofError(f"{name} is no whole number")
    return found


def _path(value: object) -> list[Hash]:
    if not isinstance(value, list) or len(value) > _MAX_PATH:
        raise ProofError(f"path is no list of up to {_MAX_PATH} hashes")
    return [_hash(one, "path") for one in value]


def _hash(value: object, name: str) -> Hash:
    try:
        found = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != _HASH_BYTES or base64.b64encode(found).decode() != value:
        raise ProofError(f"{name} is not base64 of {_HASH_BYTES} bytes")
    return found


def _entry_hash(value: object) -> bytes:
    try:
        found = bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        found = b""
    if len(found) != _HASH_BYTES or found.hex() != value:
        raise ProofError("entryHash is not 64 hex digits")
    return found
