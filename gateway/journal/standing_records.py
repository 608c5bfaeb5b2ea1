"""How much is not over yet, by steps along indexes: what is over costs nothing, however much it is.

Executions and approval requests are indexed by workspace first. So for all workspaces these are
found one by one (a loose index scan), and what is open in each by its status.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, and_, bindparam, func, or_, select

from gateway.journal import claim_statements
from gateway.journal.deliveries import webhook_delivery
from gateway.journal.session import Row
from gateway.journal.statement import Statement
from gateway.journal.tables import approval, claim, execution
from gateway.model.delivery import DeliveryStatus
from gateway.model.execution import UNDER_WAY, ApprovalStatus, ExecutionStatus
from gateway.model.standing import Standing, Workload


class Counts(NamedTuple):
    """The statements that count a workload."""

    due: Statement
    held: Statement
    parked: Statement
    executions: Statement
    approvals: Statement


def _up_to(found: Select[Any]) -> Select[Any]:
    return found.limit(bindparam("at_most"))


def _count(found: Select[Any]) -> Statement:
    return Statement(select(func.count()).select_from(_up_to(found).subquery()))


def _runs(*which: ColumnElement[bool]) -> Select[Any]:
    return select(claim.c.run_id).where(*which)


def _of_workspace(table: Table) -> ColumnElement[bool]:
    return table.c.workspace == bindparam("workspace")


def _in_workspace(table: Table) -> Select[Any]:
    """The statuses of rows of one workspace."""
    return select(table.c.status).where(_of_workspace(table))


def _in_workspaces(table: Table) -> Select[Any]:
    """The statuses of rows, workspace by workspace."""
    first = select(func.min(table.c.workspace).label("workspace"))
    found = first.cte("found", recursive=True)
    behind = select(func.min(table.c.workspace)).where(table.c.workspace > found.c.workspace)
    onward = select(behind.scalar_subquery()).where(found.c.workspace.is_not(None))
    found = found.union_all(onward)
    joined = found.join(table, table.c.workspace == found.c.workspace)
    return select(table.c.status).select_from(joined)


_held = and_(claim.c.owner.is_not(None), claim.c.lease_until >= bindparam("now"))
_due = and_(claim.c.owner.is_(None), claim.c.wake_at <= bindparam("now"))
_parked = and_(claim.c.owner.is_(None), claim.c.wake_at > bindparam("now"))
_OPEN = (*sorted(UNDER_WAY), ExecutionStatus.UNRESOLVED)
_is_open = or_(*(execution.c.status == status.value for status in _OPEN))
_pending = and_(
    approval.c.status == ApprovalStatus.PENDING.value, approval.c.expires_at > bindparam("now")
)


def _by_status(executions: Select[Any]) -> Statement:
    found = _up_to(executions.where(_is_open)).subquery()
    return Statement(select(found.c.status, func.count()).group_by(found.c.status))


ALL = Counts(
    due=claim_statements.WAITING,
    held=_count(_runs(_held)),
    parked=_count(_runs(_parked)),
    executions=_by_status(_in_workspaces(execution)),
    approvals=_count(_in_workspaces(approval).where(_pending)),
)
"""Counts over all workspaces."""

OWN = Counts(
    due=_count(_runs(_of_workspace(claim), _due)),
    held=_count(_runs(_of_workspace(claim), _held)),
    parked=_count(_runs(_of_workspace(claim), _parked)),
    executions=_by_status(_in_workspace(execution)),
    approvals=_count(_in_workspace(approval).where(_pending)),
)
"""Counts of one workspace."""

DELIVERIES = _count(
    select(webhook_delivery.c.id).where(webhook_delivery.c.status == DeliveryStatus.PENDING.value)
)


class SqlStandingRecords:
    """``StandingRecords``, over the ways of ``SqlRecords`` to run a statement."""

    __slots__ = ()

    _one: Callable[..., Row | None]
    _all: Callable[..., list[Row]]

    def standing(self, now: str, up_to: int) -> Standing:
        """What there is to do at the moment ``now``, each counted up to ``up_to``."""
        given = {"at_most": up_to}
        deliveries = self._number(DELIVERIES, **given)
        return Standing(**self._counted(ALL, now, **given), deliveries=deliveries)

    def workload(self, workspace: str, now: str, up_to: int) -> Workload:
        """What of it is a workspace's."""
        return Workload(**self._counted(OWN, now, workspace=workspace, at_most=up_to))

    def _counted(self, counts: Counts, now: str, **given: Any) -> dict[str, Any]:
        """The members of a workload."""
        found: dict[str, int] = dict(self._all(counts.executions, **given))
        return {
            "due": self._number(counts.due, now=now, **given),
            "held": self._number(counts.held, now=now, **given),
            "parked": self._number(counts.parked, now=now, **given),
            "executions": {status.value: found.get(status.value, 0) for status in _OPEN},
            "approvals": self._number(counts.approvals, now=now, **given),
        }

    def _number(self, statement: Statement, **given: Any) -> int:
        row = self._one(statement, **given)
        return int(row[0]) if row else 0
