"""Principals: who is acting, as the token said and the gateway believed."""

import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct

from gateway.model.json import JsonObject

WORKSPACE_PATTERN = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62})")
"""What a workspace may be called."""


class PrincipalType(StrEnum):
    """What kind of actor a principal is; policy treats people and agents differently."""

    ANONYMOUS = "anonymous"
    HUMAN = "human"
    SERVICE = "service"
    AGENT = "agent"
    TOOL = "tool"


class Principal(Struct, frozen=True):
    """The authenticated actor of a call.

    ``roles`` are the token's claims (policy may grant more), ``capabilities`` the token's
    capability grants: None leaves the principal unrestricted, a set narrows it to contracts of
    these capabilities. ``session`` names the token (its ``jti``).
    """

    type: PrincipalType
    subject: str
    workspace: str
    roles: frozenset[str] = frozenset()
    capabilities: frozenset[str] | None = None
    session: str | None = None

    @property
    def is_anonymous(self) -> bool:
        """True without a token."""
        return self.type is PrincipalType.ANONYMOUS

    def to_json(self) -> JsonObject:
        """The principal as it is kept with a run."""
        return {
            "type": self.type.value,
            "subject": self.subject,
            "workspace": self.workspace,
            "roles": sorted(self.roles),
            "capabilities": None if self.capabilities is None else sorted(self.capabilities),
            "session": self.session,
        }

    @classmethod
    def from_json(cls, body: JsonObject) -> "Principal":
        """The principal that ``to_json`` wrote."""
        capabilities = body["capabilities"]
        return cls(
            type=PrincipalType(body["type"]),
            subject=body["subject"],
            workspace=body["workspace"],
            roles=frozenset(body["roles"]),
            capabilities=None if capabilities is None else frozenset(capabilities),
            session=body["session"],
        )


def folded(subject: str) -> str:
    """What all spellings of a subject have in common: letters without their case, each accent
    within its letter or behind it, one of several signs for what reads the same (Unicode, section
    3.13, compatibility caseless matching)."""
    if subject.isascii():
        return subject.casefold()
    whole = unicodedata.normalize("NFKC", subject).casefold()
    return unicodedata.normalize("NFKC", whole)


def is_among(subject: str, others: Iterable[str]) -> bool:
    """True if one of ``others`` may be the same person: to many who issue tokens, ``Alice`` and
    ``alice`` are one, so where two people are wanted, these are not two."""
    return folded(subject) in map(folded, others)


ANONYMOUS = Principal(PrincipalType.ANONYMOUS, "anonymous", "")
"""Whoever comes without a token."""
