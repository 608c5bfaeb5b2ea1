"""Building a bundle: entries as they are stored and views as somebody may see them, all signed."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.evidence.archive import MAX_BYTES, MAX_FILES, write_archive
from gateway.evidence.check_tree import inclusion_file
from gateway.evidence.check_views import contract_file
from gateway.evidence.entry_lines import Fact, fact_of, line_of
from gateway.evidence.manifest import (
    ENTRIES,
    FORMAT_VERSION,
    HEAD,
    HEAD_SIGNATURE,
    HEAD_TYPE,
    INCLUSION,
    MANIFEST,
    MANIFEST_SIGNATURE,
    MANIFEST_TYPE,
    NOTE,
    is_masked,
    listing,
)
from gateway.evidence.showing import Viewer
from gateway.evidence.signing import signature_of
from gateway.evidence.text import indented, signed
from gateway.evidence.views import contracts_of, has_ended, policy_revisions, status, views_of
from gateway.journal import Signer
from gateway.model.json import JsonObject, decode
from gateway.model.problem import refuse
from gateway.model.stored_entry import StoredEntry

ContentOf = Callable[[str], JsonObject | None]
"""The content of a contract by its digest, None where nobody has it any more."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a bundle is made of.

    ``entries`` are all entries of the execution's chain up to some moment (at least one), and
    ``checkpoint`` is the line of a signed checkpoint that was taken after it. ``note`` is that
    checkpoint's note, with the cosignatures there are, and ``nodes`` prove that its tree holds all
    entries. ``exported_at`` is RFC 3339.
    """

    run_id: str
    execution_id: str
    workspace: str
    exported_by: str
    exported_at: str
    entries: Sequence[StoredEntry]
    checkpoint: str
    note: str
    nodes: Sequence[bytes]

    @property
    def last(self) -> StoredEntry:
        """The chain's head at that moment."""
        return self.entries[-1]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A built bundle: its archive with SHA-256 (hex), the ``seq`` of its last entry, and whether
    any personal data in it is masked or dropped."""

    content: bytes
    digest: str
    through_seq: int
    masked: bool


def build_bundle(
    snapshot: Snapshot, viewer: Viewer, content_of: ContentOf, signer: Signer
) -> Bundle:
    """The bundle of a snapshot.

    Raises:
        ProblemError: PAYLOAD_TOO_LARGE where it would hold too much.
        ValueError: an entry is not what the journal writes.
    """
    facts = [fact_of(entry) for entry in snapshot.entries]
    lines = [line_of(entry) + b"\n" for entry in snapshot.entries]
    files = {ENTRIES: b"".join(lines)}
    require_room(len(files[ENTRIES]))
    for name, view in views_of(facts).items():
        files[name] = indented(viewer.see(view))
    for ref, digests in contracts_of(facts).items():
        bound = [{"digest": one, "content": content_of(one)} for one in digests]
        files[contract_file(ref)] = indented({"ref": ref, "bound": bound})
    head = _head(snapshot, signer)
    _sign(files, HEAD, HEAD_SIGNATURE, head, signer)
    positions = [entry.position for entry in snapshot.entries]
    files[NOTE] = snapshot.note.encode()
    files[INCLUSION] = inclusion_file(head["checkpoint"]["position"], positions, snapshot.nodes)
    manifest = _manifest(snapshot, facts, viewer, files, signer)
    _sign(files, MANIFEST, MANIFEST_SIGNATURE, manifest, signer)
    require_room(sum(map(len, files.values())), len(files))
    content = write_archive(files)
    require_room(len(content))
    found = hashlib.sha256(content).hexdigest()
    return Bundle(content, found, snapshot.last.seq, is_masked(viewer.shown))


def require_room(size: int, count: int = 0) -> None:
    """Refuse a bundle of ``size`` bytes in ``count`` files that would be too large.

    Raises:
        ProblemError: PAYLOAD_TOO_LARGE.
    """
    if size <= MAX_BYTES and count <= MAX_FILES:
        return
    raise refuse(
        "PAYLOAD_TOO_LARGE",
        f"The evidence of this run is more than a bundle holds ({MAX_BYTES} bytes in {MAX_FILES} "
        "files). Read it with controlPlaneTraceGet, or audit the record itself.",
        title="The bundle would be too large",
    )


def _sign(
    files: dict[str, bytes], name: str, beside: str, content: JsonObject, signer: Signer
) -> None:
    files[name] = signed(content)
    files[beside] = indented(signature_of(signer, files[name]))


def _head(snapshot: Snapshot, signer: Signer) -> JsonObject:
    """The statement on the head of this one chain.

    A checkpoint signs the tree of all entries and knows nothing of chains. The statement says,
    under the same key, that the chain ended here at the export, so that leaving out its last
    entries is seen; number and digest tie it to the checkpoint.
    """
    last, line = snapshot.last, snapshot.checkpoint
    checkpoint = decode(line)
    return {
        "type": HEAD_TYPE,
        "formatVersion": FORMAT_VERSION,
        "chain": last.chain,
        "seq": last.seq,
        "hash": last.hash,
        "position": last.position,
        "at": snapshot.exported_at,
        "checkpoint": {
            "number": checkpoint["number"],
            "position": checkpoint["position"],
            "digest": hashlib.sha256(line.encode()).hexdigest(),
        },
        "keyId": signer.key_id,
    }


def _manifest(
    snapshot: Snapshot,
    facts: Sequence[Fact],
    viewer: Viewer,
    files: dict[str, bytes],
    signer: Signer,
) -> JsonObject:
    last, now = snapshot.last, status(facts)
    return {
        "type": MANIFEST_TYPE,
        "formatVersion": FORMAT_VERSION,
        "runId": snapshot.run_id,
        "executionId": snapshot.execution_id,
        "workspace": snapshot.workspace,
        "exportedBy": snapshot.exported_by,
        "exportedAt": snapshot.exported_at,
        "status": now,
        "ended": has_ended(now),
        "policyRevisions": policy_revisions(facts),
        "throughSeq": last.seq,
        "head": {"chain": last.chain, "seq": last.seq, "hash": last.hash},
        "masked": is_masked(viewer.shown),
        "personalData": viewer.fields(),
        "files": listing(files),
        "keyId": signer.key_id,
    }
