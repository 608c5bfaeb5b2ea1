"""Manifests of trusted documents, as the tools of clients write them.

Three formats are read. Apollo's persisted query manifest is an object with ``format``, ``version``
and a list of operations. Relay's persisted queries (``persistConfig``) and those of the client
preset of GraphQL Code Generator (``persisted-documents.json``) are both one object that leads from
ids to texts.

An id that looks like a digest is one: ``sha256:`` with hexadecimal digits as GraphQL over HTTP has
it (appendix A, Persisted Documents), or the 32, 40 or 64 of an MD5 (Relay), SHA-1 or SHA-256. It
must then be that of its text, so that nobody can put another text under it.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway.model.json import JsonObject, JsonValue, pointer
from gateway.model.problem import MAX_ISSUES, Issue, ProblemError, refused_files
from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.requests.parameters import LONGEST_ID
from gateway.surfaces.graphql.requests.strict_json import parse_json

MAX_BYTES = 16 * 1024 * 1024
"""How large a manifest may be."""

_APOLLO_FORMAT, _APOLLO_VERSION = "apollo-persisted-query-manifest", 1
SHA256 = "sha256:"
"""What ids begin with that are the SHA-256 of their text."""

_ID = re.compile(rf"[!-~]{{1,{LONGEST_ID}}}", re.ASCII)
_HEX = re.compile(r"[0-9a-f]+", re.ASCII)
_ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A document of a manifest: its id, its text, and its place as a file and a JSON pointer."""

    id: str
    text: str
    file: str
    pointer: str

    @property
    def at(self) -> str:
        """Its place as ``file#/json/pointer``."""
        return f"{self.file}#{self.pointer}"


def read_manifest(raw: bytes, file: str) -> tuple[Entry, ...]:
    """The documents of a manifest. Whether they are GraphQL is not looked at here.

    Args:
        raw: The whole content, of ``MAX_BYTES`` at most.
        file: How the file is named in places.

    Raises:
        ProblemError: DOCUMENTS_INVALID with every issue: no strict JSON, none of the formats, an
            id that is unusable or not the digest of its text.
    """
    if len(raw) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES >> 20} MiB; split the manifest"
        raise documents_invalid([Issue(file, "LIMIT_EXCEEDED", message)])
    try:
        value = parse_json(raw, file, f"{file}#", Limits())
    except ProblemError as refused:
        raise documents_invalid(refused.problem.issues) from None
    is_apollo = isinstance(value, dict) and value.get("format") == _APOLLO_FORMAT
    found = list(_apollo(value, file) if is_apollo else _mapped(value, file))
    entries = [item for item in found if isinstance(item, Entry)]
    issues = [item for item in found if isinstance(item, Issue)]
    issues += [issue for entry in entries for issue in _issues_of(entry)]
    if issues:
        raise documents_invalid(issues)
    return tuple(entries)


def _apollo(manifest: JsonObject, file: str) -> Iterator[Entry | Issue]:
    """The operations of Apollo's format; what else their objects hold is the tool's own."""
    version = manifest.get("version")
    if version != _APOLLO_VERSION or isinstance(version, bool):
        message = f"the version is not {_APOLLO_VERSION}, the only one that is read"
        yield Issue(f"{file}#/version", "NOT_ALLOWED", message)
        return
    operations = manifest.get("operations")
    if not isinstance(operations, list):
        message = "operations is not a list; write the manifest anew with the client's tool"
        yield Issue(f"{file}#/operations", "WRONG_TYPE", message)
        return
    for index, operation in enumerate(operations):
        within = pointer("operations", index)
        at = f"{file}#{within}"
        if not isinstance(operation, dict):
            yield Issue(at, "WRONG_TYPE", "it is not an object with id, name, type and body")
            continue
        lacking = [name for name in ("id", "body") if not isinstance(operation.get(name), str)]
        for name in lacking:
            yield Issue(f"{at}/{name}", "WRONG_TYPE", f"{name} is missing or not a string")
        if not lacking:
            yield Entry(operation["id"], operation["body"], file, within)


def _mapped(value: JsonValue, file: str) -> Iterator[Entry | Issue]:
    """The texts of an object that leads from ids to texts."""
    if not isinstance(value, dict):
        message = (
            "it is no manifest: neither an object of Apollo's format nor one that leads from ids "
            "to texts, as those of Relay and the client preset do"
        )
        yield Issue(f"{file}#", "WRONG_TYPE", message)
        return
    for id_, text in value.items():
        within = pointer(id_ if _ID.fullmatch(id_) else "?")
        if isinstance(text, str):
            yield Entry(id_, text, file, within)
        else:
            message = (
                "it is not the text of a document; a manifest leads from ids to texts, or has the "
                f'"format" {_APOLLO_FORMAT}'
            )
            yield Issue(f"{file}#{within}", "WRONG_TYPE", message)


def _issues_of(entry: Entry) -> Iterator[Issue]:
    if not _ID.fullmatch(entry.id):
        message = f"the id is not 1 to {LONGEST_ID} visible ASCII characters; use another"
        yield Issue(entry.at, "INVALID_FORMAT", message)
        return
    claimed = _claimed_digest(entry.id)
    if claimed is not None:
        algorithm, digits = claimed
        digest = hashlib.new(algorithm, entry.text.encode(), usedforsecurity=False).hexdigest()
        if digest != digits:
            message = (
                f"the id is not the {algorithm.upper()} of the text, as which it is written; write "
                "the manifest anew, or use ids that do not look like digests"
            )
            yield Issue(entry.at, "DOCUMENT_DIGEST_MISMATCH", message)


def _claimed_digest(id_: str) -> tuple[str, str] | None:
    """The algorithm and the digits of an id that says that it is a digest."""
    if id_.startswith(SHA256):
        return "sha256", id_.removeprefix(SHA256)
    algorithm = _ALGORITHMS.get(len(id_))
    return (algorithm, id_) if algorithm and _HEX.fullmatch(id_) else None


def documents_invalid(issues: Iterable[Issue]) -> ProblemError:
    """DOCUMENTS_INVALID with its issues, of which the first hundred are told."""
    title = "The trusted documents cannot be used"
    return refused_files("DOCUMENTS_INVALID", title, "the manifests", issues, MAX_ISSUES)
