"""What a manifest must say to be one, beyond the types that its contract declares."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gateway.contracts.names import CAPABILITY_KEY, VERSION
from gateway.model.json import JsonObject, JsonValue
from gateway.model.pii import is_envelope
from gateway.model.problem import Issue
from gateway.model.time import parse
from gateway.skills.canonical import signed_bytes
from gateway.skills.issues import (
    ARTIFACT_DIGEST_MISMATCH,
    MANIFEST_INVALID,
    SCHEMA_VERSION_INVALID,
)
from gateway.skills.versions import is_below, precedence

SCHEMA_VERSION = "1.0.0"
"""The one version of manifests that is read."""

MAX_FILES = 200
MAX_EXPANDED = 32 * 1024 * 1024
"""How many files an artifact may hold, and how many bytes they may have together."""

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
"""How digests of artifacts and of their files are written."""

_KEY = re.compile(CAPABILITY_KEY)
_VERSION = re.compile(VERSION)
_MAX_NAME = 200
_PATH_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._ -]{0,99}")
_MAX_PATH = 255


@dataclass(frozen=True, slots=True)
class Request:
    """A skill as it was handed in: the manifest, and what it is said to be."""

    key: str
    version: str
    artifact_digest: str
    manifest: JsonObject

    @property
    def ref(self) -> str:
        """``key@version``."""
        return f"{self.key}@{self.version}"

    @property
    def files(self) -> list[JsonObject]:
        """The files that the manifest lists."""
        return self.manifest["artifact"].get("files") or []


def request_of(manifest: JsonObject) -> Request:
    """The request that a manifest makes for itself."""
    skill = manifest["skill"]
    return Request(skill["key"], skill["version"], manifest["artifact"]["digest"], manifest)


def manifest_issues(request: Request) -> Iterator[Issue]:
    """Everything that is wrong with the manifest in itself, or with how it was handed in."""
    manifest = request.manifest
    if manifest["schemaVersion"] != SCHEMA_VERSION:
        told = f"schemaVersion is {_shown(manifest['schemaVersion'])}; this gateway reads 1.0.0."
        yield Issue("/schemaVersion", SCHEMA_VERSION_INVALID, told)
    yield from _skill_issues(request)
    yield from _artifact_issues(request)
    yield from _range_issues(manifest["compatibility"])
    signature = manifest.get("signature") or {}
    yield from _date_issues(signature)
    if not manifest["publisher"]["id"].strip():
        yield _invalid("/publisher/id", "The publisher's id is empty.")
    if _holds_envelope(manifest):
        yield _invalid("", "The manifest holds a member '$sealed', which is the gateway's own.")
    try:
        signed_bytes(manifest)
    except ValueError as error:
        yield _invalid("", f"The manifest cannot be signed: {error}.")


def _holds_envelope(value: JsonValue) -> bool:
    """True where something in the manifest would be read as a sealed value once it is stored."""
    if isinstance(value, list):
        return any(map(_holds_envelope, value))
    return isinstance(value, dict) and (
        is_envelope(value) or any(map(_holds_envelope, value.values()))
    )


def _skill_issues(request: Request) -> Iterator[Issue]:
    skill = request.manifest["skill"]
    key, version = skill["key"], skill["version"]
    if len(key) > _MAX_NAME or not _KEY.fullmatch(key):
        told = "The skill's key is dotted words that begin with a small letter, as acme.refunds."
        yield _invalid("/skill/key", told)
    if precedence(version) is None or not _VERSION.fullmatch(version):
        told = "The skill's version is a semantic version without build metadata, as 1.2.0."
        yield _invalid("/skill/version", told)
    if not skill["entryPoint"].strip():
        yield _invalid("/skill/entryPoint", "The skill's entryPoint is empty.")
    if key != request.key:
        told = f"The manifest is that of {_shown(key)}, not of {_shown(request.key)}."
        yield _invalid("/skill/key", told)
    if version != request.version:
        told = f"The manifest is that of version {_shown(version)}, not {_shown(request.version)}."
        yield _invalid("/skill/version", told)


def _artifact_issues(request: Request) -> Iterator[Issue]:
    artifact = request.manifest["artifact"]
    if not DIGEST.fullmatch(artifact["digest"]):
        yield _invalid("/artifact/digest", "A digest is written sha256: and 64 hex digits.")
    if artifact["digest"] != request.artifact_digest:
        told = "The artifact that was named is not the one that the manifest describes."
        yield Issue("/artifact/digest", ARTIFACT_DIGEST_MISMATCH, told)
    if len(request.files) > MAX_FILES:
        yield _invalid("/artifact/files", f"An artifact holds at most {MAX_FILES} files.")
        return
    if sum(max(file["size"], 0) for file in request.files) > MAX_EXPANDED:
        told = f"The files of an artifact have at most {MAX_EXPANDED} bytes together."
        yield _invalid("/artifact/files", told)
    seen: set[str] = set()
    for index, file in enumerate(request.files):
        at = f"/artifact/files/{index}"
        folded = file["path"].casefold()
        if not is_plain_path(file["path"]):
            yield _invalid(f"{at}/path", "A path is relative, with '/' between plain names.")
        elif folded in seen:
            yield _invalid(f"{at}/path", "This path is listed twice.")
        if not DIGEST.fullmatch(file["digest"]):
            yield _invalid(f"{at}/digest", "A digest is written sha256: and 64 hex digits.")
        if file["size"] < 0:
            yield _invalid(f"{at}/size", "A size is 0 or more.")
        seen.add(folded)


def is_plain_path(path: str) -> bool:
    """True for a relative path that leads nowhere but into the archive."""
    parts = path.split("/")
    return len(path) <= _MAX_PATH and all(map(_PATH_PART.fullmatch, parts))


def _range_issues(compatibility: JsonObject) -> Iterator[Issue]:
    for name in ("contractsSpec", "controlPlaneFeature"):
        bounds = compatibility.get(name) or {}
        at = f"/compatibility/{name}"
        for end in ("minVersion", "maxVersion"):
            bound = bounds.get(end)
            if bound is not None and precedence(bound) is None:
                told = f"{end} is {_shown(bound)}, which is no semantic version."
                yield _invalid(f"{at}/{end}", told)
        lower, upper = bounds.get("minVersion"), bounds.get("maxVersion")
        if lower is not None and upper is not None and is_below(upper, lower):
            yield _invalid(at, "minVersion comes after maxVersion, so that no version fits.")


def _date_issues(signature: JsonObject) -> Iterator[Issue]:
    moments = {}
    for name in ("issuedAt", "expiresAt"):
        text = signature.get(name)
        if text is None:
            continue
        moments[name] = moment(text)
        if moments[name] is None:
            yield _invalid(f"/signature/{name}", f"{name} is no date and time with an offset.")
    issued, expires = moments.get("issuedAt"), moments.get("expiresAt")
    if issued is not None and expires is not None and expires <= issued:
        yield _invalid("/signature/expiresAt", "The signature expires before it was issued.")


def moment(text: JsonValue) -> datetime | None:
    """The moment that an RFC 3339 text names, or None."""
    try:
        return parse(text) if isinstance(text, str) else None
    except (ValueError, OverflowError):
        return None


def expiry(manifest: JsonObject) -> datetime | None:
    """When the signature of a manifest expires; None where it does not."""
    return moment((manifest.get("signature") or {}).get("expiresAt"))


def _invalid(path: str, message: str) -> Issue:
    return Issue(path, MANIFEST_INVALID, message)


def _shown(text: str) -> str:
    return repr(text if len(text) <= _MAX_NAME else f"{text[:_MAX_NAME]}...")
