"""Reading erasures, holds, consents and destroyed keys."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, bindparam, desc, func, not_, or_, select

from gateway.journal.functions import items, told
from gateway.journal.rights import (
    TO_DO,
    privacy_condemned,
    privacy_consent,
    privacy_erasure,
    privacy_hold,
)
from gateway.journal.session import Row
from gateway.journal.statement import Statement
from gateway.model.json import JsonValue, decode, encode
from gateway.model.ports import Page
from gateway.model.rights import (
    OPEN_ERASURES,
    CondemnedKey,
    Consent,
    Erasure,
    ErasureStatus,
    Hold,
    RightsFilter,
    Subject,
    SubjectKind,
)

_of, _at, _by = privacy_erasure.c, privacy_hold.c, privacy_consent.c


def _in(column: Any, *statuses: ErasureStatus) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column.in_(
        [bindparam(f"s_{one.value}", one.value) for one in statuses]
    )
    return found


def _active(table: Table, ended: str) -> ColumnElement[bool]:
    expires = table.c.expires_at
    stands = or_(expires.is_(None), expires > bindparam("now"))
    return and_(table.c[ended].is_(None), stands)


_HOLDS_NOW = _active(privacy_hold, "lifted_at")
_CONSENTED_NOW = _active(privacy_consent, "withdrawn_at")


def _one_of(table: Table) -> Statement:
    wheres = (table.c.workspace == bindparam("workspace"), table.c.id == bindparam("of_id"))
    return Statement(select(*table.columns).where(*wheres))


class _Listing:
    """A page and a count for each set of filters, newest first."""

    def __init__(self, table: Table, moment: str, **filters: ColumnElement[bool]) -> None:
        self._table, self._filters = table, filters
        self._order = (desc(table.c[moment]), desc(table.c.id))
        self._made: dict[frozenset[str], tuple[Statement, Statement]] = {}

    def of(self, names: frozenset[str]) -> tuple[Statement, Statement]:
        """The page and the count for the filters of these names."""
        made = self._made.get(names)
        if made is None:
            mine = self._table.c.workspace == bindparam("workspace")
            wheres = [mine, *(self._filters[name] for name in sorted(names))]
            page = select(*self._table.columns).where(*wheres).order_by(*self._order)
            made = self._made[names] = (
                Statement(page.limit(bindparam("at_most")).offset(bindparam("skip"))),
                Statement(select(func.count()).select_from(self._table).where(*wheres)),
            )
        return made


_ERASURE, _HOLD, _CONSENT = map(_one_of, (privacy_erasure, privacy_hold, privacy_consent))
_ERASURES = _Listing(
    *(privacy_erasure, "requested_at"),
    status=_of.status == bindparam("status"),
    target=_of.target == bindparam("target"),
)
_HOLDS = _Listing(
    *(privacy_hold, "placed_at"),
    active=_HOLDS_NOW,
    ended=not_(_HOLDS_NOW),
    target=_at.target == bindparam("target"),
)
_CONSENTS = _Listing(
    *(privacy_consent, "recorded_at"),
    active=_CONSENTED_NOW,
    ended=not_(_CONSENTED_NOW),
    target=_by.target == bindparam("target"),
)
_TO_DO = Statement(select(*privacy_erasure.columns).where(TO_DO).order_by(_of.requested_at, _of.id))
_OPEN = Statement(
    select(*privacy_erasure.columns)
    .where(
        _of.workspace == bindparam("workspace"),
        _of.kind == bindparam("kind"),
        _of.target == bindparam("target"),
        _in(_of.status, *OPEN_ERASURES),
    )
    .limit(1)
)
_ACTIVE_HOLDS = Statement(
    select(*privacy_hold.columns)
    .where(_at.workspace == bindparam("workspace"), _HOLDS_NOW)
    .order_by(_at.placed_at, _at.id)
)
_ACTIVE_CONSENTS = Statement(
    select(*privacy_consent.columns)
    .where(
        _by.workspace == bindparam("workspace"),
        _by.target == bindparam("target"),
        _CONSENTED_NOW,
    )
    .order_by(_by.recorded_at, _by.id)
)
_condemned = privacy_condemned.c
_CONDEMNED = Statement(
    select(*privacy_condemned.columns)
    .where(_condemned.key_id > bindparam("after"))
    .order_by(_condemned.key_id)
    .limit(bindparam("at_most"))
)
_CONDEMNED_BY = Statement(
    select(_condemned.key_id)
    .where(_condemned.cause == bindparam("cause"))
    .order_by(_condemned.key_id)
)
_asked = items(told("ids"))
# By the key of each: PostgreSQL would read all that were ever destroyed for NOT IN, once for each.
_is_condemned = select(1).where(_condemned.key_id == _asked.c.value).exists()
_UNCONDEMNED = Statement(select(_asked.c.value).where(~_is_condemned))


class SqlRightsRecords:
    """``RightsRecords``, over the ways of ``SqlRecords`` to read."""

    __slots__ = ()

    _one: Callable[..., Row | None]
    _all: Callable[..., list[Row]]

    def erasure(self, workspace: str, erasure_id: str) -> Erasure | None:
        """The erasure of this id in this workspace."""
        row = self._one(_ERASURE, workspace=workspace, of_id=erasure_id)
        return _erasure(row) if row else None

    def erasures(self, which: RightsFilter, page: Page) -> tuple[list[Erasure], int]:
        """A page of erasures, newest first, and how many there are in all."""
        rows, total = self._listed(_ERASURES, which, page)
        return [_erasure(row) for row in rows], total

    def erasures_to_do(self) -> list[Erasure]:
        """Approved erasures of all workspaces that are not done, the oldest first."""
        return [_erasure(row) for row in self._all(_TO_DO)]

    def open_erasure(self, subject: Subject) -> Erasure | None:
        """The erasure of a subject that is not over, if there is one."""
        row = self._one(
            _OPEN, workspace=subject.workspace, kind=subject.kind.value, target=subject.target
        )
        return _erasure(row) if row else None

    def hold(self, workspace: str, hold_id: str) -> Hold | None:
        """The hold of this id in this workspace."""
        row = self._one(_HOLD, workspace=workspace, of_id=hold_id)
        return _hold(row) if row else None

    def holds(self, which: RightsFilter, page: Page) -> tuple[list[Hold], int]:
        """A page of holds, newest first, and how many there are in all."""
        rows, total = self._listed(_HOLDS, which, page)
        return [_hold(row) for row in rows], total

    def active_holds(self, workspace: str, now: str) -> list[Hold]:
        """Every hold of a workspace that holds now, the oldest first."""
        return [_hold(row) for row in self._all(_ACTIVE_HOLDS, workspace=workspace, now=now)]

    def consent(self, workspace: str, consent_id: str) -> Consent | None:
        """The consent of this id in this workspace."""
        row = self._one(_CONSENT, workspace=workspace, of_id=consent_id)
        return _consent(row) if row else None

    def consents(self, which: RightsFilter, page: Page) -> tuple[list[Consent], int]:
        """A page of consents, newest first, and how many there are in all."""
        rows, total = self._listed(_CONSENTS, which, page)
        return [_consent(row) for row in rows], total

    def active_consents(self, subject: Subject, now: str) -> list[Consent]:
        """Every consent of a person that stands now, the oldest first."""
        named = {"workspace": subject.workspace, "target": subject.target}
        return [_consent(row) for row in self._all(_ACTIVE_CONSENTS, **named, now=now)]

    def condemned_keys(self, after: str, limit: int) -> list[CondemnedKey]:
        """Keys that the journal says were destroyed, by id, behind ``after``."""
        return [CondemnedKey(*row) for row in self._all(_CONDEMNED, after=after, at_most=limit)]

    def condemned_by(self, cause: str) -> list[str]:
        """The ids of the keys that were destroyed for one cause."""
        return [row[0] for row in self._all(_CONDEMNED_BY, cause=cause)]

    def uncondemned(self, key_ids: list[str]) -> list[str]:
        """Those of these keys of which the journal does not say that they were destroyed."""
        return [row[0] for row in self._all(_UNCONDEMNED, ids=encode(key_ids))]

    def _listed(self, listing: _Listing, which: RightsFilter, page: Page) -> tuple[list[Row], int]:
        given = {"workspace": which.workspace}
        names = set()
        for name in ("status", "target"):
            if (value := getattr(which, name)) is not None:
                names.add(name)
                given[name] = value
        if which.active is not None:
            names.add("active" if which.active else "ended")
            given["now"] = which.now
        rows, count = listing.of(frozenset(names))
        total = self._one(count, **given)
        found = self._all(rows, **given, at_most=page.limit, skip=page.offset)
        return found, total[0] if total else 0


def _json(text: str | None) -> JsonValue:
    return None if text is None else decode(text)


def _erasure(row: Row) -> Erasure:
    (own, workspace, kind, target, status, ground, asked, requested_by, requested_at, *rest) = row
    (decided_by, decided_at, told, held_by, condemned_at, erased_at, receipt) = rest
    return Erasure(
        id=own,
        subject=Subject(workspace, SubjectKind(kind), target),
        status=ErasureStatus(status),
        ground=ground,
        asked=decode(asked),
        requested_by=requested_by,
        requested_at=requested_at,
        decided_by=decided_by,
        decided_at=decided_at,
        told=_json(told),
        held_by=tuple(decode(held_by)),
        condemned_at=condemned_at,
        erased_at=erased_at,
        receipt=_json(receipt),
    )


def _hold(row: Row) -> Hold:
    (own, workspace, kind, target, matter, asked, placed_by, placed_at, expires_at, *rest) = row
    lifted_by, lifted_at, told = rest
    subject = Subject(workspace, SubjectKind(kind), target)
    stands = (placed_by, placed_at, expires_at, lifted_by, lifted_at, _json(told))
    return Hold(own, subject, matter, decode(asked), *stands)


def _consent(row: Row) -> Consent:
    (own, workspace, kind, target, purpose, asked, by, at, expires_at, *rest) = row
    withdrawn_by, withdrawn_at, told = rest
    subject = Subject(workspace, SubjectKind(kind), target)
    stands = (by, at, expires_at, withdrawn_by, withdrawn_at, _json(told))
    return Consent(own, subject, purpose, decode(asked), *stands)
