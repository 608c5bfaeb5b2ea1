"""The archive of a bundle: a ZIP file that is always written in the same way, and read with care.

What is read may come from anybody: names, sizes and counts are bounded before anything is
decompressed, everything stays in memory, and nothing is ever written to a disk.
"""

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping

from gateway.evidence.findings import BundleFindingKind, BundleFindings
from gateway.evidence.layout import is_filled, is_seamless, odd_members

MAX_BYTES = 64 * 1024 * 1024
"""The most bytes that all files of a bundle hold together, and that an archive may have."""

MAX_FILES = 2_000

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@+-]*(?:/[A-Za-z0-9_][A-Za-z0-9._@+-]*)?")
_MAX_NAME = 300
_MOMENT = (1980, 1, 1, 0, 0, 0)  # the earliest that ZIP can name
_LEVEL = 6
_CENTRAL_HEADER = b"PK\x01\x02"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FLAGS = 0b1000_0000_0110  # APPNOTE.TXT 4.4.4: how hard it was compressed, names in UTF-8
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError),
    *(ValueError, KeyError, NotImplementedError, RuntimeError, OverflowError),
)
"""Whatever ``zipfile`` raises for an archive that somebody damaged or made up."""


class NotAnArchiveError(Exception):
    """The content is no ZIP archive at all; the message says why, and what to do."""


def write_archive(files: Mapping[str, bytes]) -> bytes:
    """The ZIP archive of ``files``: sorted by name, without times, the same for the same files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in sorted(files.items()):
            member = zipfile.ZipInfo(name, _MOMENT)
            member.create_system = 3
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, data, compresslevel=_LEVEL)
    return content.getvalue()


def read_archive(content: bytes, findings: BundleFindings) -> dict[str, bytes] | None:
    """The files of an archive by name; None where it is refused as a whole.

    A single file that cannot be read is left out. Every refusal is a finding.

    Raises:
        NotAnArchiveError: this is no ZIP archive.
    """
    refused = next(_bounds(content), None)
    if refused is not None:
        findings.add(BundleFindingKind.REFUSED, "archive", refused)
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _members(archive, content, findings)
    except _BROKEN as error:
        told = f"it is no ZIP archive that can be read ({error}). Download the bundle again"
        raise NotAnArchiveError(told) from error


def _bounds(content: bytes) -> Iterator[str]:
    """Why an archive is refused before it is opened."""
    if len(content) > MAX_BYTES:
        yield f"it is larger than {MAX_BYTES} bytes, and no bundle is"
    if content.count(_CENTRAL_HEADER) > MAX_FILES:
        yield f"it holds more than {MAX_FILES} files, and no bundle does"


def _members(
    archive: zipfile.ZipFile, content: bytes, findings: BundleFindings
) -> dict[str, bytes] | None:
    members = archive.infolist()
    refused = [told for member in members for told in _refusals(member)]
    refused += odd_members(members)
    names = [member.filename for member in members]
    refused += [(name, "it is there twice") for name in sorted(set(names)) if names.count(name) > 1]
    if sum(member.file_size for member in members) > MAX_BYTES:
        refused.append(("archive", f"its files hold more than {MAX_BYTES} bytes together"))
    if not refused and not is_seamless(content, members):
        refused.append(("archive", "it holds more than its files, or tells of them in two ways"))
    for name, told in refused:
        findings.add(BundleFindingKind.REFUSED, name, told)
    if refused:
        return None
    return {
        member.filename: data
        for member in members
        if (data := _read(archive, content, member, findings)) is not None
    }


def _refusals(member: zipfile.ZipInfo) -> Iterator[tuple[str, str]]:
    name = member.orig_filename[:_MAX_NAME]
    if len(member.orig_filename) > _MAX_NAME or not _NAME.fullmatch(member.orig_filename):
        yield name, "its name is none that a bundle has"
    elif member.compress_type not in _METHODS or member.flag_bits & ~_FLAGS:
        yield name, "it is encrypted, or compressed in a way that bundles are not"


def _read(
    archive: zipfile.ZipFile, content: bytes, member: zipfile.ZipInfo, findings: BundleFindings
) -> bytes | None:
    """The content of a member, never more than it declares (the sum of which is bounded)."""
    name = member.filename
    try:
        with archive.open(member) as file:
            data = file.read(member.file_size + 1)
        if len(data) != member.file_size:
            told = f"it holds {len(data)} bytes and declares {member.file_size}"
        elif not is_filled(content, member):
            told = "more bytes are packed into it than its content needs"
        else:
            return data
    except _BROKEN as error:
        told = f"it cannot be read ({error})"
    findings.add(BundleFindingKind.CHANGED, name, told)
    return None
