"""Archives: the zip file of a skill, held to the list of files in its manifest.

An archive is opened only for a manifest that is trusted, in memory, and never unpacked to a disk,
so that no name in it leads anywhere. What is read is bounded by the sizes that the manifest lists.
"""

import hashlib
import io
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.model.json import JsonObject
from gateway.model.problem import Issue
from gateway.skills.issues import ARTIFACT_DIGEST_MISMATCH, MANIFEST_INVALID
from gateway.skills.manifest import MAX_EXPANDED, MAX_FILES, is_plain_path

MAX_ARCHIVE = 8 * 1024 * 1024
"""How many bytes an archive may have."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError),
    *(OSError, ValueError, UnicodeDecodeError),
)


@dataclass(frozen=True, slots=True)
class Contents:
    """What an archive holds: the content of each listed file, or the issues that refuse it."""

    files: Mapping[str, bytes]
    issues: tuple[Issue, ...] = ()


def digest_of(content: bytes) -> str:
    """The digest of an artifact or a file: ``sha256:`` and SHA-256 in hex."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def read_archive(content: bytes, listed: list[JsonObject]) -> Contents:
    """The files of an archive, if they are exactly those that a manifest lists.

    ``listed`` holds ``path``, ``digest`` and ``size`` of each file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unfit = tuple(_unfit(archive))
            if unfit:
                return Contents({}, unfit)
            return _listed_files(archive, listed)
    except _UNREADABLE as error:
        told = f"The artifact cannot be read as a zip archive ({type(error).__name__})."
        return Contents({}, (Issue("/artifact", MANIFEST_INVALID, told),))


def describe_archive(content: bytes) -> list[JsonObject]:
    """The list of files for the manifest of this archive, by path.

    Raises:
        ValueError: it cannot be read as an archive, or holds what a skill may not bring.
    """
    if len(content) > MAX_ARCHIVE:
        raise ValueError(f"it is larger than {MAX_ARCHIVE} bytes")
    found, left = [], MAX_EXPANDED
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for issue in _unfit(archive):
                raise ValueError(issue.message)
            for info in _regular(archive):
                inner = _read(archive, info, left)
                left -= len(inner)
                if left < 0:
                    raise ValueError(f"its files have more than {MAX_EXPANDED} bytes together")
                entry = {"path": info.filename, "digest": digest_of(inner), "size": len(inner)}
                found.append(entry)
    except _UNREADABLE as error:
        raise ValueError(str(error) or "it is no zip archive") from error
    return sorted(found, key=lambda entry: str(entry["path"]))


def _listed_files(archive: zipfile.ZipFile, listed: list[JsonObject]) -> Contents:
    here = {info.filename: info for info in _regular(archive)}
    issues, files = [], {}
    for index, entry in enumerate(listed):
        at, path = f"/artifact/files/{index}", entry["path"]
        info = here.pop(path, None)
        if info is None:
            told = f"The archive holds no {path!r}, which the manifest lists."
            issues.append(Issue(at, ARTIFACT_DIGEST_MISMATCH, told))
            continue
        inner = _read(archive, info, entry["size"])
        if len(inner) != entry["size"] or digest_of(inner) != entry["digest"]:
            told = f"{path!r} in the archive is not the file that the manifest lists."
            issues.append(Issue(at, ARTIFACT_DIGEST_MISMATCH, told))
        files[path] = inner
    for path in here:
        told = f"The archive holds {path!r}, which the manifest does not list."
        issues.append(Issue("/artifact/files", ARTIFACT_DIGEST_MISMATCH, told))
    return Contents({} if issues else files, tuple(issues))


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, size: int) -> bytes:
    """At most one byte more than ``size``: enough to see that there is more."""
    with archive.open(info) as file:
        return file.read(size + 1)


def _regular(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return [info for info in archive.infolist() if not info.is_dir()]


def _unfit(archive: zipfile.ZipFile) -> Iterator[Issue]:
    """What no skill may bring: links, devices, encryption, odd names, too many members."""
    members = archive.infolist()
    if len(members) > 2 * MAX_FILES:
        yield _refused(f"The archive holds more than {2 * MAX_FILES} members.")
        return
    seen: set[str] = set()
    for info in members:
        name = info.filename
        shown = repr(name[:100])
        if name != info.orig_filename or not is_plain_path(name.removesuffix("/")):
            yield _refused(f"The archive holds a member of the odd name {shown}.")
        if name.casefold() in seen:
            yield _refused(f"The archive holds {shown} twice.")
        seen.add(name.casefold())
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFDIR if info.is_dir() else stat.S_IFREG):
            yield _refused(f"{shown} in the archive is no regular file.")
        if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
            yield _refused(f"{shown} in the archive is encrypted or packed in an unusual way.")


def _refused(told: str) -> Issue:
    return Issue("/artifact", MANIFEST_INVALID, told)
