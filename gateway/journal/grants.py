"""Standing grants in SQL: their tables, what entries change in them, and reading them."""

from collections.abc import Callable, Iterator

from sqlalchemy import (
    Column,
    ColumnElement,
    Index,
    Table,
    and_,
    bindparam,
    desc,
    func,
    not_,
    select,
    tuple_,
    update,
)

from gateway.journal.dialects import JSON, TEXT, WHOLE
from gateway.journal.folding import Change, Projections, change
from gateway.journal.session import Row
from gateway.journal.statement import Statement, inserting, setting
from gateway.journal.tables import PROJECTIONS as FOLDED
from gateway.journal.tables import metadata
from gateway.model.entry import Entry, EntryType
from gateway.model.grant import Grant, GrantFilter, GrantUse
from gateway.model.json import JsonObject, decode, encode
from gateway.model.ports import Page
from gateway.model.principal import Principal, PrincipalType

# --- tables

standing_grant = Table(
    "standing_grant",
    metadata,
    Column("id", TEXT, primary_key=True, nullable=False),
    Column("workspace", TEXT, nullable=False),
    Column("contract", TEXT, nullable=False),
    Column("contract_digest", TEXT, nullable=False),
    Column("requester", TEXT, nullable=True),
    Column("requester_type", TEXT, nullable=True),
    Column("arguments", JSON, nullable=False),
    Column("max_uses", WHOLE, nullable=False),
    Column("issuer", JSON, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("issued_at", TEXT, nullable=False),
    Column("expires_at", TEXT, nullable=False),
    Column("uses", WHOLE, nullable=False),
    Column("revoked_at", TEXT, nullable=True),
    Column("revoked_by", TEXT, nullable=True),
    Column("revoke_reason", TEXT, nullable=True),
)
_at = standing_grant.c
_newest = (desc(_at.issued_at), desc(_at.id))
Index("grant_newest", _at.workspace, *_newest)
Index("grant_of_contract", _at.workspace, _at.contract, _at.expires_at, _at.id)

grant_use = Table(
    "grant_use",
    metadata,
    Column("execution_id", TEXT, primary_key=True, nullable=False),
    Column("step_id", TEXT, primary_key=True, nullable=False),
    Column("attempt", WHOLE, primary_key=True, nullable=False, autoincrement=False),
    Column("grant_id", TEXT, nullable=False),
    Column("at", TEXT, nullable=False),
    sqlite_with_rowid=False,
)

FOLDED.extend((standing_grant, grant_use))

# --- projections

_one_grant = update(standing_grant).where(_at.id == bindparam("of_id"))
_INSERT_GRANT = inserting(
    standing_grant, uses=0, revoked_at=None, revoked_by=None, revoke_reason=None
)
# Where a grant has no use left, no row is changed, and the unit that would use it fails.
_GRANT_USED = setting(_one_grant.where(_at.uses < _at.max_uses), uses=_at.uses + 1)
_GRANT_REVOKED = setting(
    _one_grant.where(_at.revoked_at.is_(None)), "revoked_at", "revoked_by", "revoke_reason"
)
_INSERT_USE = inserting(grant_use)


def _grant_issued(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield change(
        _INSERT_GRANT,
        id=body["grantId"],
        workspace=entry.workspace,
        contract=body["contract"],
        contract_digest=body["contractDigest"],
        requester=body["requester"],
        requester_type=body["requesterType"],
        arguments=encode(body["arguments"]),
        max_uses=body["maxUses"],
        issuer=encode(body["issuer"]),
        reason=body["reason"],
        issued_at=entry.at,
        expires_at=body["expiresAt"],
    )


def _grant_revoked(entry: Entry, body: JsonObject) -> Iterator[Change]:
    told = {"revoked_at": entry.at, "revoked_by": body["by"], "revoke_reason": body.get("reason")}
    yield change(_GRANT_REVOKED, of_id=body["grantId"], **told)


def _grant_used(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield change(_GRANT_USED, of_id=body["grantId"])
    yield change(
        _INSERT_USE,
        execution_id=entry.execution_id,
        step_id=body["stepId"],
        attempt=body["attempt"],
        grant_id=body["grantId"],
        at=entry.at,
    )


PROJECTIONS: Projections = {
    EntryType.GRANT_ISSUED: _grant_issued,
    EntryType.GRANT_REVOKED: _grant_revoked,
    EntryType.GRANT_USED: _grant_used,
}

# --- reading

_mine = _at.workspace == bindparam("workspace")
_ACTIVE = and_(_at.revoked_at.is_(None), _at.expires_at > bindparam("now"), _at.uses < _at.max_uses)
_GRANT = Statement(select(*standing_grant.columns).where(_mine, _at.id == bindparam("of_id")))
ACTIVE_GRANTS = Statement(
    select(*standing_grant.columns)
    .where(_mine, _at.contract == bindparam("contract"), _ACTIVE)
    .order_by(_at.expires_at, _at.id)
)
LAST_USE = Statement(
    select(*grant_use.columns)
    .where(
        grant_use.c.execution_id == bindparam("of_execution"),
        grant_use.c.step_id == bindparam("of_step"),
    )
    .order_by(desc(grant_use.c.attempt))
    .limit(1)
)


def _listing(*wheres: ColumnElement[bool]) -> tuple[Statement, Statement]:
    page = select(*standing_grant.columns).where(_mine, *wheres).order_by(*_newest)
    return (
        Statement(page.limit(bindparam("at_most")).offset(bindparam("skip"))),
        Statement(select(func.count()).select_from(standing_grant).where(_mine, *wheres)),
    )


_BEHIND = tuple_(_at.issued_at, _at.id) < tuple_(bindparam("behind_at"), bindparam("behind_id"))
_LISTED: dict[bool | None, tuple[ColumnElement[bool], ...]] = {
    None: (),
    True: (_ACTIVE,),
    False: (not_(_ACTIVE),),
}
GRANTS = {
    (active, goes_on): _listing(*wheres, *((_BEHIND,) if goes_on else ()))
    for active, wheres in _LISTED.items()
    for goes_on in (False, True)
}


class SqlGrantRecords:
    """``GrantRecords``, over the ways of ``SqlRecords`` to read."""

    __slots__ = ()

    _one: Callable[..., Row | None]
    _all: Callable[..., list[Row]]

    def grant(self, workspace: str, grant_id: str) -> Grant | None:
        """The grant of this id in this workspace."""
        row = self._one(_GRANT, workspace=workspace, of_id=grant_id)
        return _grant(row) if row else None

    def grants(self, which: GrantFilter, page: Page) -> tuple[list[Grant], int]:
        """A page of grants, newest first, and how many there are in all."""
        rows, count = GRANTS[which.active, which.behind is not None]
        given = {"workspace": which.workspace}
        if which.behind is not None:
            given["behind_at"], given["behind_id"] = which.behind
        if which.active is not None:
            given["now"] = which.now
        total = self._one(count, **given)
        found = self._all(rows, **given, at_most=page.limit, skip=page.offset)
        return [_grant(row) for row in found], total[0] if total else 0

    def active_grants(self, workspace: str, contract: str, now: str) -> list[Grant]:
        """The active grants for a contract (``key@version``), the first to expire first."""
        rows = self._all(ACTIVE_GRANTS, workspace=workspace, contract=contract, now=now)
        return [_grant(row) for row in rows]

    def grant_use(self, execution_id: str, step_id: str) -> GrantUse | None:
        """The last use of a grant for a step."""
        row = self._one(LAST_USE, of_execution=execution_id, of_step=step_id)
        if row is None:
            return None
        of_execution, of_step, attempt, grant_id, at = row
        return GrantUse(grant_id, of_execution, of_step, attempt, at)


def _grant(row: Row) -> Grant:
    (own, workspace, contract, contract_digest, requester, requester_type, *rest) = row
    (arguments, max_uses, issuer, reason, issued_at, expires_at, uses, *revocation) = rest
    revoked_at, revoked_by, revoke_reason = revocation
    return Grant(
        id=own,
        workspace=workspace,
        contract=contract,
        contract_digest=contract_digest,
        requester=requester,
        requester_type=PrincipalType(requester_type) if requester_type else None,
        arguments=decode(arguments),
        max_uses=max_uses,
        issuer=Principal.from_json(decode(issuer)),
        reason=reason,
        issued_at=issued_at,
        expires_at=expires_at,
        uses=uses,
        revoked_at=revoked_at,
        revoked_by=revoked_by,
        revoke_reason=revoke_reason,
    )
