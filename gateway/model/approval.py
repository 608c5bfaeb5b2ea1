"""Looking for approval requests: which ones, and for whom."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gateway.model.execution import Approval

if TYPE_CHECKING:
    from gateway.model.ports import Page


@dataclass(frozen=True, slots=True)
class Decider:
    """A person who may decide requests at the moment ``now``, with the roles held then."""

    subject: str
    roles: frozenset[str]
    now: str


@dataclass(frozen=True, slots=True)
class ApprovalFilter:
    """Which approval requests to list; None does not narrow.

    ``requested_before`` is a stamp. ``decider`` leaves those that this person could approve:
    undecided, not expired, of a run under way, with a role that decides them held, by nobody who
    is excluded, and not approved by the person already. ``behind`` are the moment and the id of the
    request behind which to go on: unlike an offset it leaves out none where others are decided
    meanwhile.
    """

    workspace: str
    status: str | None = None
    execution_id: str | None = None
    risk: str | None = None
    requested_before: str | None = None
    decider: Decider | None = None
    behind: tuple[str, str] | None = None


class ApprovalRecords(Protocol):
    """Reading approval requests."""

    def approval(self, execution_id: str, step_id: str) -> Approval | None:
        """The newest approval request of a step."""
        ...

    def approvals(self, which: ApprovalFilter, page: "Page") -> tuple[list[Approval], int]:
        """A page of approval requests, oldest first, and how many there are in all."""
        ...

    def rejecter(self, rejected: Approval) -> str | None:
        """Who rejected this request: the subject."""
        ...
