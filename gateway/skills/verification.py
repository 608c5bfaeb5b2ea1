"""Verification: whether a skill is what a trusted publisher signed, and fits this gateway."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from gateway.model.json import JsonObject
from gateway.model.problem import Issue
from gateway.skills.canonical import manifest_digest, signed_bytes
from gateway.skills.issues import (
    CAPABILITY_MISSING,
    COMPATIBILITY_CODES,
    CONTRACTS_SPEC_TOO_NEW,
    CONTRACTS_SPEC_TOO_OLD,
    CONTRACTS_SPEC_VERSION_MISSING,
    CONTROL_PLANE_TOO_NEW,
    CONTROL_PLANE_TOO_OLD,
    CONTROL_PLANE_VERSION_MISSING,
    KEY_UNTRUSTED,
    PROVENANCE_UNTRUSTED,
    PUBLISHER_UNTRUSTED,
    SIGNATURE_CODES,
    SIGNATURE_EXPIRED,
    SIGNATURE_INVALID,
    SIGNATURE_MISSING,
    TRUST_CODES,
    in_order,
)
from gateway.skills.manifest import Request, expiry, manifest_issues
from gateway.skills.signatures import ALGORITHMS, PublicKey, read_public_key, read_signature
from gateway.skills.trust import Publisher, TrustPolicy
from gateway.skills.versions import is_below


@dataclass(frozen=True, slots=True)
class Host:
    """What a gateway offers to skills.

    ``contracts_spec`` and ``control_plane`` are its versions of the contracts and of the control
    plane, None where they are not known; ``capabilities`` are references ``key@version``.
    """

    contracts_spec: str | None
    control_plane: str | None
    capabilities: Collection[str]


CONTRACTS_SPEC_VERSION = "1.0.0"
CONTROL_PLANE_VERSION = "1.0.0"
"""The versions of the contracts and of the control plane that this gateway implements."""


@dataclass(frozen=True, slots=True)
class Report:
    """What verification found; ``manifest_digest`` is None where there is none to be had.

    The paths of issues are JSON pointers into the manifest, or name a file of the artifact.
    """

    issues: tuple[Issue, ...]
    manifest_digest: str | None

    @property
    def verified(self) -> bool:
        """True if nothing at all was found."""
        return not self.issues

    @property
    def signature_verified(self) -> bool:
        """True if a pinned key of the publisher signed this very manifest."""
        unknown = {PUBLISHER_UNTRUSTED} | SIGNATURE_CODES
        return self.manifest_digest is not None and not self._any(unknown)

    @property
    def publisher_trusted(self) -> bool:
        """True if publisher, key, provenance and the time of the signature are trusted."""
        return not self._any(TRUST_CODES | SIGNATURE_CODES)

    @property
    def compatibility_verified(self) -> bool:
        """True if the skill fits the versions and capabilities here."""
        return not self._any(COMPATIBILITY_CODES)

    def with_issues(self, more: Collection[Issue]) -> "Report":
        """The same report with more issues."""
        return Report(in_order([*self.issues, *more]), self.manifest_digest)

    def _any(self, codes: Collection[str]) -> bool:
        return any(issue.code in codes for issue in self.issues)


def verify_manifest(request: Request, trust: TrustPolicy, host: Host, now: datetime) -> Report:
    """Check a manifest whose types are those of its contract; every issue is told at once.

    The signature is checked with the keys that ``trust`` pins for the publisher, never with the
    one that the manifest carries: whoever forges a manifest writes that one too.
    """
    manifest = request.manifest
    issues = [
        *manifest_issues(request),
        *_signature_issues(manifest, trust),
        *_trust_issues(manifest, trust, now),
        *_compatibility_issues(manifest["compatibility"], host),
    ]
    try:
        digest = manifest_digest(manifest)
    except ValueError:  # told by manifest_issues
        digest = None
    return Report(in_order(issues), digest)


def has_expired(manifest: JsonObject, trust: TrustPolicy, now: datetime) -> bool:
    """Whether the signature of a manifest counts no more at the moment ``now``."""
    ends = expiry(manifest)
    return ends is not None and ends <= now and not trust.allow_expired_signatures


def _signature_issues(manifest: JsonObject, trust: TrustPolicy) -> Iterator[Issue]:
    at = "/signature"
    signature = manifest.get("signature")
    if signature is None:
        told = "The manifest carries no signature. Sign it with `gateway skill sign`."
        yield Issue(at, SIGNATURE_MISSING, told)
        return
    raw = read_signature(signature["signature"])
    algorithm = signature["algorithm"]
    if algorithm not in ALGORITHMS:
        told = f"The algorithm of the signature is none of {', '.join(ALGORITHMS)}."
        yield Issue(f"{at}/algorithm", SIGNATURE_INVALID, told)
    elif raw is None:
        yield Issue(f"{at}/signature", SIGNATURE_INVALID, "The signature is not base64.")
    elif publisher := trust.publishers.get(manifest["publisher"]["id"]):
        keys = [key for key in publisher.public_keys if key.algorithm == algorithm]
        if not _is_signed(manifest, raw, keys):
            told = (
                "No key that is pinned for the publisher made this signature over this manifest: "
                "it was changed, or signed with another key."
            )
            yield Issue(f"{at}/signature", SIGNATURE_INVALID, told)


def _is_signed(manifest: JsonObject, signature: bytes, keys: list[PublicKey]) -> bool:
    try:
        content = signed_bytes(manifest)
    except ValueError:
        return False
    return any(key.verifies(signature, content) for key in keys)


def _trust_issues(manifest: JsonObject, trust: TrustPolicy, now: datetime) -> Iterator[Issue]:
    publisher = trust.publishers.get(manifest["publisher"]["id"])
    if publisher is None:
        told = "The trust policy (policies/skills.yaml) does not name the publisher."
        yield Issue("/publisher/id", PUBLISHER_UNTRUSTED, told)
    else:
        yield from _key_issues(manifest.get("signature"), publisher)
        if not publisher.covers(manifest["publisher"]["provenance"]):
            told = "The provenance lies under none of the prefixes that are trusted for it."
            yield Issue("/publisher/provenance", PROVENANCE_UNTRUSTED, told)
    if has_expired(manifest, trust, now):
        told = "The signature has expired. Sign the skill again, or install a newer version."
        yield Issue("/signature/expiresAt", SIGNATURE_EXPIRED, told)


def _key_issues(signature: JsonObject | None, publisher: Publisher) -> Iterator[Issue]:
    if signature is None:
        return
    if publisher.key_ids and signature.get("keyId") not in publisher.key_ids:
        told = "The signature names no keyId that is trusted for the publisher."
        yield Issue("/signature/keyId", KEY_UNTRUSTED, told)
    try:
        carried = read_public_key(signature["publicKey"]).spki
    except ValueError:
        carried = b""
    if carried not in [key.spki for key in publisher.public_keys]:
        told = "The public key of the signature is not one that is pinned for the publisher."
        yield Issue("/signature/publicKey", KEY_UNTRUSTED, told)


def _compatibility_issues(compatibility: JsonObject, host: Host) -> Iterator[Issue]:
    yield from _range_issues(
        *("contractsSpec", compatibility, host.contracts_spec, "The version of the contracts"),
        codes=(CONTRACTS_SPEC_VERSION_MISSING, CONTRACTS_SPEC_TOO_OLD, CONTRACTS_SPEC_TOO_NEW),
    )
    yield from _range_issues(
        *("controlPlaneFeature", compatibility, host.control_plane, "The control plane's version"),
        codes=(CONTROL_PLANE_VERSION_MISSING, CONTROL_PLANE_TOO_OLD, CONTROL_PLANE_TOO_NEW),
    )
    offered = set(host.capabilities) | {ref.partition("@")[0] for ref in host.capabilities}
    for index, wanted in enumerate(compatibility.get("requiredCapabilities") or []):
        version = wanted.get("version")
        name = wanted["key"] if version is None else f"{wanted['key']}@{version}"
        if name not in offered:
            at = f"/compatibility/requiredCapabilities/{index}"
            yield Issue(at, CAPABILITY_MISSING, f"The capability {name[:200]} is not offered here.")


def _range_issues(
    name: str, compatibility: JsonObject, here: str | None, what: str, *, codes: tuple[str, ...]
) -> Iterator[Issue]:
    bounds = compatibility.get(name)
    missing, too_old, too_new = codes
    at = f"/compatibility/{name}"
    if bounds is None:
        return
    if here is None:
        told = f"{what} is not known here, and the skill asks for a range of it."
        yield Issue(at, missing, told)
        return
    if is_below(here, bounds.get("minVersion")):
        told = f"{what} is {here}; the skill needs {bounds['minVersion']} or later."
        yield Issue(f"{at}/minVersion", too_old, told)
    upper = bounds.get("maxVersion")
    if upper is not None and is_below(upper, here):
        told = f"{what} is {here}; the skill needs {upper} or earlier."
        yield Issue(f"{at}/maxVersion", too_new, told)
