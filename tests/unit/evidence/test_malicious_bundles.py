"""Archives made to harm whoever checks them: refused with a finding, never with a traceback."""

import io
import os
import struct
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable

import pytest

from gateway.evidence import BundleFindingKind, NotAnArchiveError, verify_bundle
from gateway.evidence.archive import MAX_BYTES, MAX_FILES
from gateway.evidence.check_entries import MOST_LINES
from gateway.evidence.text import MAX_DEPTH, MOST_CONTAINERS
from gateway.model.json import JsonValue, decode
from tests.unit.evidence.bundle_world import exported_bundles, files_of, with_files


@pytest.fixture(scope="module")
def bundle() -> bytes:
    return exported_bundles()[0]


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(content, "w", method) as made:
        warnings.simplefilter("ignore")  # two members of one name
        for name, data in members:
            made.writestr(name, data)
    return content.getvalue()


def refusals(content: bytes) -> set[str]:
    report = verify_bundle(content)
    assert not report.ok
    assert report.manifest is None
    return {one.file for one in report.findings if one.kind is BundleFindingKind.REFUSED}


@pytest.mark.parametrize(
    "name",
    [
        "../evil.json",
        "/etc/passwd",
        "a/../../b",
        "a/b/c",
        "C:\\evil",
        "folder/",
        "x" * 400,
        "ein name",
        "\u202egnp.exe",
        ".hidden",
    ],
)
def test_a_name_that_no_bundle_has_is_refused(bundle: bytes, name: str) -> None:
    assert refusals(zipped(*files_of(bundle).items(), (name, b"x")))


def test_a_name_with_a_hidden_end_is_refused(bundle: bytes) -> None:
    made = zipped(*files_of(bundle).items(), ("plan.jsonXevil", b"x"))
    assert refusals(made.replace(b"plan.jsonXevil", b"plan.json\x00evil"))


def test_a_name_that_is_there_twice_is_refused(bundle: bytes) -> None:
    twice = zipped(*files_of(bundle).items(), ("plan.json", b"{}\n"))
    assert refusals(twice) == {"plan.json"}


