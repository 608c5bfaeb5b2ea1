"""controlPlane.skill.verify, skill.install, skill.disable and skill.list"""

import asyncio
from dataclasses import dataclass
from functools import partial

from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.ports import Page, Records, Tx
from gateway.model.problem import MAX_ISSUES, Issue, refuse
from gateway.model.sealing import seal_paths
from gateway.model.skill import Installation, SkillFilter, SkillStatus
from gateway.operations.common import acting, page_of, present
from gateway.pipeline import Admitted, Bindings, Command, Priority, Query, Refused
from gateway.runtime import Loop
from gateway.skills import Checked, Report, Request, SkillRegistry, refusal

INSTALL = "controlPlane.skill.install@1.0.0"
_INSTALLED = "controlPlane.skill.installed@1.0.0"


def bind_skills(loop: Loop, skills: SkillRegistry) -> Bindings:
    """The handlers of the contracts about skills."""
    handlers = _Handlers(loop, skills)
    return {
        "controlPlane.skill.verify@1.0.0": Query(handlers.verify, handlers.check),
        INSTALL: Command(handlers.install, handlers.check, (_INSTALLED,)),
        "controlPlane.skill.disable@1.0.0": Command(handlers.disable, priority=Priority.OPERATOR),
        "controlPlane.skill.list@1.0.0": Query(handlers.list_all),
    }


