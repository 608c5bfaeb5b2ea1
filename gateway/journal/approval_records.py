"""Reading approval requests from the tables."""

from collections.abc import Callable
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    func,
    not_,
    or_,
    select,
    tuple_,
)

from gateway.journal.chain import execution_chain
from gateway.journal.functions import is_beyond_ascii, listed, names_person
from gateway.journal.session import Row
from gateway.journal.statement import Statement
from gateway.journal.tables import approval, entry, execution
from gateway.model.approval import ApprovalFilter
from gateway.model.entry import EntryType
from gateway.model.execution import UNDER_WAY, Approval, ApprovalStatus
from gateway.model.json import decode, encode
from gateway.model.ports import Page
from gateway.model.principal import folded, is_among

_at = approval.c

_OPEN = (ApprovalStatus.PENDING, ApprovalStatus.APPROVED)
_is_open = or_(*(_at.status == status.value for status in _OPEN))

# A step has at most one that is open, and that is the newest, also where a clock went back.
NEWEST = Statement(
    select(*approval.columns)
    .where(_at.execution_id == bindparam("of_execution"), _at.step_id == bindparam("of_step"))
    .order_by(case((_is_open, 0), else_=1), _at.requested_at.desc(), _at.id.desc())
    .limit(1)
)


REJECTIONS = Statement(
    select(entry.c.actor, entry.c.body).where(
        entry.c.chain == bindparam("of_chain"),
        entry.c.type == EntryType.APPROVAL_REJECTED.value,
    )
)

_escalated = and_(_at.escalated_at.is_not(None), _at.escalate_to.in_(listed("roles")))
_under_way = (
    select(1)
    .where(
        execution.c.id == _at.execution_id,
        or_(*(execution.c.status == status.value for status in sorted(UNDER_WAY))),
        execution.c.stopping == 0,
    )
    .exists()
)
_DECIDABLE = and_(
    _at.status == ApprovalStatus.PENDING.value,
    _at.expires_at > bindparam("now"),
    or_(_at.approver_role.in_(listed("roles")), _escalated),
    not_(names_person(_at.excluded, "", "subject", "namesakes")),
    not_(names_person(_at.votes, "by", "subject", "namesakes")),
    _under_way,
)
"""What one person may approve; ``Consent`` decides by the same."""

_INVOLVED = Statement(
    select(_at.excluded, _at.votes).where(
        _at.workspace == bindparam("workspace"),
        _at.status == ApprovalStatus.PENDING.value,
        or_(is_beyond_ascii(_at.excluded), is_beyond_ascii(_at.votes)),
    )
)
"""Whom requests name that name anybody with letters that only Python folds as people do."""

_FILTERS: dict[str, ColumnElement[bool]] = {
    "status": _at.status == bindparam("status"),
    "execution_id": _at.execution_id == bindparam("execution_id"),
    "risk": _at.risk == bindparam("risk"),
    "requested_before": _at.requested_at < bindparam("requested_before"),
    "decider": _DECIDABLE,
    "behind": tuple_(_at.requested_at, _at.id)
    > tuple_(bindparam("behind_at"), bindparam("behind_id")),
}


@cache
def listing(chosen: frozenset[str]) -> tuple[Statement, Statement]:
    """The page, oldest first, and the count for these filters."""
    wheres = [_at.workspace == bindparam("workspace"), *(_FILTERS[name] for name in sorted(chosen))]
    page = select(*approval.columns).where(*wheres).order_by(_at.requested_at, _at.id)
    return (
        Statement(page.limit(bindparam("at_most")).offset(bindparam("skip"))),
        Statement(select(func.count()).select_from(approval).where(*wheres)),
    )


class SqlApprovalRecords:
    """``ApprovalRecords``, over the ways of ``SqlRecords`` to read."""

    __slots__ = ()

    _one: Callable[..., Row | None]
    _all: Callable[..., list[Row]]

    def approval(self, execution_id: str, step_id: str) -> Approval | None:
        """The newest approval request of a step."""
        row = self._one(NEWEST, of_execution=execution_id, of_step=step_id)
        return _approval(row) if row else None

    def approvals(self, which: ApprovalFilter, page: Page) -> tuple[list[Approval], int]:
        """A page of approval requests, oldest first, and how many there are in all."""
        plain = {
            "status": which.status,
            "execution_id": which.execution_id,
            "risk": which.risk,
            "requested_before": which.requested_before,
        }
        given: dict[str, Any] = {name: told for name, told in plain.items() if told is not None}
        chosen = frozenset(given)
        if which.decider is not None:
            chosen |= {"decider"}
            given["now"] = which.decider.now
            given["subject"] = folded(which.decider.subject)
            given["namesakes"] = encode(self._namesakes(which.workspace, which.decider.subject))
            given["roles"] = encode(sorted(which.decider.roles))
        if which.behind is not None:
            chosen |= {"behind"}
            given["behind_at"], given["behind_id"] = which.behind
        rows, count = listing(chosen)
        total = self._one(count, workspace=which.workspace, **given)
        window = {"at_most": page.limit, "skip": page.offset}
        found = self._all(rows, workspace=which.workspace, **given, **window)
        return [_approval(row) for row in found], total[0] if total else 0

    def _namesakes(self, workspace: str, subject: str) -> list[str]:
        """How else requests that wait spell a subject, as far as SQL does not see it."""
        found = self._all(_INVOLVED, workspace=workspace)
        names = {
            name
            for excluded, votes in found
            for name in (*decode(excluded), *(vote["by"] for vote in decode(votes)))
        }
        return sorted(name for name in names if is_among(subject, (name,)))

    def rejecter(self, rejected: Approval) -> str | None:
        """Who rejected this request: the subject. The entry alone says so."""
        told = self._all(REJECTIONS, of_chain=execution_chain(rejected.execution_id))
        by = (actor for actor, body in told if decode(body)["approvalId"] == rejected.id)
        return next(by, None)


def _approval(row: Row) -> Approval:
    (own, execution_id, workspace, step_id, contract, status, digest, arguments, *rest) = row
    (decision, approver_role, quorum, risk, reason, requested_by, *rest) = rest
    (requested_at, expires_at, votes, decided_at, note, *rest) = rest
    (escalate_at, escalate_to, escalated_at, overridden, excluded, requester_roles) = rest
    return Approval(
        id=own,
        execution_id=execution_id,
        workspace=workspace,
        step_id=step_id,
        contract=contract,
        status=ApprovalStatus(status),
        digest=digest,
        arguments=decode(arguments),
        decision=decode(decision),
        approver_role=approver_role,
        quorum=quorum,
        risk=risk,
        reason=reason,
        requested_by=requested_by,
        requested_at=requested_at,
        expires_at=expires_at,
        votes=tuple(decode(votes)),
        decided_at=decided_at,
        note=note,
        escalate_at=escalate_at,
        escalate_to=escalate_to,
        escalated_at=escalated_at,
        overridden=decode(overridden) if overridden else None,
        excluded=tuple(decode(excluded)),
        requester_roles=tuple(decode(requester_roles)),
    )
