"""Reading the administration of policy: changesets, revisions and their activations."""

from collections.abc import Callable

from sqlalchemy import bindparam, desc, func, select

from gateway.journal.policy_changes import (
    SHADOWING,
    policy_activation,
    policy_changeset,
    policy_revision,
)
from gateway.journal.session import Row
from gateway.journal.statement import Statement
from gateway.model.json import decode
from gateway.model.policy import (
    Activation,
    Changeset,
    ChangesetFilter,
    ChangesetStatus,
    Edit,
    RecordedRevision,
)
from gateway.model.ports import Page

_its = policy_changeset.c
_newest = (desc(_its.created_at), desc(_its.id))
_CHANGESET = Statement(select(*policy_changeset.columns).where(_its.id == bindparam("of_id")))
_SHADOWING = Statement(select(*policy_changeset.columns).where(SHADOWING).order_by(_its.id))
_REVISION = Statement(
    select(*policy_revision.columns).where(policy_revision.c.revision == bindparam("of_revision"))
)
_ACTIVATIONS = Statement(
    select(*policy_activation.columns)
    .order_by(policy_activation.c.number.desc())
    .limit(bindparam("at_most"))
    .offset(bindparam("skip"))
)
_ACTIVATION_COUNT = Statement(select(func.count()).select_from(policy_activation))


def _listing(*by: str) -> tuple[Statement, Statement]:
    wheres = [policy_changeset.columns[name] == bindparam(name) for name in by]
    page = select(*policy_changeset.columns).where(*wheres).order_by(*_newest)
    return (
        Statement(page.limit(bindparam("at_most")).offset(bindparam("skip"))),
        Statement(select(func.count()).select_from(policy_changeset).where(*wheres)),
    )


_CHANGESETS = {
    frozenset(by): _listing(*by)
    for by in ((), ("workspace",), ("status",), ("workspace", "status"))
}


class SqlPolicyRecords:
    """``PolicyRecords``, over the ways of ``SqlRecords`` to read."""

    __slots__ = ()

    _one: Callable[..., Row | None]
    _all: Callable[..., list[Row]]

    def changeset(self, changeset_id: str) -> Changeset | None:
        """The changeset of this id, of whatever workspace."""
        row = self._one(_CHANGESET, of_id=changeset_id)
        return _changeset(row) if row else None

    def changesets(self, which: ChangesetFilter, page: Page) -> tuple[list[Changeset], int]:
        """A page of changesets, newest first, and how many there are in all."""
        status = which.status.value if which.status else None
        given = {"workspace": which.workspace, "status": status}
        chosen = {name: value for name, value in given.items() if value is not None}
        rows, count = _CHANGESETS[frozenset(chosen)]
        total = self._one(count, **chosen)
        found = self._all(rows, **chosen, at_most=page.limit, skip=page.offset)
        return [_changeset(row) for row in found], total[0] if total else 0

    def shadowing_changesets(self) -> list[Changeset]:
        """The open changesets that decide in the shadow of the revision in force."""
        return [_changeset(row) for row in self._all(_SHADOWING)]

    def policy_revision(self, revision: str) -> RecordedRevision | None:
        """A revision that was in force at some time."""
        row = self._one(_REVISION, of_revision=revision)
        if row is None:
            return None
        own, parent, edits, recorded_at = row
        return RecordedRevision(own, parent, _edits(edits), recorded_at)

    def policy_activations(self, page: Page) -> tuple[list[Activation], int]:
        """A page of activations, newest first, and how many there are in all."""
        total = self._one(_ACTIVATION_COUNT)
        rows = self._all(_ACTIVATIONS, at_most=page.limit, skip=page.offset)
        return [Activation(*row) for row in rows], total[0] if total else 0


def _edits(text: str) -> tuple[Edit, ...]:
    return tuple(Edit.from_json(item) for item in decode(text))


def _changeset(row: Row) -> Changeset:
    (own, workspace, status, title, reason, base, revision, edits, restores, *rest) = row
    (authors, findings, cases, impact, shadowing, created_at, updated_at, *decision) = rest
    decided_by, decided_at, note, approver = decision
    return Changeset(
        id=own,
        workspace=workspace,
        status=ChangesetStatus(status),
        title=title,
        reason=reason,
        base=base,
        revision=revision,
        edits=_edits(edits),
        restores=restores,
        authors=tuple(decode(authors)),
        findings=tuple(decode(findings)),
        cases=decode(cases),
        impact=None if impact is None else decode(impact),
        shadowing=bool(shadowing),
        created_at=created_at,
        updated_at=updated_at,
        decided_by=decided_by,
        decided_at=decided_at,
        note=note,
        approver=None if approver is None else decode(approver),
    )
