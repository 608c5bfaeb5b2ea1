"""Skills: what a publisher signed, and what became of it in a workspace."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from gateway.model.json import JsonObject

if TYPE_CHECKING:
    from gateway.model.ports import Page


class SkillStatus(StrEnum):
    """Whether an installed skill may be used."""

    INSTALLED = "installed"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Installation:
    """One version of a skill in one workspace.

    ``id`` is that of its last installation. ``manifest_digest`` is the hex SHA-256 of the signed
    bytes, to which the version stays bound also while it is disabled; ``artifact_digest`` is
    ``sha256:<hex>``. ``contracts`` maps the references of the contracts that it brings to their
    digests, ``trust_digest`` says under which trust policy it was accepted. Times are RFC 3339 in
    UTC with microseconds.
    """

    id: str
    workspace: str
    key: str
    version: str
    status: SkillStatus
    publisher: str
    provenance: str
    manifest_digest: str
    artifact_digest: str
    manifest: JsonObject
    contracts: dict[str, str]
    trust_digest: str
    installed_at: str
    installed_by: str
    disabled_at: str | None = None
    disabled_by: str | None = None
    reason: str | None = None

    @property
    def ref(self) -> str:
        """``key@version``, which is also the capability of the contracts that it brings."""
        return f"{self.key}@{self.version}"

    @property
    def is_enabled(self) -> bool:
        """True unless it was disabled."""
        return self.status is SkillStatus.INSTALLED


@dataclass(frozen=True, slots=True)
class SkillFilter:
    """Which installations to list; None does not narrow."""

    workspace: str
    status: SkillStatus | None = None


class SkillRecords(Protocol):
    """Reading installations, as part of ``Records``."""

    def skill(self, workspace: str, key: str, version: str) -> Installation | None:
        """The installation of this version, enabled or disabled."""
        ...

    def skill_versions(self, workspace: str, key: str) -> list[Installation]:
        """Every version of a skill in a workspace, the oldest installation first."""
        ...

    def skills(self, which: SkillFilter, page: "Page") -> tuple[list[Installation], int]:
        """A page of installations by key and version, and how many there are in all."""
        ...

    def skill_standings(self) -> list[tuple[str, str]]:
        """The id and the status of every installation: cheap, and another whenever one changed."""
        ...

    def all_skills(self, *, manifests: bool = False) -> list[Installation]:
        """Every installation of every workspace, the oldest first (for the gateway itself).

        Their manifests, which may be large, are read only if asked for; else they are empty.
        """
        ...
