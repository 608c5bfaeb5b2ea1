"""The types of a manifest, read from the contract that takes one, for manifests in files."""

import json

from gateway.contracts import Registry
from gateway.model.json import JsonObject, unique_members
from gateway.model.problem import Issue, ProblemError
from gateway.skills.issues import MANIFEST_INVALID

VERIFY_CONTRACT = "controlPlane.skill.verify@1.0.0"

MAX_MANIFEST = 256 * 1024
"""How many bytes a manifest file may have."""


def parse_manifest(content: bytes) -> JsonObject:
    """The object in a JSON text.

    Raises:
        ValueError: it is no JSON object, holds a key twice, or is too large.
    """
    if len(content) > MAX_MANIFEST:
        raise ValueError(f"it is larger than {MAX_MANIFEST} bytes")
    try:
        found = json.loads(content, object_pairs_hook=unique_members, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if not isinstance(found, dict):
        raise ValueError("a manifest is a JSON object")  # noqa: TRY004 - the file, no argument, is wrong
    return found


def type_issues(registry: Registry, manifest: JsonObject) -> list[Issue]:
    """Where a manifest has not the types of ``SkillManifest``."""
    io = registry.input_of(registry.operations[VERIFY_CONTRACT])
    try:
        io.check({"skillKey": "", "version": "", "artifactDigest": "", "manifest": manifest})
    except ProblemError as error:
        return [
            Issue(issue.path.removeprefix("/manifest"), MANIFEST_INVALID, issue.message)
            for issue in error.problem.issues
        ]
    return []


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")
