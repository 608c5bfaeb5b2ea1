"""audit.proof.inclusion and audit.proof.consistency"""

import base64
from collections.abc import Iterable

from gateway.anchoring import with_cosignatures
from gateway.model.json import JsonObject
from gateway.model.ports import Records
from gateway.model.problem import Issue, invalid, refuse
from gateway.operations.common import present
from gateway.operations.signed_checkpoints import SignedNote, newest, note_of_size
from gateway.pipeline import Admitted
from gateway.transparency import leaf_hash


def inclusion(admitted: Admitted, records: Records) -> JsonObject:
    """The proof that an entry is in the tree that a checkpoint signs."""
    value = admitted.value
    position, entry_hash = _entry(records, admitted.principal.workspace, value)
    checkpoint = _checkpoint(records, value.get("treeSize"), "treeSize")
    if position > checkpoint.size:
        told = f"Checkpoint {checkpoint.number} covers {checkpoint.size} entries, and this one is "
        told += f"number {position}. auditCheckpointCreate signs a checkpoint that covers it."
        raise refuse("PRECONDITION_FAILED", told)
    path = records.inclusion_proof(position, checkpoint.size)
    return {
        "entryHash": entry_hash,
        "leafHash": _text(leaf_hash(bytes.fromhex(entry_hash))),
        "index": position - 1,
        "size": checkpoint.size,
        "root": _text(checkpoint.root),
        "path": _texts(path),
        "checkpoint": checkpoint.number,
        "note": _note(records, checkpoint),
    }


def consistency(admitted: Admitted, records: Records) -> JsonObject:
    """The proof that the record only grew between two sizes."""
    value = admitted.value
    old = value["fromSize"]
    checkpoint = _checkpoint(records, value.get("toSize"), "toSize")
    if not 1 <= old <= checkpoint.size:
        told = f"Name a size from 1 to {checkpoint.size}, which is the size of the later tree."
        raise invalid([Issue("/input/fromSize", "OUT_OF_RANGE", told)])
    before = note_of_size(records, old)
    return present(
        {
            "fromSize": old,
            "fromRoot": _text(records.tree_root(old)),
            "fromNote": before.note if before else None,
            "toSize": checkpoint.size,
            "toRoot": _text(checkpoint.root),
            "path": _texts(records.consistency_proof(old, checkpoint.size)),
            "checkpoint": checkpoint.number,
            "note": _note(records, checkpoint),
        }
    )


def _note(records: Records, checkpoint: SignedNote) -> str:
    """The note with the cosignatures that there are."""
    number = checkpoint.number
    return with_cosignatures(checkpoint.note, records.receipts(number, number))


def _checkpoint(records: Records, size: int | None, field: str) -> SignedNote:
    """The checkpoint of this size, the newest one where none is asked for.

    Raises:
        ProblemError: NOT_FOUND, PRECONDITION_FAILED where there is none at all.
    """
    if size is None:
        return newest(records)
    found = note_of_size(records, size)
    if found is None:
        told = f"No checkpoint has signed a tree of {size} entries (`{field}`). "
        raise refuse("NOT_FOUND", told + "auditCheckpointList tells the sizes that there are.")
    return found


def _entry(records: Records, workspace: str, value: JsonObject) -> tuple[int, str]:
    """The position and the hash of the entry that the input names.

    Raises:
        ProblemError: VALIDATION_FAILED where it names none or two, NOT_FOUND, also for one of
            another workspace.
    """
    named = present({name: value.get(name) for name in ("executionId", "seq", "position")})
    if set(named) == {"executionId", "seq"}:
        found = _of_execution(records, workspace, named["executionId"], named["seq"])
    elif set(named) == {"position"}:
        found = _at(records, workspace, named["position"])
    else:
        told = "Name the entry by `executionId` and `seq`, or by `position` alone."
        raise invalid([Issue("/input/position", "REQUIRED", told)])
    if found is None:
        told = "There is no such entry in this workspace. controlPlaneTraceGet names entries."
        raise refuse("NOT_FOUND", told)
    return found


def _of_execution(
    records: Records, workspace: str, execution_id: str, seq: int
) -> tuple[int, str] | None:
    if seq < 1 or records.execution(workspace, execution_id) is None:
        return None
    for one in records.stored_entries(execution_id, seq - 1, 1):
        if one.seq == seq:
            return one.position, one.hash
    return None


def _at(records: Records, workspace: str, position: int) -> tuple[int, str] | None:
    for one in records.entries_after(position - 1, 1) if position > 0 else ():
        if one.position == position and one.workspace == workspace:
            return one.position, one.hash
    return None


def _text(found: bytes) -> str:
    return base64.b64encode(found).decode()


def _texts(found: Iterable[bytes]) -> list[str]:
    return [_text(one) for one in found]