def test_a_bomb_is_refused_before_it_is_unpacked(bundle: bytes) -> None:
    bomb = zipped(*((f"{number}.json", bytes(MAX_BYTES // 4)) for number in range(5)))
    assert len(bomb) < MAX_BYTES // 100
    began = time.thread_time()
    assert refusals(bomb) == {"archive"}
    assert time.thread_time() - began < 1


def test_a_bomb_that_lies_about_its_size_is_not_unpacked_further(bundle: bytes) -> None:
    honest = zipped(("manifest.json", bytes(10_000_000)))
    declared = struct.pack("<L", 10_000_000)
    assert honest.count(declared) == 2
    report = verify_bundle(honest.replace(declared, struct.pack("<L", 10)))
    assert "manifest.json" in {finding.file for finding in report.findings}


def test_very_many_files_are_refused() -> None:
    many = zipped(*((f"{number}.json", b"") for number in range(MAX_FILES + 1)))
    assert refusals(many) == {"archive"}


def test_an_archive_that_is_too_large_is_refused() -> None:
    assert refusals(bytes(MAX_BYTES + 1)) == {"archive"}


def test_other_ways_of_packing_are_refused(bundle: bytes) -> None:
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        assert "plan.json" in refusals(zipped(("plan.json", b"{}"), method=method))
    encrypted = bytearray(zipped(("plan.json", b"{}")))
    at = encrypted.index(b"PK\x01\x02")
    encrypted[at + 8] |= 1
    assert refusals(bytes(encrypted)) == {"plan.json"}


def test_an_archive_packed_again_without_compression_holds(bundle: bytes) -> None:
    assert verify_bundle(zipped(*files_of(bundle).items(), method=zipfile.ZIP_STORED)).ok


def local_part(name: str, data: bytes) -> bytes:
    """A member with its header alone: readers of streams see it, readers of directories do not."""
    made = zipped((name, data), method=zipfile.ZIP_STORED)
    return made[: made.index(b"PK\x01\x02")]


def directory_of(content: bytes) -> int:
    """Where the directory of an archive begins."""
    return int(struct.unpack("<L", content[-6:-2])[0])


def behind_the_last_member(bundle: bytes) -> bytes:
    at, hidden = directory_of(bundle), local_part("plan.json", b"{}")
    moved = struct.pack("<L", at + len(hidden))
    return bundle[:at] + hidden + bundle[at:-6] + moved + bundle[-2:]


def told_in_two_ways(bundle: bytes) -> bytes:
    """The header before the first member tells of another size than the directory."""
    altered = bytearray(bundle)
    altered[22:26] = struct.pack("<L", 1)
    return bytes(altered)


@pytest.mark.parametrize(
    "altered",
    [
        lambda bundle: local_part("plan.json", b"{}") + bundle,
        lambda bundle: zipped(("plan.json", b"{}")) + bundle,
        behind_the_last_member,
        told_in_two_ways,
        lambda bundle: bundle + b"approved by everybody",
        lambda bundle: bundle[:-2] + b"\x08\x00approved",
    ],
)
def test_what_another_reader_would_see_is_refused(
    bundle: bytes, altered: Callable[[bytes], bytes]
) -> None:
    assert refusals(altered(bundle)) == {"archive"}


def with_member(bundle: bytes, change: Callable[[zipfile.ZipInfo], None]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        for name, data in files_of(bundle).items():
            member = zipfile.ZipInfo(name)
            if name == "plan.json":
                change(member)
            made.writestr(member, data)
    return content.getvalue()


def other_name(member: zipfile.ZipInfo) -> None:
    """A Unicode path (Info-ZIP, 0x7075), by which some readers name the file, as Python does from
    3.13 on."""
    told = b"\x01" + struct.pack("<L", zlib.crc32(b"plan.json")) + b"evil.json"
    member.extra = struct.pack("<HH", 0x7075, len(told)) + told


@pytest.mark.parametrize(
    "change",
    [
        other_name,
        lambda member: setattr(member, "comment", b"approved"),
        lambda member: setattr(member, "external_attr", 0o120777 << 16),
    ],
    ids=["other name", "comment", "link"],
)
def test_a_member_that_carries_more_than_its_content_is_refused(
    bundle: bytes, change: Callable[[zipfile.ZipInfo], None]
) -> None:
    assert verify_bundle(with_member(bundle, lambda _: None)).ok
    assert refusals(with_member(bundle, change)) in ({"plan.json"}, {"evil.json"})


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"no archive", pytest.param(os.urandom(1000), id="random")]
)
def test_what_is_no_bundle_is_told_apart(content: bytes) -> None:
    with pytest.raises(NotAnArchiveError, match="ZIP"):
        verify_bundle(content)


def test_an_empty_archive_is_no_bundle() -> None:
    assert not verify_bundle(b"PK\x05\x06" + bytes(18)).ok


def test_a_truncated_bundle_is_no_archive(bundle: bytes) -> None:
    with pytest.raises(NotAnArchiveError):
        verify_bundle(bundle[: len(bundle) // 2])


DEEP = b"[" * 100_000 + b"]" * 100_000
BODIES: dict[str, bytes] = {
    "deep": DEEP,
    "deep enough to parse": b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
    "null": b"null",
    "null as exporters spell it": b"null\n",
    "number": b"1",
    "list": b"[]\n",
    "empty": b"",
    "no UTF-8": b"\xff\xfe",
    "huge number": b"1" * 5_000,
    "infinite": b"1e999",
    "nan": b"NaN",
    "lone surrogate": b'"\\ud800"',
    "object": b"{}\n",
}


@pytest.mark.parametrize("file", sorted(files_of(exported_bundles()[0])))
@pytest.mark.parametrize("body", BODIES)
def test_strange_content_is_a_finding_in_its_file(bundle: bytes, file: str, body: str) -> None:
    report = verify_bundle(with_files(bundle, {file: BODIES[body]}))
    assert file in {finding.file for finding in report.findings}


LINES: dict[str, Callable[[bytes], bytes]] = {
    "deep body": lambda line: line.replace(b'"body":"', b'"body":"' + DEEP[:500] + b'","x":"'),
    "no number": lambda line: line.replace(b'"seq":4', b'"seq":true'),
    "negative": lambda line: line.replace(b'"seq":4', b'"seq":-4'),
    "huge": lambda line: line.replace(b'"seq":4', b'"seq":18446744073709551615'),
    "a number as type": lambda line: line.replace(b'"type":"run.started"', b'"type":7'),
    "an object as hash": lambda line: line.replace(b'"previous":"', b'"previous":{},"x":"'),
}


@pytest.mark.parametrize("how", LINES)
def test_strange_lines_are_findings(bundle: bytes, how: str) -> None:
    lines = files_of(bundle)["entries.jsonl"].splitlines(keepends=True)
    changed = LINES[how](lines[3])
    assert changed != lines[3]
    lines[3] = changed
    report = verify_bundle(with_files(bundle, {"entries.jsonl": b"".join(lines)}))
    assert any(finding.seq == 4 for finding in report.findings)


def test_messages_are_safe_to_print(bundle: bytes) -> None:
    report = verify_bundle(zipped(*files_of(bundle).items(), ("\x1b[2Jevil", b"x")))
    assert all(finding.file.isprintable() for finding in report.findings)


def test_findings_without_end_are_counted(bundle: bytes) -> None:
    report = verify_bundle(with_files(bundle, {"entries.jsonl": b"{}\n" * 5_000}))
    assert len(report.findings) <= 200
    assert report.more > 4_000


@pytest.mark.parametrize("text", [b"[" + b"[],\n" * MOST_CONTAINERS + b"[]]", b"{}" * 2_000_001])
def test_more_lists_and_objects_than_a_bundle_holds_are_not_made(
    bundle: bytes, text: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some kilobytes of an archive would take gigabytes of memory."""

    def decoded(given: bytes) -> JsonValue:
        assert given != text
        return decode(given)

    monkeypatch.setattr("gateway.evidence.text.decode", decoded)
    for file in ("plan.json", "manifest.json", "manifest.sig.json", "inclusion.json"):
        report = verify_bundle(with_files(bundle, {file: text}))
        (told, *_) = [one.message for one in report.findings if "lists and objects" in one.message]
        assert "more than 2000000" in told


def test_more_lines_than_entries_fit_are_not_looked_at(bundle: bytes) -> None:
    lines = b"{}\n" * (MOST_LINES + 1)
    report = verify_bundle(with_files(bundle, {"entries.jsonl": lines}))
    told = [one for one in report.findings if one.file == "entries.jsonl"]
    assert any("no bundle has room for as many entries" in one.message for one in told)
    assert report.more == 0


def test_an_entry_takes_more_than_the_bytes_that_are_counted_for_it(bundle: bytes) -> None:
    lines = files_of(bundle)["entries.jsonl"].splitlines()
    assert min(map(len, lines)) > MAX_BYTES // MOST_LINES
