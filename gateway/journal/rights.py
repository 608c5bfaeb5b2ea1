"""Rights of people in SQL: erasures, holds, consents and destroyed keys, as entries change them."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Index, Table, bindparam, desc, literal_column, update

from gateway.journal.folding import Change, Projections, as_json, change
from gateway.journal.statement import inserting, keeping, setting
from gateway.journal.tables import PROJECTIONS as FOLDED
from gateway.journal.tables import json_column, metadata, text_column
from gateway.model.entry import Entry, EntryType
from gateway.model.json import JsonObject, encode
from gateway.model.rights import OPEN_ERASURES, ErasureStatus

# --- tables


privacy_erasure = Table(
    "privacy_erasure",
    metadata,
    text_column("id", key=True),
    text_column("workspace"),
    text_column("kind"),
    text_column("target"),
    text_column("status"),
    text_column("ground"),
    json_column("asked"),
    text_column("requested_by"),
    text_column("requested_at"),
    text_column("decided_by", optional=True),
    text_column("decided_at", optional=True),
    json_column("told", optional=True),
    json_column("held_by"),
    text_column("condemned_at", optional=True),
    text_column("erased_at", optional=True),
    json_column("receipt", optional=True),
)
_of = privacy_erasure.c
_is_open = _of.status.in_([bindparam(f"s_{s.value}", s.value) for s in OPEN_ERASURES])
# Written out: no parameter would tell SQLite that the index serves.
TO_DO = _of.status.in_(
    [literal_column(f"'{s.value}'") for s in (ErasureStatus.APPROVED, ErasureStatus.HELD)]
)
Index("privacy_erasure_newest", _of.workspace, desc(_of.requested_at), desc(_of.id))
Index("privacy_erasure_target", _of.workspace, _of.target)
_oldest = (_of.requested_at, _of.id)
Index("privacy_erasure_to_do", *_oldest, sqlite_where=TO_DO, postgresql_where=TO_DO)

privacy_hold = Table(
    "privacy_hold",
    metadata,
    text_column("id", key=True),
    text_column("workspace"),
    text_column("kind"),
    text_column("target"),
    text_column("matter"),
    json_column("asked"),
    text_column("placed_by"),
    text_column("placed_at"),
    text_column("expires_at", optional=True),
    text_column("lifted_by", optional=True),
    text_column("lifted_at", optional=True),
    json_column("told", optional=True),
)
_at = privacy_hold.c
Index("privacy_hold_newest", _at.workspace, desc(_at.placed_at), desc(_at.id))
_stands = _at.lifted_at.is_(None)
Index("privacy_hold_standing", _at.workspace, sqlite_where=_stands, postgresql_where=_stands)

privacy_consent = Table(
    "privacy_consent",
    metadata,
    text_column("id", key=True),
    text_column("workspace"),
    text_column("kind"),
    text_column("target"),
    text_column("purpose"),
    json_column("asked"),
    text_column("recorded_by"),
    text_column("recorded_at"),
    text_column("expires_at", optional=True),
    text_column("withdrawn_by", optional=True),
    text_column("withdrawn_at", optional=True),
    json_column("told", optional=True),
)
_by = privacy_consent.c
Index("privacy_consent_newest", _by.workspace, desc(_by.recorded_at), desc(_by.id))
Index(
    "privacy_consent_standing",
    *(_by.workspace, _by.target, _by.purpose),
    sqlite_where=_by.withdrawn_at.is_(None),
    postgresql_where=_by.withdrawn_at.is_(None),
)

privacy_condemned = Table(
    "privacy_condemned",
    metadata,
    text_column("key_id", key=True),
    text_column("workspace"),
    text_column("cause"),
    sqlite_with_rowid=False,
)
Index("privacy_condemned_cause", privacy_condemned.c.cause)

FOLDED.extend((privacy_erasure, privacy_hold, privacy_consent, privacy_condemned))

# --- projections: what is over never moves again

_one = update(privacy_erasure).where(_of.id == bindparam("of_id"))
_REQUESTED = inserting(
    privacy_erasure,
    status=ErasureStatus.PENDING_APPROVAL.value,
    held_by="[]",
    **dict.fromkeys(("decided_by", "decided_at", "told", "condemned_at", "erased_at", "receipt")),
)
_DECIDED = setting(
    _one.where(_of.status == ErasureStatus.PENDING_APPROVAL.value),
    *("status", "decided_by", "decided_at", "told"),
)
_waits = _of.status.in_(
    [bindparam("w_a", ErasureStatus.APPROVED.value), bindparam("w_h", ErasureStatus.HELD.value)]
)
_HELD = setting(_one.where(_waits, _of.condemned_at.is_(None)), "status", "held_by")
_CONDEMNED = setting(
    _one.where(_waits),
    status=ErasureStatus.APPROVED.value,
    held_by="[]",
    condemned_at=bindparam("condemned_at"),
)
_ERASED = setting(
    _one.where(_waits), "erased_at", "receipt", status=ErasureStatus.ERASED.value, held_by="[]"
)
_PLACED = inserting(privacy_hold, lifted_by=None, lifted_at=None, told=None)
_LIFTED = setting(
    update(privacy_hold).where(_at.id == bindparam("of_id"), _at.lifted_at.is_(None)),
    *("lifted_by", "lifted_at", "told"),
)
_RECORDED = inserting(privacy_consent, withdrawn_by=None, withdrawn_at=None, told=None)
_WITHDRAWN = setting(
    update(privacy_consent).where(_by.id == bindparam("of_id"), _by.withdrawn_at.is_(None)),
    *("withdrawn_by", "withdrawn_at", "told"),
)
# A key may be condemned twice: what said so first stays.
_KEY_CONDEMNED = keeping(privacy_condemned, "key_id")


def _requested(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield change(
        _REQUESTED,
        id=body["erasureId"],
        ground=body["ground"],
        requested_by=entry.actor,
        requested_at=entry.at,
        **_about(entry, body),
    )


def _about(entry: Entry, body: JsonObject) -> dict[str, Any]:
    """What requests, holds and consents say alike."""
    return {
        "workspace": entry.workspace,
        "kind": body["kind"],
        "target": body["target"],
        "asked": encode(body["asked"]),
    }


def _approved(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield _decided(entry, body, ErasureStatus.APPROVED)


def _rejected(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield _decided(entry, body, ErasureStatus.REJECTED)


def _decided(entry: Entry, body: JsonObject, status: ErasureStatus) -> Change:
    return change(
        _DECIDED,
        of_id=body["erasureId"],
        status=status.value,
        decided_by=entry.actor,
        decided_at=entry.at,
        told=as_json(body.get("told")),
    )


def _held(_entry: Entry, body: JsonObject) -> Iterator[Change]:
    holds = body["holds"]
    status = ErasureStatus.HELD if holds else ErasureStatus.APPROVED
    yield change(_HELD, of_id=body["erasureId"], status=status.value, held_by=encode(holds))


def _keys_condemned(entry: Entry, body: JsonObject) -> Iterator[Change]:
    """Keys of an erasure, of a sweep, or such as a restored journal did not know."""
    erasure_id = body.get("erasureId")
    if erasure_id is not None:
        yield change(_CONDEMNED, of_id=erasure_id, condemned_at=entry.at)
    cause = erasure_id or body["cause"]
    for key_id in body["keys"]:
        yield change(_KEY_CONDEMNED, key_id=key_id, workspace=entry.workspace, cause=cause)


def _erased(entry: Entry, body: JsonObject) -> Iterator[Change]:
    told = {"erased_at": entry.at, "receipt": encode(body["receipt"])}
    yield change(_ERASED, of_id=body["erasureId"], **told)


def _placed(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield change(
        _PLACED,
        id=body["holdId"],
        matter=body["matter"],
        placed_by=entry.actor,
        placed_at=entry.at,
        expires_at=body.get("expiresAt"),
        **_about(entry, body),
    )


def _lifted(entry: Entry, body: JsonObject) -> Iterator[Change]:
    told = {"lifted_by": entry.actor, "lifted_at": entry.at, "told": as_json(body.get("told"))}
    yield change(_LIFTED, of_id=body["holdId"], **told)


def _consent_recorded(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield change(
        _RECORDED,
        id=body["consentId"],
        purpose=body["purpose"],
        recorded_by=entry.actor,
        recorded_at=entry.at,
        expires_at=body.get("expiresAt"),
        **_about(entry, body),
    )


def _consent_withdrawn(entry: Entry, body: JsonObject) -> Iterator[Change]:
    told = {"withdrawn_by": entry.actor, "withdrawn_at": entry.at}
    yield change(_WITHDRAWN, of_id=body["consentId"], told=as_json(body.get("told")), **told)


PROJECTIONS: Projections = {
    EntryType.ERASURE_REQUESTED: _requested,
    EntryType.ERASURE_APPROVED: _approved,
    EntryType.ERASURE_REJECTED: _rejected,
    EntryType.ERASURE_HELD: _held,
    EntryType.KEYS_CONDEMNED: _keys_condemned,
    EntryType.KEYS_RESTATED: _keys_condemned,
    EntryType.RETENTION_SWEPT: _keys_condemned,
    EntryType.SUBJECT_ERASED: _erased,
    EntryType.HOLD_PLACED: _placed,
    EntryType.HOLD_LIFTED: _lifted,
    EntryType.CONSENT_RECORDED: _consent_recorded,
    EntryType.CONSENT_WITHDRAWN: _consent_withdrawn,
}
