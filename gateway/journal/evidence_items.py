"""Attached items and lanes in SQL: their tables, what entries change in them, and reading them."""

from collections.abc import Callable, Iterator

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Table,
    and_,
    bindparam,
    false,
    func,
    or_,
    select,
    update,
)

from gateway.journal.dialects import TEXT, WHOLE
from gateway.journal.folding import Change, Projections, change
from gateway.journal.session import Row
from gateway.journal.statement import Statement, inserting, setting
from gateway.journal.tables import PROJECTIONS as FOLDED
from gateway.journal.tables import approval, execution, metadata
from gateway.model.entry import Entry, EntryType
from gateway.model.evidence import EvidenceItem, EvidenceKind
from gateway.model.execution import ApprovalStatus, Execution, ExecutionStatus
from gateway.model.json import JsonObject
from gateway.model.lane import (
    STATUS_OF,
    LaneApproval,
    LaneFilter,
    LaneStatus,
    Readiness,
)
from gateway.model.ports import Page

# --- tables

evidence = Table(
    "evidence",
    metadata,
    Column("id", TEXT, primary_key=True, nullable=False),
    Column("execution_id", TEXT, nullable=False),
    Column("seq", WHOLE, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("key", TEXT, nullable=False),
    Column("attached_by", TEXT, nullable=False),
    Column("attached_at", TEXT, nullable=False),
    Column("digest", TEXT, nullable=True),
    Column("uri", TEXT, nullable=True),
    Column("state", TEXT, nullable=True),
    Column("valid_until", TEXT, nullable=True),
    Column("blocking", WHOLE, nullable=False),
    Column("resolves", TEXT, nullable=True),
    Column("settled_by", TEXT, nullable=True),
)
Index("evidence_of_execution", evidence.c.execution_id, evidence.c.seq)

lane_approval = Table(
    "lane_approval",
    metadata,
    Column("execution_id", TEXT, primary_key=True, nullable=False),
    Column("seq", WHOLE, primary_key=True, nullable=False, autoincrement=False),
    Column("lane", TEXT, nullable=False),
    Column("role", TEXT, nullable=False),
    Column("person", TEXT, nullable=False),
    Column("at", TEXT, nullable=False),
    Column("note", TEXT, nullable=True),
    sqlite_with_rowid=False,
)

FOLDED.extend((evidence, lane_approval))

# --- projections

_INSERT_EVIDENCE = inserting(evidence, settled_by=None)
_EVIDENCE_SETTLED = setting(
    update(evidence).where(
        evidence.c.id == bindparam("of_id"), evidence.c.execution_id == bindparam("of_execution")
    ),
    "settled_by",
)
_INSERT_APPROVAL = inserting(lane_approval)


def _evidence_attached(entry: Entry, body: JsonObject) -> Iterator[Change]:
    resolves = body.get("resolves")
    yield change(
        _INSERT_EVIDENCE,
        id=body["evidenceId"],
        execution_id=entry.execution_id,
        seq=entry.seq,
        kind=body["kind"],
        key=body["key"],
        attached_by=entry.actor,
        attached_at=entry.at,
        digest=body.get("digest"),
        uri=body.get("uri"),
        state=body.get("state"),
        valid_until=body.get("validUntil"),
        blocking=int(body.get("blocking", False)),
        resolves=resolves,
    )
    if resolves is not None:
        settled = {"of_id": resolves, "of_execution": entry.execution_id}
        yield change(_EVIDENCE_SETTLED, settled_by=body["evidenceId"], **settled)


def _lane_approved(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield change(
        _INSERT_APPROVAL,
        execution_id=entry.execution_id,
        seq=entry.seq,
        lane=body["laneKey"],
        role=body["role"],
        person=entry.actor,
        at=entry.at,
        note=body.get("note"),
    )


PROJECTIONS: Projections = {
    EntryType.EVIDENCE_ATTACHED: _evidence_attached,
    EntryType.LANE_APPROVED: _lane_approved,
}

# --- reading

_EVIDENCE = Statement(
    select(*evidence.columns)
    .where(evidence.c.execution_id == bindparam("of_execution"))
    .order_by(evidence.c.seq)
)
_LANE_APPROVALS = Statement(
    select(*lane_approval.columns)
    .where(lane_approval.c.execution_id == bindparam("of_execution"))
    .order_by(lane_approval.c.seq)
)
_OPEN_REQUESTS = Statement(
    select(func.count())
    .select_from(approval)
    .where(
        approval.c.execution_id == bindparam("of_execution"),
        approval.c.status == ApprovalStatus.PENDING.value,
    )
)


def _standing_so(wanted: LaneStatus) -> ColumnElement[bool]:
    """The condition under which ``lane_status`` says ``wanted``."""
    running = execution.c.status == ExecutionStatus.RUNNING.value
    gate, blocked = execution.c.gate, Readiness.BLOCKED.value
    at_gate = {
        LaneStatus.RUNNING: and_(running, gate.is_(None)),
        LaneStatus.WAITING: and_(running, gate != blocked),
        LaneStatus.BLOCKED: and_(running, gate == blocked),
    }
    others = [status for status, lane in STATUS_OF.items() if lane is wanted]
    return or_(
        at_gate.get(wanted, false()),
        *(execution.c.status == status.value for status in sorted(others)),
    )


def _listing(by_lane: bool, status: LaneStatus | None) -> tuple[Statement, Statement]:
    """The page of ids and the count, for one set of filters."""
    wheres = [
        execution.c.workspace == bindparam("workspace"),
        execution.c.lane.is_not(None),
        execution.c.run_id.is_not(None),
        *([execution.c.lane == bindparam("lane")] if by_lane else []),
        *([_standing_so(status)] if status else []),
    ]
    page = select(execution.c.id).where(*wheres)
    page = page.order_by(execution.c.created_at.desc(), execution.c.id.desc())
    return (
        Statement(page.limit(bindparam("at_most")).offset(bindparam("skip"))),
        Statement(select(func.count()).select_from(execution).where(*wheres)),
    )


_RUNS = {
    (by_lane, status): _listing(by_lane, status)
    for by_lane in (False, True)
    for status in (None, *LaneStatus)
}


class SqlLaneRecords:
    """``EvidenceRecords`` and ``LaneRecords``, over the ways of ``SqlRecords`` to read."""

    __slots__ = ()

    _one: Callable[..., Row | None]
    _all: Callable[..., list[Row]]
    execution: Callable[[str, str], Execution | None]

    def evidence_items(self, execution_id: str) -> list[EvidenceItem]:
        """The items of an execution, in the order in which they were attached."""
        return [_item(row) for row in self._all(_EVIDENCE, of_execution=execution_id)]

    def lane_approvals(self, execution_id: str) -> list[LaneApproval]:
        """The approvals of an execution in its lanes, in the order in which they were given."""
        rows = self._all(_LANE_APPROVALS, of_execution=execution_id)
        return [LaneApproval(*row) for row in rows]

    def open_requests(self, execution_id: str) -> int:
        """How many approval requests of an execution's steps nobody has decided yet."""
        row = self._one(_OPEN_REQUESTS, of_execution=execution_id)
        return row[0] if row else 0

    def runs_in_lanes(self, which: LaneFilter, page: Page) -> tuple[list[Execution], int]:
        """A page of executions that have a run and a lane, newest first, and how many in all."""
        ids, count = _RUNS[which.lane is not None, which.status]
        given = {"workspace": which.workspace, **({"lane": which.lane} if which.lane else {})}
        total = self._one(count, **given)
        rows = self._all(ids, **given, at_most=page.limit, skip=page.offset)
        found = (self.execution(which.workspace, row[0]) for row in rows)
        return [one for one in found if one is not None], total[0] if total else 0


def _item(row: Row) -> EvidenceItem:
    own, execution_id, seq, kind, key, attached_by, attached_at, *rest = row
    digest, uri, state, valid_until, blocking, resolves, settled_by = rest
    return EvidenceItem(
        id=own,
        execution_id=execution_id,
        seq=seq,
        kind=EvidenceKind(kind),
        key=key,
        attached_by=attached_by,
        attached_at=attached_at,
        digest=digest,
        uri=uri,
        state=state,
        valid_until=valid_until,
        blocking=bool(blocking),
        resolves=resolves,
        settled_by=settled_by,
    )
