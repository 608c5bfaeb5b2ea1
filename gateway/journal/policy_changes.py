"""Policy administration in SQL: its tables, and what entries change in them."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Table,
    bindparam,
    case,
    desc,
    func,
    literal,
    literal_column,
    select,
    update,
)

from gateway.journal.dialects import JSON, TEXT, WHOLE
from gateway.journal.folding import Change, Projections, as_json, change
from gateway.journal.functions import holds
from gateway.journal.statement import Statement, inserting, keeping, setting, storing
from gateway.journal.tables import PROJECTIONS as FOLDED
from gateway.journal.tables import metadata, policy_head
from gateway.model.entry import Entry, EntryType
from gateway.model.json import JsonObject, encode
from gateway.model.policy import ChangesetStatus

# --- tables

policy_changeset = Table(
    "policy_changeset",
    metadata,
    Column("id", TEXT, primary_key=True, nullable=False),
    Column("workspace", TEXT, nullable=False),
    Column("status", TEXT, nullable=False),
    Column("title", TEXT, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("base", TEXT, nullable=False),
    Column("revision", TEXT, nullable=False),
    Column("edits", JSON, nullable=False),
    Column("restores", TEXT, nullable=True),
    Column("authors", JSON, nullable=False),
    Column("findings", JSON, nullable=False),
    Column("cases", JSON, nullable=False),
    Column("impact", JSON, nullable=True),
    Column("shadowing", WHOLE, nullable=False),
    Column("created_at", TEXT, nullable=False),
    Column("updated_at", TEXT, nullable=False),
    Column("decided_by", TEXT, nullable=True),
    Column("decided_at", TEXT, nullable=True),
    Column("note", TEXT, nullable=True),
    Column("approver", JSON, nullable=True),
)
_its = policy_changeset.c
_newest = (desc(_its.created_at), desc(_its.id))
SHADOWING = _its.shadowing == literal_column("1")  # written out, so that the index serves
Index("policy_changeset_newest", _its.workspace, *_newest)
Index("policy_changeset_by_status", _its.workspace, _its.status, *_newest)
Index("policy_changeset_shadowing", _its.id, sqlite_where=SHADOWING, postgresql_where=SHADOWING)

policy_revision = Table(
    "policy_revision",
    metadata,
    Column("revision", TEXT, primary_key=True, nullable=False),
    Column("parent", TEXT, nullable=True),
    Column("edits", JSON, nullable=False),
    Column("recorded_at", TEXT, nullable=False),
)

policy_activation = Table(
    "policy_activation",
    metadata,
    Column("number", WHOLE, primary_key=True, autoincrement=False),
    Column("revision", TEXT, nullable=False),
    Column("previous", TEXT, nullable=True),
    Column("source", TEXT, nullable=False),
    Column("changeset_id", TEXT, nullable=True),
    Column("by", TEXT, nullable=False),
    Column("at", TEXT, nullable=False),
)

FOLDED.extend((policy_changeset, policy_revision, policy_activation))

# --- projections: a changeset that was ended never moves again

_OPEN = sorted(status.value for status in ChangesetStatus if status.is_open)
_is_open = _its.status.in_([bindparam(s, s) for s in _OPEN])
_one = update(policy_changeset).where(_its.id == bindparam("of_id"))
_one_open = _one.where(_is_open)
_all_but_bracket = func.substr(_its.authors, 1, func.length(_its.authors) - 1)
_authors: ColumnElement[Any] = case(
    (holds(_its.authors, "", "author"), _its.authors),
    else_=_all_but_bracket + literal(",") + bindparam("author_as_json") + literal("]"),
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

# By its content, a revision is what it was: the row that is there stays.
_RECORDED = keeping(policy_revision, "revision")
_last_number = select(func.max(policy_activation.c.number)).scalar_subquery()
_next_number = func.coalesce(_last_number, 0) + 1  # rows are never taken away
_ACTIVATED = inserting(
    policy_activation,
    number=_next_number,
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
    author = {"author": entry.actor, "author_as_json": encode(entry.actor)}
    yield change(_REVISED, of_id=body["changesetId"], **author, **proposed)


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
