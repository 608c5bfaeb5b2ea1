"""The statements on claims: compare-and-set on a run's row, and what is due.

``owner`` is null while nobody holds the run. A run is done with when its claim was given back
without a ``wake_at``; until then it is due, even where its execution was ended from outside, for an
attempt of it may still be without an outcome.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Update,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    union_all,
    update,
)

from gateway.journal.functions import told
from gateway.journal.statement import Statement
from gateway.journal.tables import claim, execution

CLAIM_COLUMNS = tuple(claim.columns)[:7]
"""The columns that a ``Claim`` has."""

_locked = claim.alias("locked")
_other = claim.alias("other")


def _named(table: FromClause) -> ColumnElement[bool]:
    return table.c.run_id == bindparam("of_run")


def _owned(table: FromClause) -> ColumnElement[bool]:
    return and_(table.c.owner.is_not(None), table.c.owner == bindparam("of_owner"))


def _ending(table: FromClause) -> ColumnElement[bool]:
    return and_(_owned(table), table.c.lease_until < bindparam("before"))


def _one(change: Callable[[Update], Update]) -> Statement:
    """Changes the claim of the run ``of_run``.

    On PostgreSQL the row is locked beforehand, and one that another process has locked is a
    collision at once: who waits for rows in two orders waits in a circle.
    """
    row = select(_locked.c.run_id).where(_named(_locked)).with_for_update(nowait=True)
    locked = update(claim).where(claim.c.run_id == row.scalar_subquery())
    return Statement(change(update(claim).where(_named(claim))), change(locked))


def _many(
    which: Callable[[FromClause], ColumnElement[bool]],
    change: Callable[[Update], Update],
    *,
    waiting: bool = False,
) -> Statement:
    """Changes some claims; on PostgreSQL those that nobody is changing at the moment, or all of
    them, ``waiting`` for whoever does."""
    rows = select(_locked.c.run_id).where(which(_locked)).with_for_update(skip_locked=not waiting)
    locked = update(claim).where(claim.c.run_id.in_(rows))
    return Statement(change(update(claim).where(which(claim))), change(locked))


def _take(chosen: Update) -> Update:
    is_free = and_(claim.c.owner.is_(None), claim.c.wake_at.is_not(None))
    is_over = claim.c.lease_until < bindparam("now")
    raised = chosen.where(or_(is_free, claim.c.owner == bindparam("owner"), is_over)).values(
        owner=bindparam("owner"),
        epoch=claim.c.epoch + 1,
        lease_until=bindparam("lease_until"),
    )
    return raised.returning(*CLAIM_COLUMNS)


def _take_within(chosen: Update) -> Update:
    beside = (
        select(func.count())
        .select_from(_other)
        .where(
            _other.c.owner.is_not(None),
            _other.c.workspace == claim.c.workspace,
            _other.c.run_id != claim.c.run_id,
            _other.c.lease_until >= bindparam("now"),
        )
    )
    return _take(chosen.where(beside.scalar_subquery() < bindparam("cap")))


def _held(chosen: Update) -> Update:
    return chosen.where(claim.c.owner.is_not(None), claim.c.epoch == bindparam("of_epoch"))


def _prolong(chosen: Update) -> Update:
    return chosen.values(lease_until=bindparam("lease_until")).returning(*CLAIM_COLUMNS)


def _give_back(chosen: Update) -> Update:
    return chosen.values(wake_at=bindparam("wake_at"), owner=None, lease_until=None)


def _wake(chosen: Update) -> Update:
    return chosen.values(wake_at=bindparam("wake_at"), wake_seq=claim.c.wake_seq + 1)


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
CLAIM = _one(_take)
CLAIM_WITHIN = _one(_take_within)
FENCE = _one(lambda one: _prolong(_held(one)))
RENEW = _many(_ending, _prolong)
SHORTEN = _many(
    lambda table: and_(table.c.owner.is_not(None), table.c.lease_until > bindparam("latest")),
    lambda many: many.values(lease_until=bindparam("latest")),
)
RELEASE = _one(
    lambda one: _give_back(_held(one).where(claim.c.wake_seq == bindparam("of_wake_seq")))
)
FREE = _many(_owned, lambda many: _give_back(many).returning(claim.c.run_id), waiting=True)
WAKE = _one(_wake)
ADOPT = Statement(_give_back(update(claim).where(claim.c.owner.is_not(None))))


def _parked(*columns: Any) -> Select[Any]:
    return select(*columns).where(claim.c.owner.is_(None), claim.c.wake_at.is_not(None))


def _leased(*columns: Any) -> Select[Any]:
    return select(*columns).where(claim.c.owner.is_not(None))


def _workspaces() -> Select[Any]:
    """Each workspace that has runs which are due: a few steps along an index for each that has runs
    which wait."""
    first = _parked(func.min(claim.c.workspace).label("workspace"))
    found = first.cte("found", recursive=True)
    behind = _parked(func.min(claim.c.workspace)).where(claim.c.workspace > found.c.workspace)
    onward = select(behind.scalar_subquery()).where(found.c.workspace.is_not(None))
    found = found.union_all(onward)
    its = (claim.c.workspace == found.c.workspace, _is_due)
    has_due = [
        _parked(claim.c.run_id).where(*its, claim.c.urgent == literal_column(urgent)).exists()
        for urgent in ("1", "0")
    ]
    return select(found.c.workspace).where(found.c.workspace.is_not(None), or_(*has_due))


def _full() -> Select[Any]:
    """Each workspace that holds as many runs as it may."""
    held = select(_other.c.workspace).where(
        _other.c.owner.is_not(None), _other.c.lease_until >= bindparam("now")
    )
    return held.group_by(_other.c.workspace).having(func.count() >= bindparam("cap"))


def _lapsed() -> Select[Any]:
    return (
        _leased(*_run)
        .where(claim.c.lease_until < bindparam("now"))
        .order_by(claim.c.lease_until, claim.c.run_id)
        .limit(bindparam("at_most"))
    )


def _waiting() -> Update:
    """The claims of runs that wait, held or not: each by the index of those, since the claims of
    runs that are over are far more and stay."""
    found = [of(claim.c.run_id).where(claim.c.wake_at.is_not(None)) for of in (_parked, _leased)]
    return update(claim).where(claim.c.run_id.in_(union_all(*found)))


_run = (claim.c.run_id, claim.c.workspace, claim.c.urgent)
_is_due = claim.c.wake_at <= bindparam("now")
_oldest = (claim.c.wake_at, claim.c.run_id)

CLAIM_OF = Statement(select(*CLAIM_COLUMNS).where(claim.c.run_id == bindparam("of_run")))
LAPSED = Statement(_lapsed())
LAPSED_WITHIN = Statement(_lapsed().where(claim.c.workspace.not_in(_full())))
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
WAITING = Statement(
    select(func.count()).select_from(
        _parked(claim.c.run_id).where(_is_due).limit(bindparam("at_most")).subquery()
    )
)
WAKE_WAITING = Statement(_wake(_waiting()))
WORKSPACES = Statement(_workspaces())
HELD = Statement(
    _leased(claim.c.workspace, func.count())
    .where(claim.c.lease_until >= bindparam("now"))
    .group_by(claim.c.workspace)
)
AHEAD = Statement(
    _parked(*_run)
    .join_from(claim, execution, execution.c.id == claim.c.execution_id)
    .where(
        claim.c.wake_at > bindparam("now"),
        execution.c.updated_at > bindparam("now"),
        claim.c.run_id > bindparam("after_run"),
    )
    .order_by(claim.c.run_id)
    .limit(bindparam("at_most"))
)
NEXT_WAKE = Statement(_parked(claim.c.wake_at).order_by(claim.c.wake_at).limit(1))
NEXT_LAPSE = Statement(_leased(func.min(claim.c.lease_until)))
