"""Checking a bundle without the gateway: what was signed, what was recorded, and what is shown.

From the outside in: the archive, the manifest and its signature, the files that it lists, the
statement on the chain's head, the chain of entries, their place in the tree that the checkpoint
signs, and then the views and contracts against them.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.evidence.archive import read_archive
from gateway.evidence.check_entries import Chain, check_entries
from gateway.evidence.check_tree import check_inclusion, check_note, unchecked
from gateway.evidence.check_views import check_contracts, check_no_others, check_views
from gateway.evidence.entry_lines import Fact
from gateway.evidence.findings import BundleFinding, BundleFindingKind, BundleFindings
from gateway.evidence.manifest import (
    ENTRIES,
    HEAD,
    HEAD_SIGNATURE,
    MANIFEST,
    MANIFEST_SIGNATURE,
    UNLISTED,
    ManifestError,
    is_masked,
    listed_from,
    proving_files,
    require_head,
    require_manifest,
)
from gateway.evidence.showing import fields_from
from gateway.evidence.signing import SignatureError, check_signature, key_id_of, normal_key
from gateway.evidence.text import FormError, indented, read, signed
from gateway.evidence.views import has_ended, policy_revisions, run_ids, status
from gateway.journal.chain import execution_chain
from gateway.model.decision import Treatment
from gateway.model.json import JsonObject, JsonValue, decode

_Kind = BundleFindingKind


@dataclass(frozen=True, slots=True)
class BundleReport:
    """What checking a bundle saw.

    ``manifest`` is None where it could not be read; ``key_id`` names the key that signed it, empty
    where no signature holds, and ``key_given`` says that the key did not come with the bundle.
    ``notes`` say what could not be checked and is no sign of tampering; ``more`` counts findings
    beyond those listed.
    """

    manifest: JsonObject | None
    key_id: str
    key_given: bool
    entries: int
    findings: tuple[BundleFinding, ...]
    notes: tuple[str, ...] = ()
    more: int = 0

    @property
    def ok(self) -> bool:
        """True if nothing was found, and a key signed what was checked."""
        return not self.findings and self.manifest is not None and self.key_id != ""


def verify_bundle(content: bytes, public_keys: Sequence[str] = ()) -> BundleReport:
    """Check the archive of a bundle.

    ``public_keys`` (PEM) are the keys that may have signed it. Without any, the key inside is
    taken, which shows only that the bundle is whole, and not who made it.

    Raises:
        NotAnArchiveError: it is no ZIP archive.
        ValueError: a key given is no Ed25519 public key in PEM.
    """
    trusted = [normal_key(pem) for pem in public_keys]
    findings = BundleFindings()
    files = read_archive(content, findings)
    return _Verification(files or {}, trusted, findings).report(refused=files is None)


def personal_data_of(content: bytes) -> dict[tuple[str, str], Treatment]:
    """How a bundle of our own shows each PII field (of a contract), as its manifest tells.

    Raises:
        ValueError: it is no bundle.
    """
    files = read_archive(content, BundleFindings()) or {}
    return fields_from(require_manifest(decode(files.get(MANIFEST, b"null")))["personalData"])


@dataclass(slots=True)
class _Verification:
    files: Mapping[str, bytes]
    trusted: list[str]
    findings: BundleFindings
    signed_by: str | None = None

    def report(self, *, refused: bool) -> BundleReport:
        manifest = None if refused else self._manifest()
        facts: list[Fact] | None = None
        notes: list[str] = []
        if manifest is not None:
            notes += unchecked(self.files, manifest["formatVersion"])
            self._check_files(manifest)
            head = self._check_head(manifest)
            facts = self._check_chain(manifest)
            if manifest["formatVersion"] > 1 and head is not None:
                self._check_tree(head, facts)
            if facts is not None:
                notes += self._check_contents(manifest, facts)
        return BundleReport(
            manifest=manifest,
            key_id=key_id_of(self.signed_by) if self.signed_by else "",
            key_given=bool(self.trusted),
            entries=len(facts or ()),
            findings=tuple(self.findings.found),
            notes=tuple(notes),
            more=self.findings.more,
        )

    def _manifest(self) -> JsonObject | None:
        self.signed_by = self._check_signature(MANIFEST, MANIFEST_SIGNATURE, self.trusted)
        value = self._read(MANIFEST)
        try:
            manifest = None if value is None else require_manifest(value)
        except ManifestError as error:
            self._disagrees(MANIFEST, error.field, str(error))
            return None
        if manifest and self.signed_by and manifest["keyId"] != key_id_of(self.signed_by):
            self._disagrees(MANIFEST, "/keyId", "is not the key that signed it")
        return manifest

    def _check_signature(self, file: str, beside: str, keys: Sequence[str]) -> str | None:
        """The key that signed ``file``, as the file ``beside`` it says."""
        stated = self._read(beside)
        content = self.files.get(file)
        if stated is None or content is None:
            return None
        try:
            return check_signature(stated, content, keys)
        except SignatureError as error:
            member = f"{error.field} of " if error.field else ""
            told = f"the signature of {file} does not hold: {member}{beside}: {error}"
            self.findings.add(_Kind.FORGED, beside, told, field=error.field)
            if error.field == "signature":
                self.findings.add(_Kind.FORGED, file, "it is not what was signed")
            return None

    def _read(self, file: str) -> JsonValue:
        """The value of a JSON file, None where there is none to be had, which is a finding."""
        content = self.files.get(file)
        if content is None:
            if not self.findings.of(file):
                self.findings.add(_Kind.MISSING, file, "the bundle does not hold it")
            return None
        try:
            value = read(content, signed if file in (MANIFEST, HEAD) else indented)
        except FormError as error:
            self.findings.add(_Kind.CHANGED, file, str(error))
            return None
        if value is None:  # which JSON can say as well, and must not pass for a file to be judged
            self.findings.add(_Kind.CHANGED, file, "it holds null, and no bundle does")
        return value

    def _check_files(self, manifest: JsonObject) -> None:
        """The archive holds just the files listed, as they were."""
        try:
            listed = {one.path: one for one in listed_from(manifest)}
        except ManifestError as error:
            self._disagrees(MANIFEST, error.field, str(error))
            return
        for path in sorted(set(self.files) - set(listed) - set(UNLISTED)):
            told = "the manifest does not list it"
            self.findings.add(_Kind.UNEXPECTED, path, told)
        for path, one in listed.items():
            content = self.files.get(path)
            if content is None:
                if not self.findings.of(path):
                    self.findings.add(_Kind.MISSING, path, "the manifest lists it")
            elif (hashlib.sha256(content).hexdigest(), len(content)) != (one.sha256, one.size):
                told = "its content is not that of which the manifest holds the digest"
                self.findings.add(_Kind.CHANGED, path, told)

    def _check_head(self, manifest: JsonObject) -> JsonObject | None:
        """The head that the manifest names was signed, at a checkpoint that covers it."""
        signed_by = self._check_signature(HEAD, HEAD_SIGNATURE, self._keys())
        value = self._read(HEAD)
        try:
            statement = None if value is None else require_head(value)
        except ManifestError as error:
            self._disagrees(HEAD, error.field, str(error))
            return None
        if statement is None:
            return None
        for name in ("chain", "seq", "hash"):
            if statement[name] != manifest["head"][name]:
                self._disagrees(HEAD, f"/{name}", "is not the head that the manifest names")
        if statement["formatVersion"] != manifest["formatVersion"]:
            self._disagrees(HEAD, "/formatVersion", "is not that of the manifest")
        if signed_by and statement["keyId"] != key_id_of(signed_by):
            self._disagrees(HEAD, "/keyId", "is not the key that signed it")
        return statement

    def _keys(self) -> list[str]:
        """The keys that count: those given, else the one that signed the manifest."""
        return self.trusted or ([self.signed_by] if self.signed_by else [])

    def _check_tree(self, head: JsonObject, facts: list[Fact] | None) -> None:
        """The checkpoint's note, and that its tree holds the entries."""
        checkpoint = check_note(self.files, head, self._keys(), self.findings)
        if checkpoint is not None and facts is not None:
            check_inclusion(self.files, checkpoint, head, facts, self.findings)

    def _check_chain(self, manifest: JsonObject) -> list[Fact] | None:
        head, execution_id = manifest["head"], manifest["executionId"]
        if head["chain"] != execution_chain(execution_id):
            self._disagrees(MANIFEST, "/head/chain", "is not the chain of the execution")
        if head["seq"] != manifest["throughSeq"]:
            self._disagrees(MANIFEST, "/throughSeq", "is not the number of the head")
        content = self.files.get(ENTRIES)
        if content is None:
            return None
        chain = Chain(head["chain"], manifest["workspace"], execution_id, head["seq"], head["hash"])
        had = self.findings.of(ENTRIES)
        facts = check_entries(content, chain, self.findings)
        return None if had else facts

    def _check_contents(self, manifest: JsonObject, facts: list[Fact]) -> tuple[str, ...]:
        """What the manifest, the views and the contracts say, against the entries."""
        try:
            fields = fields_from(manifest["personalData"])
        except ValueError as error:
            self._disagrees(MANIFEST, "/personalData", str(error))
            return ()
        try:
            told = {
                "status": status(facts),
                "ended": has_ended(status(facts)),
                "policyRevisions": policy_revisions(facts),
                "masked": is_masked(fields),
            }
            for name, value in told.items():
                if manifest[name] != value:
                    self._disagrees(MANIFEST, f"/{name}", "is not what the entries say")
            if manifest["runId"] not in run_ids(facts):
                self._disagrees(MANIFEST, "/runId", "is no run of these entries")
            check_views(self.files, facts, fields, self.findings)
            proving = proving_files(manifest["formatVersion"])
            check_no_others(self.files, facts, proving, self.findings)
            return check_contracts(self.files, facts, self.findings)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            # Whole entries that say what no gateway records: somebody wrote the chain anew.
            told_why = f"what they say is nothing that a gateway records ({type(error).__name__})"
            self.findings.add(_Kind.DISAGREES, ENTRIES, told_why)
            return ()

    def _disagrees(self, file: str, field: str, told: str) -> None:
        self.findings.add(_Kind.DISAGREES, file, f"{field or 'it'} {told}", field=field or None)
