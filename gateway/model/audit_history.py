"""Reading the record as auditors do: stretches of entries, as they are stored."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from gateway.model.ports import Records


class AuditRow(NamedTuple):
    """An entry; ``body`` is its text as stored, ``type`` as it was written."""

    position: int
    chain: str
    seq: int
    at: str
    type: str
    workspace: str
    execution_id: str | None
    actor: str
    body: str
    hash: str


class Token(NamedTuple):
    """What the record says of somebody who called: roles and capabilities are JSON as stored."""

    subject: str
    type: str
    roles: str
    capabilities: str | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Entries of one workspace behind the position ``after`` up to ``through``, from the stamp
    ``since`` up to, without, the stamp ``until``."""

    workspace: str
    after: int
    through: int
    since: str
    until: str


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Which entries of a stretch are wanted; None does not narrow.

    ``about`` are texts of which one occurs in the body, or else the entry is of one of the types
    ``or_types``; without any text neither narrows.
    """

    actor: str | None = None
    types: tuple[str, ...] | None = None
    execution_id: str | None = None
    about: tuple[str, ...] = ()
    or_types: tuple[str, ...] = ()


class ApprovalFacts(NamedTuple):
    """What an approval request says; ``decision`` is JSON as stored."""

    contract: str
    decision: str
    approver_role: str
    escalated_to: str | None
    requested_by: str
    quorum: int


class StepFacts(NamedTuple):
    """What a step says; ``decision`` is JSON as stored."""

    contract: str
    status: str
    decision: str | None


class AuditHistory(Records, Protocol):
    """``Records``, and the entries of a workspace in the order of their positions."""

    def place_of(self, moment: str) -> int:
        """A position behind which every entry from the stamp ``moment`` on lies, whatever clocks
        did; 0 where archived entries may be among them."""
        ...

    def end_of(self, moment: str) -> int:
        """A position up to which every entry before the stamp ``moment`` lies."""
        ...

    def audited(self, stretch: Stretch, which: Narrowing, limit: int) -> list[AuditRow]:
        """The first ``limit`` entries of a stretch that are wanted, in order."""
        ...

    def tokens(self, stretch: Stretch) -> list[Token]:
        """Everybody who called anything in a stretch, as the tokens said then."""
        ...

    def revisions(self, stretch: Stretch) -> list[str]:
        """The revisions of policy under which calls of a stretch were decided."""
        ...

    def without_seen(self, stretch: Stretch) -> int:
        """How many answers in a stretch do not say what of personal data they showed."""
        ...

    def approval_facts(self, approval_id: str) -> ApprovalFacts | None:
        """What the request of this id says."""
        ...

    def step_facts(self, plan_id: str, step_id: str) -> StepFacts | None:
        """What a step of this plan says."""
        ...
