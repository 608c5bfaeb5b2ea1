"""Policy administration in SQL: its tables, and what entries change in them."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    Column,
    Index,
    Integer,
    Table,
    Text,
    bindparam,
    case,
    desc,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.dialects import sqlite

from gateway.journal.folding import Change, Projections, as_json, change
from gateway.journal.statement import Statement, inserting, setting, storing
from gateway.journal.tables import PROJECTIONS as FOLDED
from gateway.journal.tables import metadata, policy_head
from gateway.model.entry import Entry, EntryType
from gateway.model.json import JsonObject, encode
from gateway.model.policy import ChangesetStatus

# --- tables

policy_changeset = Table(
    "policy_changeset",
    metadata,
    Column("id", Text, primary_key=True, nullable=False),
    Column("workspace", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("edits", Text, nullable=False),
    Column("restores", Text, nullable=True),
    Column("authors", Text, nullable=False),
    Column("findings", Text, nullable=False),
    Column("cases", Text, nullable=False),
    Column("impact", Text, nullable=True),
    Column("shadowing", Integer, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Column("decided_by", Text, nullable=True),
    Column("decided_at", Text, nullable=True),
    Column("note", Text, nullable=True),
    Column("approver", Text, nullable=True),
)
_its = policy_changeset.c
_newest = (desc(_its.created_at), desc(_its.id))
Index("policy_changeset_newest", _its.workspace, *_newest)
Index("policy_changeset_by_status", _its.workspace, _its.status, *_newest)

policy_revision = Table(
    "policy_revision",
    metadata,
    Column("revision", Text, primary_key=True, nullable=False),
    Column("parent", Text, nullable=True),
    Column("edits", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
)

policy_activation = Table(
    "policy_activation",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("revision", Text, nullable=False),
    Column("previous", Text, nullable=True),
    Column("source", Text, nullable=False),
    Column("changeset_id", Text, nullable=True),
    Column("by", Text, nullable=False),
    Column("at", Text, nullable=False),
)

FOLDED.extend((policy_changeset, policy_revision, policy_activation))

# --- projections: a changeset that was ended never moves again

_OPEN = sorted(status.value for status in ChangesetStatus if status.is_open)
_is_open = _its.status.in_([bindparam(s, s) for s in _OPEN])
_one = update(policy_changeset).where(_its.id == bindparam("of_id"))
_one_open = _one.where(_is_open)
_each_author = func.json_each(_its.authors).table_valued("value")
_is_author = exists(select(1).where(_each_author.c.value == bindparam("author")))
_authors = case(
    (_is_author, _its.authors),
    else_=func.json_insert(_its.authors, "$[#]", bindparam("author")),
)

_DRAFTED = inserting(
    policy_changeset,
    impact=None,
    shadowing=0,
    decided_by=None,
    decided_at=None,
    note=None,
    approver=None,
)
_REVISED = setting(
    _one_open,
    *("status", "title", "reason", "base", "revision", "edits", "restores"),
    *("findings", "cases", "updated_at"),
    authors=_authors,
    impact=None,
    shadowing=0,  # it decided in the shadow under the rules that are now replaced
    decided_by=None,
    decided_at=None,
    note=None,
    approver=None,
)
_ANALYZED = setting(
    *(_one_open, "impact", "updated_at"),
    status=ChangesetStatus.ANALYZED.value,
    decided_by=None,
    decided_at=None,
    note=None,
    approver=None,
)
_SHADOWED = setting(_one_open, "updated_at", shadowing=1)
_UNSHADOWED = setting(  # what a shadow found may be recorded after its changeset ended
    _one,
    shadowing=0,
    updated_at=case((_is_open, bindparam("updated_at")), else_=_its.updated_at),
)
_DECIDED = setting(
    *(_one_open, "status", "decided_by", "decided_at", "note", "updated_at", "approver")
)
_ENDED = setting(_one_open, "status", "decided_by", "decided_at", "note", "updated_at", shadowing=0)
_CHANGESET_ACTIVATED = setting(
    _one_open, "updated_at", status=ChangesetStatus.ACTIVATED.value, shadowing=0
)

_adding = sqlite.insert(policy_revision).values(
    {column.name: bindparam(column.name) for column in policy_revision.columns}
)
_RECORDED = Statement(  # by its content, a revision is what it was: the row that is there stays
    _adding.on_conflict_do_update(
        index_elements=["revision"], set_={"revision": _adding.excluded.revision}
    )
)
_ACTIVATED = inserting(
    policy_activation,
    number=None,  # the next one: rows are never taken away
    previous=select(policy_head.c.revision).scalar_subquery(),
)
_STORE_HEAD = storing(policy_head, "id")


def _policy_drafted(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield change(
        _DRAFTED,
        id=body["changesetId"],
        workspace=entry.workspace,
        authors=encode([entry.actor]),
        created_at=entry.at,
        **_proposal(entry, body),
    )


def _policy_revised(entry: Entry, body: JsonObject) -> Iterator[Change]:
    proposed = _proposal(entry, body)
    yield change(_REVISED, of_id=body["changesetId"], author=entry.actor, **proposed)


def _proposal(entry: Entry, body: JsonObject) -> dict[str, Any]:
    """What drafting and revising say alike."""
    return {
        "status": ChangesetStatus(body["status"]).value,
        "title": body["title"],
        "reason": body["reason"],
        "base": body["base"],
        "revision": body["revision"],
        "edits": encode(body["edits"]),
        "restores": body.get("restores"),
        "findings": encode(body["findings"]),
        "cases": encode(body["cases"]),
        "updated_at": entry.at,
    }


def _policy_analyzed(entry: Entry, body: JsonObject) -> Iterator[Change]:
    impact = {**body["report"], "head": body["head"]}
    moved = {"of_id": body["changesetId"], "updated_at": entry.at}
    yield change(_ANALYZED, impact=encode(impact), **moved)


def _policy_shadowed(entry: Entry, body: JsonObject) -> Iterator[Change]:
    moved = {"of_id": body["changesetId"], "updated_at": entry.at}
    yield change(_SHADOWED if body["on"] else _UNSHADOWED, **moved)


def _policy_approved(entry: Entry, body: JsonObject) -> Iterator[Change]:
    approver = as_json(body.get("approver"))
    told = body.get("note")
    yield _decided(_DECIDED, entry, ChangesetStatus.APPROVED, told, approver=approver)


def _policy_rejected(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield _decided(_ENDED, entry, ChangesetStatus.REJECTED, body["reason"])


def _policy_withdrawn(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield _decided(_ENDED, entry, ChangesetStatus.WITHDRAWN, body.get("reason"))


def _decided(
    statement: Statement, entry: Entry, status: ChangesetStatus, note: str | None, **more: Any
) -> Change:
    return change(
        statement,
        of_id=entry.body["changesetId"],
        status=status.value,
        decided_by=entry.actor,
        decided_at=entry.at,
        note=note,
        updated_at=entry.at,
        **more,
    )


def _policy_activated(entry: Entry, body: JsonObject) -> Iterator[Change]:
    """The entries of earlier releases name neither changeset nor content."""
    revision, changeset_id = body["revision"], body.get("changesetId")
    if "edits" in body:
        yield change(
            _RECORDED,
            revision=revision,
            parent=body.get("parent"),
            edits=encode(body["edits"]),
            recorded_at=entry.at,
        )
    yield change(
        _ACTIVATED,
        revision=revision,
        source=body.get("source", "files"),
        changeset_id=changeset_id,
        by=entry.actor,
        at=entry.at,
    )
    yield change(_STORE_HEAD, id=1, revision=revision)
    if changeset_id is not None:
        yield change(_CHANGESET_ACTIVATED, of_id=changeset_id, updated_at=entry.at)


PROJECTIONS: Projections = {
    EntryType.POLICY_DRAFTED: _policy_drafted,
    EntryType.POLICY_REVISED: _policy_revised,
    EntryType.POLICY_ANALYZED: _policy_analyzed,
    EntryType.POLICY_SHADOWED: _policy_shadowed,
    EntryType.POLICY_APPROVED: _policy_approved,
    EntryType.POLICY_REJECTED: _policy_rejected,
    EntryType.POLICY_WITHDRAWN: _policy_withdrawn,
    EntryType.POLICY_ACTIVATED: _policy_activated,
}
