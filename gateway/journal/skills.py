"""Installed skills in SQL: the table, what entries change in it, and reading it."""

from collections.abc import Callable, Iterator

from sqlalchemy import Column, Index, Table, bindparam, literal, select, update

from gateway.journal.dialects import JSON, TEXT
from gateway.journal.folding import Change, Projections, change
from gateway.journal.queries import Listing
from gateway.journal.session import Row
from gateway.journal.statement import Statement, setting, storing
from gateway.journal.tables import PROJECTIONS as FOLDED
from gateway.journal.tables import metadata
from gateway.model.entry import Entry, EntryType
from gateway.model.json import JsonObject, decode, encode
from gateway.model.ports import Page
from gateway.model.skill import Installation, SkillFilter, SkillStatus

# --- the table: one row for each version of a skill in a workspace

skill = Table(
    "skill",
    metadata,
    Column("workspace", TEXT, primary_key=True, nullable=False),
    Column("key", TEXT, primary_key=True, nullable=False),
    Column("version", TEXT, primary_key=True, nullable=False),
    Column("id", TEXT, nullable=False),
    Column("status", TEXT, nullable=False),
    Column("publisher", TEXT, nullable=False),
    Column("provenance", TEXT, nullable=False),
    Column("manifest_digest", TEXT, nullable=False),
    Column("artifact_digest", TEXT, nullable=False),
    Column("manifest", JSON, nullable=False),
    Column("contracts", JSON, nullable=False),
    Column("trust_digest", TEXT, nullable=False),
    Column("installed_at", TEXT, nullable=False),
    Column("installed_by", TEXT, nullable=False),
    Column("disabled_at", TEXT, nullable=True),
    Column("disabled_by", TEXT, nullable=True),
    Column("reason", TEXT, nullable=True),
    sqlite_with_rowid=False,
)
Index("skill_by_status", skill.c.workspace, skill.c.status, skill.c.key, skill.c.version)
FOLDED.append(skill)

# --- projections

# A version that was disabled is installed again.
_INSTALLED = storing(skill, "workspace", "key", "version")
_DISABLED = setting(
    update(skill).where(
        skill.c.workspace == bindparam("of_workspace"),
        skill.c.key == bindparam("of_key"),
        skill.c.version == bindparam("of_version"),
    ),
    *("disabled_at", "disabled_by", "reason"),
    status=SkillStatus.DISABLED.value,
)


def _skill_installed(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield change(
        _INSTALLED,
        workspace=entry.workspace,
        key=body["skillKey"],
        version=body["version"],
        id=body["installationId"],
        status=SkillStatus.INSTALLED.value,
        publisher=body["publisher"],
        provenance=body["provenance"],
        manifest_digest=body["manifestDigest"],
        artifact_digest=body["artifactDigest"],
        manifest=encode(body["manifest"]),
        contracts=encode(body["contracts"]),
        trust_digest=body["trustDigest"],
        installed_at=entry.at,
        installed_by=entry.actor,
        disabled_at=None,
        disabled_by=None,
        reason=None,
    )


def _skill_disabled(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield change(
        _DISABLED,
        of_workspace=entry.workspace,
        of_key=body["skillKey"],
        of_version=body["version"],
        disabled_at=entry.at,
        disabled_by=entry.actor,
        reason=body.get("reason"),
    )


PROJECTIONS: Projections = {
    EntryType.SKILL_INSTALLED: _skill_installed,
    EntryType.SKILL_DISABLED: _skill_disabled,
}

# --- reading

_oldest = (skill.c.installed_at, skill.c.workspace, skill.c.key, skill.c.version)
_of_key = (skill.c.workspace == bindparam("of_workspace"), skill.c.key == bindparam("of_key"))

SKILL = Statement(
    select(*skill.columns).where(*_of_key, skill.c.version == bindparam("of_version"))
)
SKILL_VERSIONS = Statement(select(*skill.columns).where(*_of_key).order_by(*_oldest))
SKILLS = Listing(skill, skill.c.key, skill.c.version, by=("status",))
ALL_SKILLS = Statement(select(*skill.columns).order_by(*_oldest))
_no_manifest = [column if column.name != "manifest" else literal("{}") for column in skill.columns]
ALL_WITHOUT_MANIFESTS = Statement(select(*_no_manifest).order_by(*_oldest))

SKILL_STANDINGS = Statement(select(skill.c.id, skill.c.status).order_by(skill.c.id))


class SqlSkillRecords:
    """``SkillRecords``, over the ways of ``SqlRecords`` to run a statement."""

    __slots__ = ()

    _one: Callable[..., Row | None]
    _all: Callable[..., list[Row]]
    _page: Callable[..., tuple[list[Row], int]]

    def skill(self, workspace: str, key: str, version: str) -> Installation | None:
        """The installation of this version, enabled or disabled."""
        row = self._one(SKILL, of_workspace=workspace, of_key=key, of_version=version)
        return _installation(row) if row else None

    def skill_versions(self, workspace: str, key: str) -> list[Installation]:
        """Every version of a skill in a workspace, the oldest installation first."""
        rows = self._all(SKILL_VERSIONS, of_workspace=workspace, of_key=key)
        return [_installation(row) for row in rows]

    def skills(self, which: SkillFilter, page: Page) -> tuple[list[Installation], int]:
        """A page of installations by key and version, and how many there are in all."""
        filters = {"status": which.status.value if which.status else None}
        rows, total = self._page(SKILLS, which.workspace, filters, page)
        return [_installation(row) for row in rows], total

    def all_skills(self, *, manifests: bool = False) -> list[Installation]:
        """Every installation of every workspace, the oldest first, with manifests if asked for."""
        rows = self._all(ALL_SKILLS if manifests else ALL_WITHOUT_MANIFESTS)
        return [_installation(row) for row in rows]

    def skill_standings(self) -> list[tuple[str, str]]:
        """The id and the status of every installation: cheap, and another whenever one changed."""
        return [(row[0], row[1]) for row in self._all(SKILL_STANDINGS)]


def _installation(row: Row) -> Installation:
    (workspace, key, version, own, status, publisher, provenance, *rest) = row
    (manifest_digest, artifact_digest, manifest, contracts, trust_digest, *rest) = rest
    (installed_at, installed_by, disabled_at, disabled_by, reason) = rest
    return Installation(
        id=own,
        workspace=workspace,
        key=key,
        version=version,
        status=SkillStatus(status),
        publisher=publisher,
        provenance=provenance,
        manifest_digest=manifest_digest,
        artifact_digest=artifact_digest,
        manifest=decode(manifest),
        contracts=decode(contracts),
        trust_digest=trust_digest,
        installed_at=installed_at,
        installed_by=installed_by,
        disabled_at=disabled_at,
        disabled_by=disabled_by,
        reason=reason,
    )
