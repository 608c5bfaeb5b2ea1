"""What any blobs must do, in a folder and in PostgreSQL."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from gateway.blobs import BLOB_TABLES, Blobs, FolderBlobs
from gateway.blobs.postgres import PIECE, PostgresBlobs
from gateway.model.problem import ProblemError

Open = Callable[[str], Blobs]


@pytest.fixture(params=["folder", "postgres"])
def area(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the blobs of an area, once more each time."""
    if request.param == "folder":
        yield lambda name: FolderBlobs(tmp_path / name)
        return
    url = request.getfixturevalue("database_url")
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(BLOB_TABLES)
    opened: list[PostgresBlobs] = []

    def open_it(name: str) -> Blobs:
        opened.append(PostgresBlobs(url, name))
        return opened[-1]

    yield open_it
    for blobs in opened:
        blobs.close()


@pytest.fixture
def blobs(area: Open) -> Blobs:
    return area("evidence")


def names(blobs: Blobs, ending: str = "") -> list[str]:
    return [one.name for one in blobs.names(ending)]


def test_nothing_is_there_before_anything_is_kept(blobs: Blobs) -> None:
    assert blobs.get("a") is None
    assert names(blobs) == []
    assert blobs.size() == 0
    assert not blobs.rename("a", "b")
    blobs.remove("a")


def test_the_size_is_told_while_others_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs, listing = FolderBlobs(tmp_path), Path.iterdir
    blobs.put("a", [b"12345"])
    blobs.put("b", [b"678"])

    def listed_before(folder: Path) -> Iterator[Path]:
        found = list(listing(folder))
        (tmp_path / "b").unlink(missing_ok=True)
        return iter(found)

    monkeypatch.setattr(Path, "iterdir", listed_before)
    assert blobs.size() == 5


def test_a_full_disk_is_told_as_a_problem_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    blobs = FolderBlobs(tmp_path / "evidence")
    blobs.put("a", [b"before"])
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(ProblemError, match=r"`evidence`.*No space left.*Free space") as raised:
            blobs.put("a", [b"after"])
    assert raised.value.problem.code == "SERVICE_UNAVAILABLE"
    assert raised.value.problem.retry_after == 1.0
    assert [path.name for path in (tmp_path / "evidence").iterdir()] == ["a"]
    assert blobs.get("a") == b"before"


def test_what_a_crash_left_unfinished_counts_until_it_is_old(tmp_path: Path) -> None:
    blobs, draft = FolderBlobs(tmp_path), tmp_path / ".a.0123456789abcdef"
    draft.write_bytes(b"12345")
    assert blobs.size() == 5
    os.utime(draft, (0, 0))
    assert blobs.size() == 0
    assert not draft.exists()


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 17])
def test_content_of_any_size_comes_back(blobs: Blobs, area: Open, size: int) -> None:
    content = os.urandom(size)
    blobs.put("a.zip", [content[:7], content[7:50], content[50:]])
    again = area("evidence")
    assert again.get("a.zip") == content
    assert again.get("a.zip", 10) == content[:10]
    assert again.get("a.zip", PIECE) == content[:PIECE]
    assert again.size() == size


def test_what_has_the_name_is_replaced(blobs: Blobs) -> None:
    blobs.put("a", [b"x" * (2 * PIECE)])
    blobs.put("a", [b"short"])
    assert blobs.get("a") == b"short"
    assert blobs.size() == 5


def test_names_are_told_in_order_by_their_ending(blobs: Blobs) -> None:
    for name in ("c.part", "a.part", "b.zip", "part"):
        blobs.put(name, [b"1"])
    assert names(blobs, ".part") == ["a.part", "c.part"]
    assert names(blobs) == ["a.part", "b.zip", "c.part", "part"]
    assert all(0 <= one.age < 60 for one in blobs.names())


def test_a_renamed_blob_replaces_what_had_the_name(blobs: Blobs) -> None:
    blobs.put("draft", [b"new"])
    blobs.put("done", [b"old"])
    assert blobs.rename("draft", "done")
    assert names(blobs) == ["done"]
    assert blobs.get("done") == b"new"
    assert not blobs.rename("draft", "done")
    assert blobs.get("done") == b"new"
    assert blobs.rename("done", "done")
    assert blobs.get("done") == b"new"


def test_a_removed_blob_is_gone(blobs: Blobs) -> None:
    blobs.put("a", [b"1"])
    blobs.remove("a")
    assert blobs.get("a") is None
    assert blobs.size() == 0


def test_areas_do_not_meet(area: Open) -> None:
    one, other = area("evidence"), area("skills")
    one.put("a", [b"1"])
    assert other.get("a") is None
    assert other.size() == 0
    other.put("a", [b"22"])
    other.remove("a")
    assert one.get("a") == b"1"


def _half() -> Iterator[bytes]:
    yield b"x" * PIECE
    raise OSError("no space left")


def test_content_that_breaks_off_leaves_what_was_there(blobs: Blobs) -> None:
    blobs.put("a", [b"whole"])
    for name in ("a", "b"):
        with pytest.raises(OSError, match="no space"):
            blobs.put(name, _half())
    assert blobs.get("a") == b"whole"
    assert names(blobs) == ["a"]
    assert blobs.size() == 5


@pytest.mark.parametrize("name", ["", "..", "../a", "a/b", ".a", "a\x00", "\u00e9", "a" * 251])
def test_what_is_no_name_is_refused(blobs: Blobs, name: str) -> None:
    for use in (
        lambda: blobs.put(name, [b"1"]),
        lambda: blobs.get(name),
        lambda: blobs.rename("a", name),
        lambda: blobs.rename(name, "a"),
        lambda: blobs.remove(name),
    ):
        with pytest.raises(ValueError, match="name of a blob"):
            use()


def test_several_who_write_one_name_leave_one_whole_content(blobs: Blobs, area: Open) -> None:
    contents = {bytes([number]) * (PIECE + number) for number in range(4)}
    failed: list[Exception] = []

    def write(content: bytes) -> None:
        try:
            for _ in range(5):
                area("evidence").put("a", [content])
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert blobs.get("a") in contents
    assert names(blobs) == ["a"]
