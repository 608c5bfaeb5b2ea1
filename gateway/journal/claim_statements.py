"""The statements on claims: compare-and-set on a run's row, and what is due.

``owner`` is null while nobody holds the run. A run is done with when its claim was given back
without a ``wake_at``; until then it is due, even where its execution was ended from outside, for an
attempt of it may still be without an outcome.
"""

from typing import Any

from sqlalchemy import (
    Select,
    Update,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from gateway.journal.functions import told
from gateway.journal.statement import Statement, setting
from gateway.journal.tables import claim, execution

_told = tuple(claim.columns)[:7]
"""The columns that a ``Claim`` has."""

_one_claim = update(claim).where(claim.c.run_id == bindparam("of_run"))
_held = _one_claim.where(claim.c.owner.is_not(None), claim.c.epoch == bindparam("of_epoch"))
_free_or_over = _one_claim.where(
    or_(
        and_(claim.c.owner.is_(None), claim.c.wake_at.is_not(None)),
        claim.c.owner == bindparam("owner"),
        claim.c.lease_until < bindparam("now"),
    )
)
_other = claim.alias("other")
_beside = (
    select(func.count())
    .select_from(_other)
    .where(
        _other.c.owner.is_not(None),
        _other.c.workspace == claim.c.workspace,
        _other.c.run_id != claim.c.run_id,
        _other.c.lease_until >= bindparam("now"),
    )
    .scalar_subquery()
)


def _taking(chosen: Update) -> Statement:
    raised = chosen.values(
        owner=bindparam("owner"),
        epoch=claim.c.epoch + 1,
        lease_until=bindparam("lease_until"),
    )
    return Statement(raised.returning(*_told))


def _new() -> Statement:
    """A run takes its workspace, and whether a caller waits, from its execution."""
    given = {
        "run_id": told("run_id"),
        "execution_id": execution.c.id,
        "epoch": literal_column("0"),
        "wake_seq": literal_column("1"),
        "wake_at": told("wake_at"),
        "workspace": execution.c.workspace,
        "urgent": execution.c.direct,
    }
    chosen = select(*given.values()).where(execution.c.id == bindparam("of_execution"))
    return Statement(insert(claim).from_select(list(given), chosen))


ENLIST = _new()
CLAIM = _taking(_free_or_over)
CLAIM_WITHIN = _taking(_free_or_over.where(_beside < bindparam("cap")))
FENCE = Statement(_held.values(lease_until=bindparam("lease_until")).returning(*_told))
RENEW = Statement(
    update(claim)
    .where(
        claim.c.owner.is_not(None),
        claim.c.owner == bindparam("of_owner"),
        claim.c.lease_until < bindparam("before"),
    )
    .values(lease_until=bindparam("lease_until"))
    .returning(*_told)
)
RELEASE = setting(
    _held.where(claim.c.wake_seq == bindparam("of_wake_seq")),
    *("wake_at",),
    owner=None,
    lease_until=None,
)
WAKE = setting(_one_claim, "wake_at", wake_seq=claim.c.wake_seq + 1)
WAKE_WAITING = setting(
    update(claim).where(claim.c.wake_at.is_not(None)), "wake_at", wake_seq=claim.c.wake_seq + 1
)
ADOPT = setting(
    update(claim).where(claim.c.owner.is_not(None)), "wake_at", owner=None, lease_until=None
)
FREE = Statement(
    update(claim)
    .where(claim.c.owner.is_not(None), claim.c.owner == bindparam("of_owner"))
    .values(wake_at=bindparam("wake_at"), owner=None, lease_until=None)
    .returning(claim.c.run_id)
)


def _parked(*columns: Any) -> Select[Any]:
    return select(*columns).where(claim.c.owner.is_(None), claim.c.wake_at.is_not(None))


def _leased(*columns: Any) -> Select[Any]:
    return select(*columns).where(claim.c.owner.is_not(None))


def _workspaces() -> Select[Any]:
    """Each workspace that has runs which wait: one step along an index for each."""
    first = _parked(func.min(claim.c.workspace).label("workspace"))
    found = first.cte("found", recursive=True)
    behind = _parked(func.min(claim.c.workspace)).where(claim.c.workspace > found.c.workspace)
    onward = select(behind.scalar_subquery()).where(found.c.workspace.is_not(None))
    found = found.union_all(onward)
    return select(found.c.workspace).where(found.c.workspace.is_not(None))


_run = (claim.c.run_id, claim.c.workspace, claim.c.urgent)
_is_due = claim.c.wake_at <= bindparam("now")
_oldest = (claim.c.wake_at, claim.c.run_id)

CLAIM_OF = Statement(select(*_told).where(claim.c.run_id == bindparam("of_run")))
LAPSED = Statement(
    _leased(*_run)
    .where(claim.c.lease_until < bindparam("now"))
    .order_by(claim.c.lease_until, claim.c.run_id)
    .limit(bindparam("at_most"))
)
DUE = Statement(_parked(*_run).where(_is_due).order_by(*_oldest).limit(bindparam("at_most")))
DUE_IN = Statement(
    _parked(*_run)
    .where(
        _is_due,
        claim.c.workspace == bindparam("workspace"),
        claim.c.urgent == bindparam("urgent"),
    )
    .order_by(*_oldest)
    .limit(bindparam("at_most"))
)
WORKSPACES = Statement(_workspaces())
HELD = Statement(
    _leased(claim.c.workspace, func.count())
    .where(claim.c.lease_until >= bindparam("now"))
    .group_by(claim.c.workspace)
)
NEXT_WAKE = Statement(_parked(claim.c.wake_at).order_by(claim.c.wake_at).limit(1))
NEXT_LAPSE = Statement(_leased(func.min(claim.c.lease_until)))
