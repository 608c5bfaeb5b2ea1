"""The skills of a gateway: checked when they come, offered while they stand.

What is durable stands in the journal; here is what follows from it in this process. The contracts
of every skill that was ever installed stay known, so that a run keeps what it was compiled with;
those of enabled, trusted and unexpired ones are offered to their workspaces.
"""

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.contracts import Bundle, LiveRegistry, Offer, contents_of, name_clashes
from gateway.model.contract import OperationContract
from gateway.model.json import JsonObject, encoded
from gateway.model.ports import Clock
from gateway.model.problem import Issue, ProblemError, refuse
from gateway.model.skill import Installation
from gateway.model.time import stamp
from gateway.skills.contracts import first_word, open_archive
from gateway.skills.issues import MANIFEST_INVALID
from gateway.skills.manifest import Request, expiry, request_of
from gateway.skills.store import ArtifactStore
from gateway.skills.trust import TrustPolicy
from gateway.skills.verification import Host, Report, has_expired, verify_manifest

_log = logging.getLogger(__name__)
_NOTHING = Bundle({}, {}, ())
_BEFORE_ANY_END = datetime.min.replace(tzinfo=UTC)

Inspect = Callable[[Iterable[OperationContract]], list[Issue]]


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of a skill, and the contracts that it brings.

    ``at`` is when. ``is_missing`` says that the manifest holds but the archive that it lists is
    not here.
    """

    request: Request
    report: Report
    at: str
    bundle: Bundle = _NOTHING
    is_missing: bool = False

    @property
    def manifest_digest(self) -> str:
        """The digest of the manifest, empty where there is none."""
        return self.report.manifest_digest or ""


class SkillRegistry:
    """Checks skills and keeps ``live`` in step with the installations.

    ``inspect`` says what keeps handlers from being performed here (hosts, secrets).
    """

    def __init__(
        self,
        live: LiveRegistry,
        trust: TrustPolicy,
        store: ArtifactStore,
        host: Host,
        clock: Clock,
        inspect: Inspect,
    ) -> None:
        self.trust = trust
        self._live = live
        self.store = store
        self._host = host
        self._clock = clock
        self._inspect = inspect
        self._bundles: dict[str, Bundle] = {}
        self._unfit: set[str] = set()
        self._contents: dict[str, JsonObject] = {}
        self._held: dict[bytes, bool] = {}

    def check(self, request: Request) -> Checked:
        """Check a skill with its archive and contracts. Slow: not for the event loop.

        Nothing of an archive is opened before its manifest is found to be trusted.
        """
        report, at = self._verified(request), stamp(self._clock.now())
        if not report.verified or not request.files:
            return Checked(request, report, at)
        content = self.store.get(request.artifact_digest)
        if content is None:
            return Checked(request, report, at, is_missing=True)
        bundle, issues = self._load(request, content)
        return Checked(request, report.with_issues(issues), at, bundle)

    def holds(self, installation: Installation) -> bool:
        """True if the manifest of an installation is verified under the trust policy in force.

        All but the time is looked at once for each manifest: whenever a skill comes or goes, all
        of a workspace are asked for on the event loop, and nothing else goes on meanwhile.
        """
        manifest = installation.manifest
        content = hashlib.sha256(encoded(manifest)).digest()
        held = self._held.get(content)
        if held is None:
            report = verify_manifest(request_of(manifest), self.trust, self._host, _BEFORE_ANY_END)
            held = self._held[content] = report.verified
        return held and not has_expired(manifest, self.trust, self._clock.now())

    def clashes(
        self, checked: Checked, workspace: str, installed: Sequence[Installation]
    ) -> tuple[Issue, ...]:
        """What keeps these contracts from standing beside those of ``installed``.

        ``installed`` is every installation of every workspace, disabled ones too: the content of
        a reference is settled for good by the first skill that brings it.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE or PRECONDITION_FAILED where one of them is not known
                here, so that nobody can tell.
        """
        others = [one for one in installed if one.manifest_digest != checked.manifest_digest]
        found: list[Issue] = []
        if checked.report.verified:
            found = list(_ownership(checked, others)) or list(self._taken_names(checked, others))
        if not found and checked.bundle.operations:
            beside = [
                self._bundle_of(one)
                for one in others
                if one.workspace == workspace and one.is_enabled and one.contracts
            ]
            found = [
                Issue(one.path, MANIFEST_INVALID, f"{one.path} {one.code}: {one.message}")
                for one in name_clashes(self._live.base, [*beside, checked.bundle])
            ]
        return tuple(found)

    def expect(self, checked: Checked) -> None:
        """Hold what is installed next against a skill whose installation is not durable yet.

        Nothing of it is known otherwise: it may be undone, and its references then mean nothing.
        """
        self._bundles.setdefault(checked.manifest_digest, checked.bundle)

    def learn(self, checked: Checked) -> None:
        """Know the contracts of a skill that was installed."""
        self._keep(checked.manifest_digest, checked.bundle)

    def publish(self, workspace: str, installed: Iterable[Installation]) -> None:
        """Offer a workspace the contracts of its skills, and no others."""
        installed = list(installed)
        self._live.offer(workspace, list(self._offers(installed)))
        for one in installed:
            if self._knows(one):
                self._live.took_up(one.id)

    def restore(self, installed: Sequence[Installation]) -> None:
        """Take up what an earlier or another process installed, from the stored archives."""
        self.load(installed)
        self.publish_all(installed)

    def load(self, installed: Sequence[Installation]) -> None:
        """Know the contracts of these, from the stored archives. Waits for where those are."""
        for one in installed:
            if one.contracts and not self._knows(one):
                self._reload(one)
            self._live.took_up(one.id)

    def publish_all(self, installed: Sequence[Installation]) -> None:
        """Offer each workspace the contracts of its skills."""
        for workspace in dict.fromkeys(one.workspace for one in installed):
            self.publish(workspace, [one for one in installed if one.workspace == workspace])

    def content_of(self, contract_digest: str) -> JsonObject | None:
        """What the digest of a skill's contract stands for; None where it is not known."""
        return self._contents.get(contract_digest)

    def _taken_names(self, checked: Checked, others: Sequence[Installation]) -> Iterator[Issue]:
        """Names that another publisher's skill brought first: what rules say of them (``desk.*``,
        ``domain:desk``) was not said of these contracts."""
        publisher = checked.request.manifest["publisher"]["id"]
        owners: dict[str, str] = {}
        for one in others:
            for name in self._names_of(one, publisher):
                owners.setdefault(name, one.publisher)
        for name in sorted(_names(checked.bundle)):
            if owners.get(name, publisher) != publisher:
                told = f"{name} belong to the skills of another publisher; choose others."
                yield Issue("/artifact/files", MANIFEST_INVALID, told)

    def _names_of(self, one: Installation, publisher: str) -> set[str]:
        bundle = self._bundles.get(one.manifest_digest)
        if bundle is not None or not one.contracts:
            return _names(bundle or _NOTHING)
        if one.publisher != publisher and not self._live.has_taken_up(one.id):
            raise _awaited(one)
        return {_keys_like(ref) for ref in one.contracts}  # what is lost told no domain

    def _bundle_of(self, one: Installation) -> Bundle:
        bundle = self._bundles.get(one.manifest_digest)
        if bundle is not None:
            return bundle
        if not self._live.has_taken_up(one.id):
            raise _awaited(one)
        told = f"What {one.ref} brought cannot be read here, so nothing can be held against it."
        raise refuse("PRECONDITION_FAILED", f"{told} Disable it, or upload its artifact again.")

    def _verified(self, request: Request) -> Report:
        return verify_manifest(request, self.trust, self._host, self._clock.now())

    def _load(self, request: Request, content: bytes) -> tuple[Bundle, tuple[Issue, ...]]:
        bundle, issues = open_archive(request, content, self._live.base, self.trust)
        if not issues:
            issues = tuple(
                Issue(one.path, MANIFEST_INVALID, f"{one.path} {one.code}: {one.message}")
                for one in self._inspect(bundle.operations.values())
            )
        return bundle, issues

    def _offers(self, installed: Iterable[Installation]) -> Iterator[Offer]:
        for one in installed:
            bundle = self._bundles.get(one.manifest_digest)
            if not one.is_enabled or bundle is None or not bundle.operations:
                continue
            if one.manifest_digest in self._unfit:
                continue
            if not self._knows(one):  # expected here, and installed by another process just now
                continue
            if self.holds(one):
                ends = None if self.trust.allow_expired_signatures else expiry(one.manifest)
                yield Offer(bundle, ends)
            else:
                _log.warning("the skill %s is not trusted any more and not offered", one.ref)

    def _knows(self, one: Installation) -> bool:
        known = (self._live.operations, self._live.events)
        is_learned = all(any(ref in refs for refs in known) for ref in one.contracts)
        return is_learned and one.manifest_digest in self._bundles

    def _reload(self, one: Installation) -> None:
        content = self.store.get(one.artifact_digest)
        if content is None:
            _log.error("the artifact of the skill %s is gone: its contracts are not known", one.ref)
            return
        bundle, issues = self._load(request_of(one.manifest), content)
        if bundle.digests != one.contracts:
            _log.error("the contracts of the skill %s are not those that it brought", one.ref)
        elif issues:
            # Runs that were compiled with them go on; nothing new begins.
            _log.error("the skill %s is not offered: %s", one.ref, issues[0].code)
            self._keep(one.manifest_digest, bundle)
            self._unfit.add(one.manifest_digest)
        else:
            self._keep(one.manifest_digest, bundle)

    def _learn(self, bundle: Bundle) -> None:
        self._live.learn(bundle)
        self._contents.update(contents_of(bundle))

    def _keep(self, digest: str, bundle: Bundle) -> None:
        self._learn(bundle)
        self._bundles.setdefault(digest, bundle)  # one object for all workspaces that have it
        self._unfit.discard(digest)


