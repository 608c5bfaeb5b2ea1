"""Standing grants: a person's consent, given beforehand, to an exact pattern of action.

A grant opens nothing that policy blocks: it only stands in for one approver who would be asked.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from gateway.model.json import JsonObject
from gateway.model.principal import Principal, PrincipalType

if TYPE_CHECKING:  # the ports are made of these records
    from gateway.model.ports import Page

MAX_GRANT_USES = 1_000
"""How often a grant may be used at most."""

MAX_GRANT_DAYS = 30
"""How many days a grant may stand at most."""

MAX_ACTIVE_GRANTS = 100
"""How many grants of a workspace may be active for one contract: each is looked at on dispatch."""


class GrantStatus(StrEnum):
    """Where a grant stands; only an active one is used."""

    ACTIVE = "active"
    EXPIRED = "expired"
    USED_UP = "used_up"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Grant:
    """A standing grant.

    It binds to ``contract`` (``key@version``) with its content digest. ``requester`` and
    ``requester_type`` say for whose runs it stands; at least one of them is set. ``arguments`` is
    the pattern with PII sealed. ``issuer`` is the principal as of the issue. Times are RFC 3339 in
    UTC with microseconds.
    """

    id: str
    workspace: str
    contract: str
    contract_digest: str
    requester: str | None
    requester_type: PrincipalType | None
    arguments: JsonObject
    max_uses: int
    issuer: Principal
    reason: str
    issued_at: str
    expires_at: str
    uses: int = 0
    revoked_at: str | None = None
    revoked_by: str | None = None
    revoke_reason: str | None = None

    def status(self, now: str) -> GrantStatus:
        """Where the grant stands at the moment ``now``."""
        if self.revoked_at is not None:
            return GrantStatus.REVOKED
        if self.uses >= self.max_uses:
            return GrantStatus.USED_UP
        return GrantStatus.EXPIRED if self.expires_at <= now else GrantStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class GrantUse:
    """That a grant let the attempt ``attempt`` (from 1) of a step go, and further ones of the same
    round."""

    grant_id: str
    execution_id: str
    step_id: str
    attempt: int
    at: str


@dataclass(frozen=True, slots=True)
class GrantFilter:
    """Which grants to list: all, or those that are ``active`` at ``now``, or those that are not.

    ``behind`` are the moment and the id of the grant behind which to go on, as of ApprovalFilter.
    """

    workspace: str
    now: str
    active: bool | None = None
    behind: tuple[str, str] | None = None


class GrantRecords(Protocol):
    """Reading standing grants."""

    def grant(self, workspace: str, grant_id: str) -> Grant | None:
        """The grant of this id in this workspace."""
        ...

    def grants(self, which: GrantFilter, page: "Page") -> tuple[list[Grant], int]:
        """A page of grants, newest first, and how many there are in all."""
        ...

    def active_grants(self, workspace: str, contract: str, now: str) -> list[Grant]:
        """The active grants for a contract (``key@version``), the first to expire first."""
        ...

    def grant_use(self, execution_id: str, step_id: str) -> GrantUse | None:
        """The last use of a grant for a step."""
        ...
