"""Counting what a workspace did, by stretches of positions, and who works for it."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, func, select

from gateway.journal.functions import field, is_json
from gateway.journal.moments import SqlMoments
from gateway.journal.session import Row
from gateway.journal.statement import Statement
from gateway.journal.tables import claim, entry
from gateway.model.activity import COUNTED, ActivityCount, Holder
from gateway.model.entry import EntryType

_OF_CONTRACTS = (
    *(EntryType.CALL_COMPLETED, EntryType.CALL_FAILED, EntryType.CALL_DENIED),
    *(EntryType.QUERY_ANSWERED, EntryType.STEP_DISPATCHED),
)


def _of_types(*kinds: EntryType) -> ColumnElement[bool]:
    return entry.c.type.in_([bindparam(kind.name, kind.value) for kind in kinds])


def _said(member: str, *kinds: EntryType) -> ColumnElement[Any]:
    """A member of the body, of entries of these types alone."""
    return case((and_(_of_types(*kinds), is_json(entry.c.body)), field(entry.c.body, member)))


_said_each = select(
    func.substr(entry.c.at, 1, 16).label("minute"),
    entry.c.type,
    _said("contract", *_OF_CONTRACTS).label("contract"),
    func.coalesce(
        _said("executionStatus", EntryType.RUN_ENDED), _said("code", EntryType.CALL_FAILED)
    ).label("outcome"),
).where(
    entry.c.position > bindparam("after_position"),
    entry.c.position <= bindparam("through_position"),
    entry.c.workspace == bindparam("of_workspace"),
    _of_types(*COUNTED),
)
_each = _said_each.subquery()
_ACTIVITY = Statement(select(*_each.c, func.count()).group_by(*_each.c))

_HOLDERS = Statement(
    select(claim.c.owner, func.count(), func.min(claim.c.lease_until))
    .where(
        claim.c.workspace == bindparam("workspace"),
        claim.c.owner.is_not(None),
        claim.c.lease_until >= bindparam("now"),
    )
    .group_by(claim.c.owner)
    .order_by(claim.c.owner)
    .limit(bindparam("at_most"))
)


class SqlActivityRecords(SqlMoments):
    """``ActivityRecords``, over the ways of ``SqlRecords`` to run a statement."""

    __slots__ = ()

    _all: Callable[..., list[Row]]

    def activity(self, workspace: str, after: int, through: int) -> list[ActivityCount]:
        """The entries of a workspace behind ``after``, up to ``through``, counted."""
        stretch = {"after_position": after, "through_position": through}
        return [
            ActivityCount(minute, EntryType(kind), contract, outcome, count)
            for minute, kind, contract, outcome, count in self._all(
                _ACTIVITY, of_workspace=workspace, **stretch
            )
        ]

    def holders(self, workspace: str, now: str, limit: int) -> list[Holder]:
        """The first ``limit`` processes whose leases on runs of a workspace last."""
        found = self._all(_HOLDERS, workspace=workspace, now=now, at_most=limit)
        return [Holder(*row) for row in found]
