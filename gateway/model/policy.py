"""Policy as data: edits, changesets, the revisions that became of them and their activations."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from gateway.model.json import JsonObject

if TYPE_CHECKING:
    from gateway.model.ports import Page


@dataclass(frozen=True, slots=True)
class Edit:
    """One change to the policy files.

    A row of a rule file is added (``add``), removed (``remove``) or replaced in its place (both);
    any file is exchanged as a whole by ``text``, which removes it where it is empty.
    """

    file: str
    remove: str | None = None
    add: str | None = None
    text: str | None = None

    @property
    def is_whole(self) -> bool:
        """True if the whole file is exchanged."""
        return self.text is not None

    def to_json(self) -> JsonObject:
        """The edit as it is recorded: without what it does not say."""
        said = {"file": self.file, "remove": self.remove, "add": self.add, "text": self.text}
        return {name: value for name, value in said.items() if value is not None}

    @classmethod
    def from_json(cls, body: JsonObject) -> "Edit":
        """The edit that ``to_json`` wrote."""
        return cls(body["file"], body.get("remove"), body.get("add"), body.get("text"))


class ChangesetStatus(StrEnum):
    """How far a changeset has come.

    A draft is refused by its checks; a checked one passed lint and cases; an analyzed one has its
    impact on the recorded decisions; an approved one may be activated. The last three end it.
    """

    DRAFT = "draft"
    CHECKED = "checked"
    ANALYZED = "analyzed"
    APPROVED = "approved"
    ACTIVATED = "activated"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"

    @property
    def is_open(self) -> bool:
        """True until it is activated, rejected or withdrawn."""
        return self in _OPEN


_OPEN = frozenset(
    {
        ChangesetStatus.DRAFT,
        ChangesetStatus.CHECKED,
        ChangesetStatus.ANALYZED,
        ChangesetStatus.APPROVED,
    }
)


@dataclass(frozen=True, slots=True)
class Changeset:
    """A proposed change of policy.

    ``base`` is the revision that it changes, ``revision`` the one that it results in. ``edits``
    lead from one to the other; where ``restores`` names an earlier revision, that one's content is
    the result and there are no edits. ``authors`` are all who drafted or revised it. ``findings``
    are those of its lint, ``cases`` the outcome of the policies' own tests, ``impact`` the report
    of the analysis (made while ``impact.head`` was in force), ``approver`` who approved it, with
    the roles of the token. Times are RFC 3339 in UTC.
    """

    id: str
    workspace: str
    status: ChangesetStatus
    title: str
    reason: str
    base: str
    revision: str
    edits: tuple[Edit, ...]
    restores: str | None
    authors: tuple[str, ...]
    findings: tuple[JsonObject, ...]
    cases: JsonObject
    impact: JsonObject | None
    shadowing: bool
    created_at: str
    updated_at: str
    decided_by: str | None = None
    decided_at: str | None = None
    note: str | None = None
    approver: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class RecordedRevision:
    """A revision that was in force at some time: its content is that of ``parent`` after ``edits``
    (for the first one, ``parent`` is None and the edits bring every file)."""

    revision: str
    parent: str | None
    edits: tuple[Edit, ...]
    recorded_at: str


@dataclass(frozen=True, slots=True)
class Activation:
    """One time that a revision came into force. ``number`` counts from 1; ``source`` is ``files``
    or ``changeset``, ``by`` is empty for the gateway itself."""

    number: int
    revision: str
    previous: str | None
    source: str
    changeset_id: str | None
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class ChangesetFilter:
    """Which changesets to list; None does not narrow."""

    workspace: str | None = None
    status: ChangesetStatus | None = None


class PolicyRecords(Protocol):
    """Reading the administration of policy, as part of ``Records``."""

    def changeset(self, changeset_id: str) -> Changeset | None:
        """The changeset of this id, of whatever workspace."""
        ...

    def changesets(self, which: ChangesetFilter, page: "Page") -> tuple[list[Changeset], int]:
        """A page of changesets, newest first, and how many there are in all."""
        ...

    def shadowing_changesets(self) -> list[Changeset]:
        """The open changesets that decide in the shadow of the revision in force."""
        ...

    def policy_revision(self, revision: str) -> RecordedRevision | None:
        """A revision that was in force at some time."""
        ...

    def policy_activations(self, page: "Page") -> tuple[list[Activation], int]:
        """A page of activations, newest first, and how many there are in all."""
        ...
