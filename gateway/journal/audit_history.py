"""Reading the record as auditors do: stretches of positions, filtered where they lie.

No index serves this, for each one would cost every append; the entries of a day lie together, and
half a second passes over a million of them. Each statement is a short read of its own. Where a span
lies is known by what each block of positions spans (``times.py``).
"""

import contextlib
from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, literal, not_, or_, select

from gateway.journal.functions import contains, field, is_json, listed, told
from gateway.journal.place import Place, reading
from gateway.journal.records import SqlRecords
from gateway.journal.session import Session
from gateway.journal.statement import Statement
from gateway.journal.tables import approval, entry, step
from gateway.journal.times import Times
from gateway.model.audit_history import (
    ApprovalFacts,
    AuditHistory,
    AuditRow,
    Narrowing,
    StepFacts,
    Stretch,
    Token,
)
from gateway.model.entry import EntryType
from gateway.model.json import encode
from gateway.model.time import after

CLOCK_SLACK = 3600.0
"""Seconds by which entries that are archived may be younger than the first that is not."""

CALLS = (
    *(EntryType.CALL_COMPLETED, EntryType.CALL_FAILED, EntryType.CALL_DENIED),
    EntryType.QUERY_ANSWERED,
)
"""The types of entries that are records of calls."""

_ANSWERS = (EntryType.CALL_COMPLETED, EntryType.QUERY_ANSWERED)

_STRETCH = (
    entry.c.position > bindparam("after_position"),
    entry.c.position <= bindparam("through_position"),
    entry.c.workspace == bindparam("of_workspace"),
    entry.c.at >= bindparam("since"),
    entry.c.at < bindparam("until"),
)


def _types(*kinds: EntryType) -> Any:
    return entry.c.type.in_([bindparam(kind.name, kind.value) for kind in kinds])


_WANTED = (
    or_(told("of_actor").is_(None), entry.c.actor == bindparam("of_actor")),
    or_(told("of_types").is_(None), entry.c.type.in_(listed("of_types"))),
    or_(
        told("of_execution").is_(None),
        entry.c.execution_id == bindparam("of_execution"),
        contains(entry.c.body, told("of_execution")),
    ),
)


@cache
def _entries(texts: int) -> Statement:
    """The entries that are wanted, with so many texts of which one occurs."""
    rows = select(*(entry.c[name] for name in AuditRow._fields)).where(*_STRETCH, *_WANTED)
    if texts:
        occurs = [contains(entry.c.body, bindparam(f"about_{n}")) for n in range(texts)]
        rows = rows.where(or_(entry.c.type.in_(listed("or_types")), *occurs))
    return Statement(rows.order_by(entry.c.position).limit(bindparam("at_most")))


_said = {
    name: field(entry.c.body, name)
    for name in ("subject", "principalType", "roles", "capabilities")
}
_TOKENS = Statement(
    select(*_said.values())
    .distinct()
    .where(*_STRETCH, _types(*CALLS), is_json(entry.c.body))
    .order_by(*(said.nulls_first() for said in _said.values()))
)
_revision = field(field(entry.c.body, "decision"), "policyRevision")
_REVISIONS = Statement(
    select(_revision).distinct().where(*_STRETCH, _types(*CALLS), is_json(entry.c.body))
)
_WITHOUT_SEEN = Statement(
    select(func.count())
    .select_from(entry)
    .where(*_STRETCH, _types(*_ANSWERS), not_(contains(entry.c.body, literal('"seen":'))))
)
_BEFORE = Statement(
    select(func.max(entry.c.position)).where(entry.c.position < bindparam("position"))
)
_APPROVAL = Statement(
    select(
        *(approval.c.contract, approval.c.decision, approval.c.approver_role),
        *(approval.c.escalate_to, approval.c.requested_by, approval.c.quorum),
    ).where(approval.c.id == bindparam("of_id"))
)
_STEP = Statement(
    select(step.c.contract, step.c.status, step.c.decision).where(
        step.c.plan_id == bindparam("of_plan"), step.c.id == bindparam("of_step")
    )
)


@contextlib.contextmanager
def open_audit(place: Place, times: Times | None = None) -> Iterator[AuditHistory]:
    """The entries of the record in ``place``, read beside whoever writes there.

    ``times`` keep what is known of when its entries were made, for whoever opens it again.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION, SERVICE_UNAVAILABLE.
    """
    with reading(place) as session:
        yield SqlAuditHistory(session, times or Times())


class SqlAuditHistory(SqlRecords, AuditHistory):
    """``AuditHistory`` over a session on the journal's database."""

    __slots__ = ("_times",)

    def __init__(self, session: Session, times: Times) -> None:
        super().__init__(session)
        self._times = times

    def place_of(self, moment: str) -> int:
        """A position behind which every entry from the stamp ``moment`` on lies."""
        last = self.last_position()
        found = self._times.first_from(self._all, last, _shifted(moment, -CLOCK_SLACK))
        if found is None:
            return last
        row = self._one(_BEFORE, position=found)  # what was archived in between may be as young
        return (row[0] if row else None) or 0

    def end_of(self, moment: str) -> int:
        """A position up to which every entry before the stamp ``moment`` lies."""
        return self._times.last_before(self._all, self.last_position(), moment) or 0

    def audited(self, stretch: Stretch, which: Narrowing, limit: int) -> list[AuditRow]:
        """The first ``limit`` entries of a stretch that are wanted, in order."""
        texts: dict[str, Any] = {f"about_{n}": text for n, text in enumerate(which.about)}
        if texts:
            texts["or_types"] = encode(which.or_types)
        values = {
            **_window(stretch),
            **texts,
            "of_actor": which.actor,
            "of_types": None if which.types is None else encode(which.types),
            "of_execution": which.execution_id,
            "at_most": limit,
        }
        found = self._all(_entries(len(which.about)), **values)
        return [AuditRow(*row) for row in found]

    def tokens(self, stretch: Stretch) -> list[Token]:
        """Everybody who called anything in a stretch, as the tokens said then."""
        return [Token(*row) for row in self._all(_TOKENS, **_window(stretch))]

    def revisions(self, stretch: Stretch) -> list[str]:
        """The revisions of policy under which calls of a stretch were decided."""
        return [row[0] for row in self._all(_REVISIONS, **_window(stretch)) if row[0] is not None]

    def without_seen(self, stretch: Stretch) -> int:
        """How many answers in a stretch do not say what of personal data they showed."""
        row = self._one(_WITHOUT_SEEN, **_window(stretch))
        return row[0] if row else 0

    def approval_facts(self, approval_id: str) -> ApprovalFacts | None:
        """What the request of this id says."""
        row = self._one(_APPROVAL, of_id=approval_id)
        return ApprovalFacts(*row) if row else None

    def step_facts(self, plan_id: str, step_id: str) -> StepFacts | None:
        """What a step of this plan says."""
        row = self._one(_STEP, of_plan=plan_id, of_step=step_id)
        return StepFacts(*row) if row else None


def _window(stretch: Stretch) -> dict[str, Any]:
    return {
        "after_position": stretch.after,
        "through_position": stretch.through,
        "of_workspace": stretch.workspace,
        "since": stretch.since,
        "until": stretch.until,
    }


def _shifted(moment: str, seconds: float) -> str:
    """A moment so many seconds later, or the moment itself at the ends of the calendar."""
    try:
        return after(moment, seconds)
    except OverflowError:
        return moment
