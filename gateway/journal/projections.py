"""Projections: what each kind of entry changes in the tables that are folded from the record.

Pure: an entry gives statements with values. Each of them changes exactly one row; the unit
and the rebuild both run them and hold them to it.
"""

from collections.abc import Iterator

from gateway.journal import (
    approval_projections,
    archive_records,
    evidence_items,
    grants,
    plan_projections,
    policy_changes,
    rights,
    run_projections,
    skills,
)
from gateway.journal import statements as sql
from gateway.journal.folding import Change, Projections, as_json, change
from gateway.model.entry import Entry, EntryType
from gateway.model.json import JsonObject


def project(entry: Entry) -> Iterator[Change]:
    """The changes that an entry makes to the projections, in order."""
    projection = PROJECTIONS.get(entry.type)
    if projection is None:
        return
    yield from projection(entry, entry.body)
    if entry.execution_id is None or entry.type is EntryType.INTENT_RECEIVED:
        return
    moved = {"of_id": entry.execution_id, "updated_at": entry.at}
    if status := entry.body.get("executionStatus"):
        yield change(sql.EXECUTION_MOVED, **moved, status=status)
    else:
        yield sql.EXECUTION_TOUCHED, moved


def _call_completed(entry: Entry, body: JsonObject) -> Iterator[Change]:
    if body["idempotencyKey"] is not None:
        yield change(
            sql.INSERT_CALL,
            workspace=entry.workspace,
            subject=body["subject"],
            contract=body["key"],
            idempotency_key=body["idempotencyKey"],
            input_digest=body["inputDigest"],
            output=as_json(body["output"]),
            execution_id=body["executionId"],
            at=entry.at,
        )


PROJECTIONS: Projections = {
    **plan_projections.PROJECTIONS,
    **run_projections.PROJECTIONS,
    **approval_projections.PROJECTIONS,
    **evidence_items.PROJECTIONS,
    **grants.PROJECTIONS,
    **skills.PROJECTIONS,
    **policy_changes.PROJECTIONS,
    **rights.PROJECTIONS,
    **archive_records.PROJECTIONS,
    EntryType.CALL_COMPLETED: _call_completed,
}
"""What each kind of entry changes besides its execution's ``updated_at`` and ``status``. Kinds
that are not listed are trace only."""
