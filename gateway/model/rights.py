"""Rights of people: erasures, legal holds and consents, and what is read of them.

Whoever they are about is named by a pseudonym, a keyed hash that nobody can guess without the keys,
so that no record of an erasure keeps the name alive.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from gateway.model.json import JsonObject
from gateway.model.pii import Owner

if TYPE_CHECKING:  # the ports are made of these records
    from gateway.model.ports import Page, Sealer


class SubjectKind(StrEnum):
    """What holds personal data that can be erased: a person, or an execution by itself."""

    PERSON = "person"
    EXECUTION = "execution"


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose data is meant: ``target`` is a person's pseudonym or the id of an execution."""

    workspace: str
    kind: SubjectKind
    target: str

    @property
    def execution_id(self) -> str | None:
        """The execution that it is, if it is one."""
        return self.target if self.kind is SubjectKind.EXECUTION else None


def pseudonym(sealer: "Sealer", owner: Owner) -> str:
    """What stands for a person wherever the name must not: the token of the key store."""
    return sealer.commit(owner.workspace, ["subject", owner.subject])


class ErasureStatus(StrEnum):
    """Where an erasure stands. What is held is approved, and waits for a legal hold to end."""

    PENDING_APPROVAL = "pending_approval"
    APPROVED = "approved"
    HELD = "held"
    ERASED = "erased"
    REJECTED = "rejected"


OPEN_ERASURES = (ErasureStatus.PENDING_APPROVAL, ErasureStatus.APPROVED, ErasureStatus.HELD)
"""Where an erasure stands that is not over."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """A request to erase what is held on a subject.

    ``asked`` and ``told`` are what the requester and whoever decided wrote, sealed with a key of
    the subject. ``held_by`` are the holds that it was last found to wait for. From ``condemned_at``
    on nothing stops it. Times are RFC 3339 in UTC with microseconds.
    """

    id: str
    subject: Subject
    status: ErasureStatus
    ground: str
    asked: JsonObject
    requested_by: str
    requested_at: str
    decided_by: str | None = None
    decided_at: str | None = None
    told: JsonObject | None = None
    held_by: tuple[str, ...] = ()
    condemned_at: str | None = None
    erased_at: str | None = None
    receipt: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold: until it is lifted or expires, nothing of the subject is erased.

    ``asked`` and ``told`` are what was written when it was placed and lifted, sealed.
    """

    id: str
    subject: Subject
    matter: str
    asked: JsonObject
    placed_by: str
    placed_at: str
    expires_at: str | None = None
    lifted_by: str | None = None
    lifted_at: str | None = None
    told: JsonObject | None = None

    def is_active(self, now: str) -> bool:
        """True while it holds at the moment ``now``."""
        return self.lifted_at is None and (self.expires_at is None or self.expires_at > now)


@dataclass(frozen=True, slots=True)
class Consent:
    """A person's consent to a ``purpose``; ``asked`` and ``told`` are its evidence and why it was
    withdrawn, sealed."""

    id: str
    subject: Subject
    purpose: str
    asked: JsonObject
    recorded_by: str
    recorded_at: str
    expires_at: str | None = None
    withdrawn_by: str | None = None
    withdrawn_at: str | None = None
    told: JsonObject | None = None

    def is_active(self, now: str) -> bool:
        """True while it stands at the moment ``now``."""
        return self.withdrawn_at is None and (self.expires_at is None or self.expires_at > now)


@dataclass(frozen=True, slots=True)
class RightsFilter:
    """What to list of a workspace; None does not narrow. ``active`` is as of the stamp ``now``."""

    workspace: str
    now: str
    status: str | None = None
    target: str | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True)
class CondemnedKey:
    """A data key that the journal says was destroyed; ``cause`` is an erasure's id or a word."""

    id: str
    workspace: str
    cause: str


class RightsRecords(Protocol):
    """Reading erasures, holds and consents, as part of ``Records``."""

    def erasure(self, workspace: str, erasure_id: str) -> Erasure | None:
        """The erasure of this id in this workspace."""
        ...

    def erasures(self, which: RightsFilter, page: "Page") -> tuple[list[Erasure], int]:
        """A page of erasures, newest first, and how many there are in all."""
        ...

    def erasures_to_do(self) -> list[Erasure]:
        """Approved erasures of all workspaces that are not done, the oldest first."""
        ...

    def open_erasure(self, subject: Subject) -> Erasure | None:
        """The erasure of a subject that is not over, if there is one."""
        ...

    def hold(self, workspace: str, hold_id: str) -> Hold | None:
        """The hold of this id in this workspace."""
        ...

    def holds(self, which: RightsFilter, page: "Page") -> tuple[list[Hold], int]:
        """A page of holds, newest first, and how many there are in all."""
        ...

    def active_holds(self, workspace: str, now: str) -> list[Hold]:
        """Every hold of a workspace that holds now, the oldest first."""
        ...

    def consent(self, workspace: str, consent_id: str) -> Consent | None:
        """The consent of this id in this workspace."""
        ...

    def consents(self, which: RightsFilter, page: "Page") -> tuple[list[Consent], int]:
        """A page of consents, newest first, and how many there are in all."""
        ...

    def active_consents(self, subject: Subject, now: str) -> list[Consent]:
        """Every consent of a person that stands now, the oldest first."""
        ...

    def condemned_keys(self, after: str, limit: int) -> list[CondemnedKey]:
        """Keys that the journal says were destroyed, by id, behind ``after``."""
        ...

    def condemned_by(self, cause: str) -> list[str]:
        """The ids of the keys that were destroyed for one cause."""
        ...

    def uncondemned(self, key_ids: list[str]) -> list[str]:
        """Those of these keys of which the journal does not say that they were destroyed."""
        ...
