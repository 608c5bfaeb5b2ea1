"""Archives: exactly what the manifest lists, nothing that leads elsewhere, nothing unbounded."""

import io
import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from gateway.blobs import FolderBlobs
from gateway.model.problem import ProblemError
from gateway.skills import ArtifactStore, digest_of
from gateway.skills.archive import MAX_ARCHIVE, describe_archive, read_archive
from gateway.skills.manifest import MAX_EXPANDED
from tests.unit.skills.skill_kit import JsonObject, archive


def listing(files: dict[str, str]) -> list[JsonObject]:
    return [
        {"path": path, "digest": digest_of(text.encode()), "size": len(text.encode())}
        for path, text in files.items()
    ]


FILES = {"contracts/a.yaml": "a: 1", "README.md": "Hello"}


def codes(content: bytes, listed: list[JsonObject] | None = None) -> list[str]:
    found = read_archive(content, listing(FILES) if listed is None else listed)
    assert not (found.files and found.issues)
    return [issue.code for issue in found.issues]


def test_the_listed_files_are_read() -> None:
    found = read_archive(archive(dict(FILES)), listing(FILES))
    assert found.files == {path: text.encode() for path, text in FILES.items()}
    assert found.issues == ()


def test_folders_in_an_archive_are_let_be() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        out.mkdir("contracts")
        for path, text in FILES.items():
            out.writestr(path, text)
    assert codes(packed.getvalue()) == []
    assert [one["path"] for one in describe_archive(packed.getvalue())] == sorted(FILES)


@pytest.mark.parametrize(
    "files",
    [
        {**FILES, "more.txt": "unlisted"},
        {"README.md": "Hello"},
        {**FILES, "README.md": "Hullo"},
        {**FILES, "README.md": "Hello!"},
        {**FILES, "README.md": ""},
    ],
)
def test_another_content_than_the_listed_one_is_a_mismatch(files: dict[str, str]) -> None:
    assert codes(archive(dict(files))) == ["ARTIFACT_DIGEST_MISMATCH"]


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/passwd", "a/../../b", "a\\b", "C:/x", ".x"])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        info = zipfile.ZipInfo("x")
        info.filename = name
        out.writestr(info, "x")
    assert "MANIFEST_INVALID" in codes(packed.getvalue(), [])
    with pytest.raises(ValueError, match="odd name"):
        describe_archive(packed.getvalue())


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFDIR])
def test_what_is_no_regular_file_is_refused(kind: int) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        info = zipfile.ZipInfo("README.md")
        info.external_attr = (kind | 0o777) << 16
        out.writestr(info, "/etc/passwd")
    assert codes(packed.getvalue(), []) == ["MANIFEST_INVALID"]


def test_a_member_that_is_there_twice_is_refused() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        out.writestr("README.md", "Hello")
        out.writestr("Readme.md", "Hello")
    assert codes(packed.getvalue(), []) == ["MANIFEST_INVALID"]


def test_an_encrypted_or_oddly_packed_member_is_refused() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as out:
        out.writestr("README.md", "Hello")
    assert codes(packed.getvalue(), []) == ["MANIFEST_INVALID"]
    plain = bytearray(archive({"README.md": "Hello"}))
    at = plain.index(b"PK\x01\x02")
    struct.pack_into("<H", plain, at + 8, 1)
    assert codes(bytes(plain), []) == ["MANIFEST_INVALID"]


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip", archive({"a": "b" * 999})[:-30]])
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    assert codes(content, []) == ["MANIFEST_INVALID"]
    with pytest.raises(ValueError, match=r"\w"):
        describe_archive(content)


def test_damaged_content_is_refused() -> None:
    damaged = bytearray(archive({"README.md": os.urandom(1000).hex()}))
    damaged[60] ^= 255
    listed = [{"path": "README.md", "digest": digest_of(b""), "size": 2000}]
    assert codes(bytes(damaged), listed) in (["MANIFEST_INVALID"], ["ARTIFACT_DIGEST_MISMATCH"])


def test_a_bomb_is_read_no_further_than_listed() -> None:
    bomb = archive({"README.md": b"\0" * (MAX_EXPANDED + 1)})
    assert len(bomb) < 200_000
    listed = [{"path": "README.md", "digest": digest_of(b"\0"), "size": 1}]
    assert codes(bomb, listed) == ["ARTIFACT_DIGEST_MISMATCH"]
    with pytest.raises(ValueError, match="bytes together"):
        describe_archive(bomb)


def test_an_archive_of_too_many_members_is_refused() -> None:
    many = archive({f"f{number}": "" for number in range(401)})
    assert codes(many, []) == ["MANIFEST_INVALID"]


# --- the store


def test_the_store_keeps_an_archive_by_its_digest(tmp_path: Path) -> None:
    store, content = ArtifactStore(FolderBlobs(tmp_path / "skills")), archive(dict(FILES))
    digest = digest_of(content)
    assert store.get(digest) is None
    assert store.put(digest, content)
    assert not store.put(digest, content)
    assert store.get(digest) == content
    (file,) = (tmp_path / "skills").iterdir()
    assert file.name == f"{digest.removeprefix('sha256:')}.zip"


def test_a_damaged_archive_is_none_and_can_be_sent_again(tmp_path: Path) -> None:
    store, content = ArtifactStore(FolderBlobs(tmp_path)), archive(dict(FILES))
    digest = digest_of(content)
    store.put(digest, content)
    (file,) = tmp_path.iterdir()
    file.write_bytes(b"other")
    assert store.get(digest) is None
    assert store.put(digest, content)
    assert store.get(digest) == content


@pytest.mark.parametrize(
    "digest", ["", "sha256:", "sha256:../../x", "0" * 64, f"SHA256:{'0' * 64}"]
)
def test_what_is_no_digest_names_nothing(tmp_path: Path, digest: str) -> None:
    assert ArtifactStore(FolderBlobs(tmp_path)).get(digest) is None


def test_a_full_store_takes_nothing_more(tmp_path: Path) -> None:
    store = ArtifactStore(FolderBlobs(tmp_path), capacity=10)
    store.put(digest_of(b"12345678"), b"12345678")
    with pytest.raises(ProblemError) as error:
        store.put(digest_of(b"123"), b"123")
    assert error.value.problem.code == "LIMIT_EXCEEDED"
    assert MAX_ARCHIVE == 8 * 1024 * 1024
