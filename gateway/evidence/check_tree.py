"""Checks of the checkpoint's note in a bundle, and that its tree holds every entry.

From format 2 on a bundle carries the signed note of a checkpoint (C2SP tlog-checkpoint) and one
proof for all of its entries. With them the bundle shows by itself what the head statement only
names.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gateway.evidence.entry_lines import Fact
from gateway.evidence.findings import BundleFindingKind, BundleFindings
from gateway.evidence.manifest import (
    FORMAT_VERSION,
    HEAD,
    INCLUSION,
    INCLUSION_TYPE,
    NOTE,
)
from gateway.evidence.text import FormError, indented, read
from gateway.journal.checkpoint_lines import (
    Line,
    LineError,
    line_digest,
    parsed_note,
    public_key_of,
    signer_among,
)
from gateway.model.json import JsonObject, JsonValue
from gateway.transparency import Checkpoint, Note, NoteError, Verifier, leaf_hash, parse_note
from gateway.transparency.multiproof import multiproof_root

_Kind = BundleFindingKind
_HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class Inclusion:
    """The proof of a bundle: where in the tree its entries are, and the nodes beside them."""

    indexes: list[int]
    nodes: list[bytes]


def inclusion_file(size: int, positions: Sequence[int], nodes: Sequence[bytes]) -> bytes:
    """The file with the proof for the entries at these positions (from 1)."""
    return indented(
        {
            "type": INCLUSION_TYPE,
            "formatVersion": FORMAT_VERSION,
            "size": size,
            "indexes": [position - 1 for position in positions],
            "nodes": [base64.b64encode(one).decode() for one in nodes],
        }
    )


def unchecked(files: Mapping[str, bytes], version: int) -> Iterator[str]:
    """What is not checked of the tree in a bundle of this format, in words."""
    if version == 1:
        yield (
            "a bundle of format 1 holds no proof that its entries are in the record that the "
            "checkpoint signs; the statement on the head alone vouches for them"
        )
        return
    try:
        others = len(parse_note(files.get(NOTE, b"")).signatures) - 1
    except NoteError:
        return
    if others:
        yield f"{NOTE}: the signatures of others ({others}) are not checked here"


def check_note(
    files: Mapping[str, bytes], head: JsonObject, keys: Sequence[str], findings: BundleFindings
) -> Checkpoint | None:
    """The checkpoint of the note, where one of ``keys`` (PEM) signed it, or is endorsed in it by an
    earlier key, and the head names it."""
    content = _content(files, NOTE, findings)
    if content is None:
        return None
    try:
        line = _signed(parsed_note(content), [public_key_of(pem) for pem in keys])
    except LineError as error:
        findings.add(_Kind.CHANGED, NOTE, f"it is no note of a checkpoint: {error}")
        return None
    if line is None or line.checkpoint is None:
        findings.add(_Kind.FORGED, NOTE, "the key that signed the bundle did not sign it")
        return None
    _check_named(line, head, findings)
    return line.checkpoint


def check_inclusion(
    files: Mapping[str, bytes],
    checkpoint: Checkpoint,
    head: JsonObject,
    facts: Sequence[Fact],
    findings: BundleFindings,
) -> None:
    """Every entry is in the tree that the checkpoint signs, and the head where it says."""
    content = _content(files, INCLUSION, findings)
    try:
        proof = None if content is None else _proof(read(content, indented), checkpoint.size)
    except FormError as error:
        findings.add(_Kind.CHANGED, INCLUSION, str(error))
        return
    if proof is None:
        return
    if len(proof.indexes) != len(facts):
        told = f"it proves {len(proof.indexes)} entries, and there are {len(facts)}"
        findings.add(_Kind.DISAGREES, INCLUSION, told, field="/indexes")
        return
    leaves = {
        index: leaf_hash(bytes.fromhex(fact.hash))
        for index, fact in zip(proof.indexes, facts, strict=True)
    }
    try:
        root = multiproof_root(leaves, checkpoint.size, proof.nodes)
    except ValueError as error:
        findings.add(_Kind.DISAGREES, INCLUSION, f"it proves nothing: {error}")
        return
    if root != checkpoint.root:
        told = "it does not lead from the entries to the root that the checkpoint signs"
        findings.add(_Kind.DISAGREES, INCLUSION, told)
    elif proof.indexes[-1] != head["position"] - 1:
        told = "/position is not where the proof has the head"
        findings.add(_Kind.DISAGREES, HEAD, told, field="/position")


def _signed(line: Line, keys: Sequence[bytes]) -> Line | None:
    """The checkpoint without cosignatures, as it is stored; None where no key of ours signed it.

    Right after a rotation the newest checkpoint is the one in which the key before endorses ours.
    That key need not be known here: ours signed the digest of the note, with the manifest.
    """
    if line.checkpoint is None:
        return None
    key, note = signer_among(line, keys), parse_note(line.note)
    if key is not None:
        own = Verifier(line.checkpoint.origin, key)
        signature = next(one for one in note.signatures if own.wrote(one))
    elif line.successor is not None and line.successor.public_key in keys:
        signature = note.signatures[0]
    else:
        return None
    return parsed_note(str(Note(note.text, (signature,))))


def _check_named(line: Line, head: JsonObject, findings: BundleFindings) -> None:
    named = head["checkpoint"]
    told = {"number": line.number, "position": line.position, "digest": line_digest(str(line))}
    for name, value in told.items():
        if named[name] != value:
            told_why = f"/checkpoint/{name} is not that of the note"
            findings.add(_Kind.DISAGREES, HEAD, told_why, field=f"/checkpoint/{name}")


def _content(files: Mapping[str, bytes], file: str, findings: BundleFindings) -> bytes | None:
    content = files.get(file)
    if content is None and not findings.of(file):
        findings.add(_Kind.MISSING, file, "the bundle does not hold it")
    return content


def _proof(value: JsonValue, size: int) -> Inclusion:
    """The proof in a file.

    Raises:
        FormError: it is none, or for a tree of another size.
    """
    found = _members(value)
    if found["type"] != INCLUSION_TYPE or found["formatVersion"] != FORMAT_VERSION:
        raise FormError(f"it is not {INCLUSION_TYPE} of version {FORMAT_VERSION}")
    if type(found["size"]) is not int or found["size"] != size:
        raise FormError("its size is not that of the checkpoint")
    indexes, nodes = found["indexes"], found["nodes"]
    if not isinstance(indexes, list) or any(type(one) is not int for one in indexes):
        raise FormError("its indexes are not whole numbers")
    if any(one >= other for one, other in pairwise(indexes)):
        raise FormError("its indexes do not rise, as those of a chain's entries do")
    if not isinstance(nodes, list):
        raise FormError("its nodes are no list")
    return Inclusion(indexes, [_hash(one) for one in nodes])


def _members(value: JsonValue) -> JsonObject:
    members = {"type", "formatVersion", "size", "indexes", "nodes"}
    if not isinstance(value, dict) or set(value) != members:
        raise FormError("it does not hold just the members of a proof")
    return value


def _hash(value: JsonValue) -> bytes:
    try:
        found = base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != _HASH_BYTES or base64.b64encode(found).decode() != value:
        raise FormError("a node is base64 of 32 bytes")
    return found
