"""The manifest of a bundle: what it is, of what, for whom, and the digest of every file in it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model.decision import Treatment
from gateway.model.json import JsonObject, JsonValue
from gateway.model.time import is_stamp

FORMAT_VERSION = 2
VERSIONS = (1, FORMAT_VERSION)
"""The versions that are verified; from 2 on a bundle proves its entries by itself."""

MANIFEST_TYPE = "contract-gateway.evidence.manifest"
HEAD_TYPE = "contract-gateway.evidence.head"
INCLUSION_TYPE = "contract-gateway.evidence.inclusion"

MANIFEST = "manifest.json"
MANIFEST_SIGNATURE = "manifest.sig.json"
HEAD = "checkpoint.json"
HEAD_SIGNATURE = "checkpoint.sig.json"
NOTE = "checkpoint.note"
INCLUSION = "inclusion.json"
ENTRIES = "entries.jsonl"
UNLISTED = (MANIFEST, MANIFEST_SIGNATURE)
"""The files that the manifest cannot list."""


def proving_files(version: int) -> frozenset[str]:
    """The files of a bundle of this version with which its entries are proven."""
    proof = (NOTE, INCLUSION) if version > 1 else ()
    return frozenset({*UNLISTED, HEAD, HEAD_SIGNATURE, ENTRIES, *proof})


_FORM: dict[str, type] = {
    **dict.fromkeys(("type", "runId", "executionId", "workspace", "keyId"), str),
    **dict.fromkeys(("exportedBy", "exportedAt", "status"), str),
    **dict.fromkeys(("formatVersion", "throughSeq"), int),
    **dict.fromkeys(("ended", "masked"), bool),
    **dict.fromkeys(("policyRevisions", "files", "personalData"), list),
    "head": dict,
}
_HEAD_FORM: dict[str, type] = {
    **dict.fromkeys(("type", "chain", "hash", "at", "keyId"), str),
    **dict.fromkeys(("formatVersion", "seq", "position"), int),
    "checkpoint": dict,
}
_MOMENTS = ("exportedAt", "at")
_CHECKPOINT_FORM: dict[str, type] = {"number": int, "position": int, "digest": str}


class ManifestError(ValueError):
    """A manifest or a head statement is not of the form that is known; ``field`` says where."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as the manifest lists it; ``size`` is in bytes."""

    path: str
    sha256: str
    size: int


def listing(files: Mapping[str, bytes]) -> list[JsonObject]:
    """The list of files, by path."""
    return [
        {"path": path, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        for path, data in sorted(files.items())
    ]


def listed_from(manifest: JsonObject) -> list[Listed]:
    """The files that a manifest lists.

    Raises:
        ManifestError: it is no list of path, sha256 and size, or names a file twice.
    """
    listed: dict[str, Listed] = {}
    for one in manifest["files"]:
        match one:
            case {"path": str(path), "sha256": str(sha256), "size": int(size)} if (
                len(one) == 3 and type(size) is int
            ):
                if path in listed:  # of which one reader would take the first, another the last
                    raise ManifestError("/files", f"names {path} twice")
                listed[path] = Listed(path, sha256, size)
            case _:
                raise ManifestError("/files", "is no list of path, sha256 and size")
    return list(listed.values())


def is_masked(fields: Mapping[tuple[str, str], Treatment]) -> bool:
    """True if anything that is personal data is not shown as it is."""
    return any(treatment is not Treatment.RAW for treatment in fields.values())


def require_manifest(value: JsonValue) -> JsonObject:
    """A manifest of the form that is known.

    Raises:
        ManifestError: it is none.
    """
    manifest = _require(value, _FORM, MANIFEST_TYPE)
    head = manifest["head"]
    if set(head) != {"chain", "seq", "hash"} or type(head["seq"]) is not int:
        raise ManifestError("/head", "does not hold just chain, seq and hash")
    return manifest


def require_head(value: JsonValue) -> JsonObject:
    """A head statement of the form that is known.

    Raises:
        ManifestError: it is none.
    """
    statement = _require(value, _HEAD_FORM, HEAD_TYPE)
    checkpoint = statement["checkpoint"]
    if set(checkpoint) != set(_CHECKPOINT_FORM):
        raise ManifestError("/checkpoint", "does not hold just number, position and digest")
    for name, kind in _CHECKPOINT_FORM.items():
        if type(checkpoint[name]) is not kind:
            raise ManifestError(f"/checkpoint/{name}", "is of another type")
    if not statement["seq"] <= statement["position"] <= checkpoint["position"]:
        told = "is no place of the head among the entries that the checkpoint covers"
        raise ManifestError("/position", told)
    return statement


def _require(value: JsonValue, form: Mapping[str, type], kind: str) -> JsonObject:
    if not isinstance(value, dict):
        raise ManifestError("", "is no JSON object")
    version = value.get("formatVersion")
    if value.get("type") != kind or type(version) is not int or version not in VERSIONS:
        told = f"is a {value.get('type')} of version {version}, and only {kind} of the versions "
        raise ManifestError("/type", f"{told}{VERSIONS} is known here")
    for name in sorted({*form, *value}):
        if name not in form:
            raise ManifestError(f"/{name}", "is not known")
        if name not in value or type(value[name]) is not form[name]:
            raise ManifestError(f"/{name}", "is missing or of another type")
        if name in _MOMENTS and not is_stamp(value[name]):
            raise ManifestError(f"/{name}", "is no moment in UTC as exporters write it")
    return value
