"""The statements on claims: compare-and-set on a run's row, and what is due.

``owner`` is null while nobody holds the run. A run is done with when its claim was given back
without a ``wake_at``; until then it is due, even where its execution was ended from outside, for an
attempt of it may still be without an outcome.
"""

from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select, union_all, update

from gateway.journal.statement import Statement, inserting, setting
from gateway.journal.tables import claim

_one_claim = update(claim).where(claim.c.run_id == bindparam("of_run"))
_held = _one_claim.where(claim.c.owner.is_not(None), claim.c.epoch == bindparam("of_epoch"))

ENLIST = inserting(claim, owner=None, epoch=0, lease_until=None, wake_seq=1)
CLAIM = Statement(
    _one_claim.where(
        or_(
            claim.c.owner.is_(None),
            claim.c.owner == bindparam("owner"),
            claim.c.lease_until < bindparam("now"),
        )
    )
    .values(
        owner=bindparam("owner"),
        epoch=claim.c.epoch + 1,
        lease_until=bindparam("lease_until"),
    )
    .returning(*claim.columns)
)
FENCE = Statement(_held.values(lease_until=bindparam("lease_until")).returning(*claim.columns))
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


def _parked(*columns: Any) -> Select[Any]:
    return select(*columns).where(claim.c.owner.is_(None), claim.c.wake_at.is_not(None))


def _leased(*columns: Any) -> Select[Any]:
    return select(*columns).where(claim.c.owner.is_not(None))


_waking = _parked(claim.c.run_id, claim.c.wake_at.label("due")).where(
    claim.c.wake_at <= bindparam("now")
)
_lapsed = _leased(claim.c.run_id, claim.c.lease_until.label("due")).where(
    claim.c.lease_until < bindparam("now")
)
_due = union_all(_waking, _lapsed).subquery()

DUE_RUNS = Statement(
    select(_due.c.run_id).order_by(_due.c.due, _due.c.run_id).limit(bindparam("at_most"))
)
NEXT_WAKE = Statement(_parked(claim.c.wake_at).order_by(claim.c.wake_at).limit(1))
NEXT_LAPSE = Statement(_leased(func.min(claim.c.lease_until)))