@dataclass(frozen=True, slots=True)
class _Handlers:
    loop: Loop
    skills: SkillRegistry

    async def check(self, admitted: Admitted) -> Checked:
        """Check the skill of a call, away from the event loop and from the journal's threads."""
        value = admitted.value
        request = Request(
            value["skillKey"], value["version"], value["artifactDigest"], value["manifest"]
        )
        return await asyncio.to_thread(self.skills.check, request)

    def verify(self, admitted: Admitted, records: Records) -> JsonObject:
        """What an installation would find now."""
        checked: Checked = admitted.prepared
        workspace = admitted.principal.workspace
        clashes = self.skills.clashes(checked, workspace, records.all_skills())
        report = checked.report.with_issues(clashes)
        reason = report.issues[0].message if report.issues else None
        if reason is None and checked.is_missing:
            reason = f"The artifact is not here yet, so nothing in it was checked. {_UPLOAD}"
        told = {**_verdict(report), "issues": _issues(report.issues), "reason": reason}
        return present({**told, "verifiedAt": checked.at})

    def install(self, admitted: Admitted, tx: Tx) -> JsonObject | Refused:
        """Record a verified skill and offer its contracts; or that it was rejected, and why."""
        checked: Checked = admitted.prepared
        request, workspace = checked.request, admitted.principal.workspace
        everything = tx.all_skills()
        report = checked.report.with_issues(self.skills.clashes(checked, workspace, everything))
        if not report.verified:
            tx.append(_rejected(admitted, checked, report))
            return Refused(refusal(report.issues))
        if checked.is_missing:
            raise refuse("PRECONDITION_FAILED", f"The artifact is not here. {_UPLOAD}")
        self._require_free(tx.skill(workspace, request.key, request.version), checked)
        self.skills.expect(checked)
        tx.after_commit(partial(self.skills.learn, checked))
        installation_id = self.loop.lifecycle.ids.new("skill")
        tx.append(self._installed(admitted, checked, installation_id))
        self._publish(tx, workspace)
        return present(
            {
                "installationId": installation_id,
                "skillKey": request.key,
                "version": request.version,
                **_verdict(report),
                "provenance": request.manifest["publisher"]["provenance"],
                "issues": [],
                "status": SkillStatus.INSTALLED.value.upper(),
                "installedAt": tx.now,
            }
        )

    def disable(self, admitted: Admitted, tx: Tx) -> JsonObject:
        """Take a version out of use, or all of them."""
        subject, value = acting(admitted, "disabledBy"), admitted.value
        workspace, key = admitted.principal.workspace, value["skillKey"]
        version = value.get("version")
        found = [one for one in tx.skill_versions(workspace, key) if version in (None, one.version)]
        named = key if version is None else f"{key}@{version}"
        if not found:
            raise refuse("NOT_FOUND", f"There is no skill {named} in this workspace.")
        enabled = [one for one in found if one.is_enabled]
        if not enabled:
            raise refuse("CONFLICT", f"The skill {named} is DISABLED already.")
        for one in enabled:
            body = {"skillKey": key, "version": one.version, "disabledAt": tx.now}
            told = present({**body, "reason": value.get("reason")})
            tx.append(NewEntry(EntryType.SKILL_DISABLED, workspace, told, actor=subject))
        self._publish(tx, workspace)
        return present(
            {
                "skillKey": key,
                "version": version,
                "status": SkillStatus.DISABLED.value.upper(),
                "disabledAt": tx.now,
            }
        )

    def list_all(self, admitted: Admitted, records: Records) -> JsonObject:
        """The skills of the workspace by key and version."""
        status = None if admitted.value.get("includeDisabled") else SkillStatus.INSTALLED
        which = SkillFilter(admitted.principal.workspace, status)
        found, total = records.skills(which, page_of(admitted))
        return {"items": [self._summary(one) for one in found], "total": total}

    def _summary(self, one: Installation) -> JsonObject:
        return {
            "skillKey": one.key,
            "version": one.version,
            "status": one.status.value.upper(),
            "verified": self.skills.holds(one),
            "publisher": one.publisher,
            "provenance": one.provenance,
            "installedAt": one.installed_at,
        }

    def _require_free(self, taken: Installation | None, checked: Checked) -> None:
        """Refuse a version that is taken: once installed, it means one manifest for good.

        Raises:
            ProblemError: CONFLICT, saying by what it is taken.
        """
        if taken is None:
            return
        if taken.manifest_digest != checked.manifest_digest:
            raise refuse(
                "CONFLICT",
                f"{taken.ref} is {taken.status.value.upper()} here with another manifest "
                f"({taken.manifest_digest}). Publish the change under a new version.",
            )
        if taken.is_enabled and self.skills.holds(taken):
            raise refuse(
                "CONFLICT", f"{taken.ref} is INSTALLED already, since {taken.installed_at}."
            )

    def _installed(self, admitted: Admitted, checked: Checked, installation_id: str) -> NewEntry:
        request, principal = checked.request, admitted.principal
        publisher = request.manifest["publisher"]
        body = {
            "installationId": installation_id,
            "skillKey": request.key,
            "version": request.version,
            "publisher": publisher["id"],
            "provenance": publisher["provenance"],
            "manifestDigest": checked.manifest_digest,
            "artifactDigest": request.artifact_digest,
            "manifest": request.manifest,
            "contracts": checked.bundle.digests,
            "trustDigest": self.skills.trust.digest,
            "metadata": self._metadata(admitted),
        }
        told = present(body)
        return NewEntry(
            EntryType.SKILL_INSTALLED, principal.workspace, told, actor=principal.subject
        )

    def _metadata(self, admitted: Admitted) -> JsonObject | None:
        """What the caller says of the installation; nobody may plant an envelope in it."""
        given = admitted.value.get("metadata")
        if given is None:
            return None
        return seal_paths(self.loop.sealer, admitted.owner, INSTALL, "input", given, ())

    def _publish(self, tx: Tx, workspace: str) -> None:
        """Offer what is installed after this unit, once it is durable."""
        enabled = SkillFilter(workspace, SkillStatus.INSTALLED)
        installed, _ = tx.skills(enabled, Page(_ALL))
        tx.after_commit(partial(self.skills.publish, workspace, installed))


_ALL = 100_000
_UPLOAD = "Upload it with PUT /skills/artifacts/{its digest}, then install."


def _rejected(admitted: Admitted, checked: Checked, report: Report) -> NewEntry:
    request, principal = checked.request, admitted.principal
    body = {
        "skillKey": request.key,
        "version": request.version,
        "reason": report.issues[0].message,
        "provenance": request.manifest["publisher"]["provenance"],
        "manifestDigest": report.manifest_digest,
        "issues": _issues(report.issues),
    }
    return NewEntry(
        EntryType.SKILL_REJECTED, principal.workspace, present(body), actor=principal.subject
    )


def _verdict(report: Report) -> JsonObject:
    return {
        "verified": report.verified,
        "signatureVerified": report.signature_verified,
        "publisherTrusted": report.publisher_trusted,
        "compatibilityVerified": report.compatibility_verified,
        "manifestDigest": report.manifest_digest,
    }


def _issues(issues: tuple[Issue, ...]) -> list[JsonObject]:
    return [{"code": one.code, "message": one.message} for one in issues[:MAX_ISSUES]]