def _awaited(one: Installation) -> ProblemError:
    return refuse("SERVICE_UNAVAILABLE", f"{one.ref} is being taken up. Try again.")


def _names(bundle: Bundle) -> set[str]:
    """What rules may say of all contracts of a bundle at once, as a message names it."""
    domains = {f"Contracts of the domain {one.domain!r}" for one in bundle.drafts if one.domain}
    return domains | {_keys_like(one.ref) for one in bundle.drafts if one.ref}


def _keys_like(ref: str) -> str:
    return f"Keys that begin with {first_word(ref)!r}"


def _ownership(checked: Checked, others: Sequence[Installation]) -> Iterator[Issue]:
    """References and keys that another skill has brought, and a key that is another publisher's."""
    digests = checked.bundle.digests
    keys = {ref.partition("@")[0] for ref in digests}
    publisher = checked.request.manifest["publisher"]["id"]
    for one in others:
        if one.key == checked.request.key and one.publisher != publisher:
            told = f"The skill {one.key} is another publisher's; choose another key."
            yield Issue("/skill/key", MANIFEST_INVALID, told)
        for ref, digest in one.contracts.items():
            if digests.get(ref, digest) != digest:
                told = f"{ref} was brought with another content; raise the contract's version."
                yield Issue("/artifact/files", MANIFEST_INVALID, told)
            elif one.key != checked.request.key and ref.partition("@")[0] in keys:
                told = f"The key of {ref} belongs to another skill; choose another key."
                yield Issue("/artifact/files", MANIFEST_INVALID, told)
