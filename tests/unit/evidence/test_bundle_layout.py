"""Bundles packed byte by byte: what some reader of ZIP would heed, and others not, is refused."""

import struct
import zipfile
import zlib

import pytest

from gateway.evidence import verify_bundle
from tests.unit.evidence.bundle_world import exported_bundles, files_of
from tests.unit.evidence.test_malicious_bundles import directory_of, refusals


@pytest.fixture(scope="module")
def bundle() -> bytes:
    return exported_bundles()[0]


def packed(bundle: bytes, method: int, *, tail: bytes = b"", flags: int = 0) -> bytes:
    """The bundle, byte by byte as ZIP has it; ``tail`` stands behind the content of plan.json, as
    part of what is compressed, and ``flags`` with it."""
    members, directory = b"", b""
    files = sorted(files_of(bundle).items())
    for name, data in files:
        stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        stored = method == zipfile.ZIP_STORED
        body = data if stored else stream.compress(data) + stream.flush()
        own = flags if name == "plan.json" else 0
        body += tail if name == "plan.json" else b""
        told = (20, own, method, 0, 33, zlib.crc32(data), len(body), len(data), len(name), 0)
        central = struct.pack("<4sH5H3L2H", b"PK\1\2", 20, *told)
        directory += central + struct.pack("<3H2L", 0, 0, 0, 0, len(members)) + name.encode()
        members += struct.pack("<4s5H3L2H", b"PK\3\4", *told) + name.encode() + body
    count, at = len(files), len(members)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(directory), at, 0)
    return members + directory + end


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_is_packed_behind_the_content_of_a_file_is_found(bundle: bytes, method: int) -> None:
    assert verify_bundle(packed(bundle, method)).ok
    for tail in (b"\0", b"approved by everybody"):
        report = verify_bundle(packed(bundle, method, tail=tail))
        assert "plan.json" in {one.file for one in report.findings}


@pytest.mark.parametrize("bit", [0, 3, 4, 5, 6, 12, 13, 15])
def test_a_flag_that_other_readers_heed_is_refused(bundle: bytes, bit: int) -> None:
    made = packed(bundle, zipfile.ZIP_DEFLATED, flags=1 << bit)
    assert refusals(made) == {"plan.json"}


@pytest.mark.parametrize("bit", [1, 2, 11])
def test_a_flag_that_changes_nothing_does_no_harm(bundle: bytes, bit: int) -> None:
    assert verify_bundle(packed(bundle, zipfile.ZIP_DEFLATED, flags=1 << bit)).ok


@pytest.mark.parametrize("place", [34, 38])
def test_a_file_of_another_volume_or_that_is_a_folder_to_dos_is_refused(
    bundle: bytes, place: int
) -> None:
    altered = bytearray(packed(bundle, zipfile.ZIP_DEFLATED))
    altered[directory_of(bytes(altered)) + place] |= 0x10
    assert refusals(bytes(altered)) == {"approvals.json"}
