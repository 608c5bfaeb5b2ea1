"""The real clock, the real ids, and key files that are safe to create at once."""

import errno
import itertools
import os
import re
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.model.problem import ProblemError
from gateway.model.system import (
    RandomIds,
    SystemClock,
    key_file,
    replace_key_file,
    signing_key_file,
)
from tests.forking import Forked

ROOT = Path(__file__).resolve().parents[3]


def test_the_clock_tells_the_time_in_utc() -> None:
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert before <= now <= datetime.now(UTC)


def test_an_id_is_a_uuid_of_version_7_that_begins_with_the_time() -> None:
    earliest = time.time_ns() // 1_000_000
    prefix, _, digits = RandomIds().new("run").partition("_")
    latest = time.time_ns() // 1_000_000
    assert prefix == "run"
    assert re.fullmatch("[0-9a-f]{32}", digits)
    value = uuid.UUID(digits)
    assert (value.version, value.variant) == (7, uuid.RFC_4122)
    assert earliest <= value.int >> 80 <= latest


def test_ids_rise_strictly_though_many_fall_into_one_millisecond() -> None:
    ids = RandomIds()
    made = [ids.new("x") for _ in range(20_000)]
    assert all(first < second for first, second in itertools.pairwise(made))


def test_ids_rise_strictly_when_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = RandomIds()
    first = ids.new("x")
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert first < ids.new("x") < ids.new("x")


def test_ids_of_several_threads_are_distinct_and_rise_in_each() -> None:
    ids = RandomIds()
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _: [ids.new("x") for _ in range(2_000)], range(8)))
    assert all(batch == sorted(batch) for batch in batches)
    assert len({made for batch in batches for made in batch}) == 16_000


def test_a_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "keys" / "root.key"
    assert key_file(path, lambda: b"first") == b"first"
    assert key_file(path, lambda: b"second") == b"first"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert [found.name for found in path.parent.iterdir()] == ["root.key"]


def test_processes_that_make_a_key_at_once_agree_on_it(tmp_path: Path) -> None:
    program = (
        "import hashlib, os, sys, time; from pathlib import Path\n"
        "from gateway.model.system import key_file\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "content = key_file(Path(sys.argv[1]), lambda: os.urandom(32))\n"
        "print(len(content), content.hex())"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "keys" / "root.key")]
    pipe = subprocess.PIPE
    children = [Forked(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) for _ in range(4)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    answers = {child.communicate("go\n", timeout=30)[0] for child in children}
    assert len(answers) == 1
    assert answers.pop().startswith("32 ")


def test_threads_that_make_a_key_at_once_agree_on_it(tmp_path: Path) -> None:
    for round_ in range(20):
        path = tmp_path / str(round_) / "keys" / "root.key"
        with ThreadPoolExecutor(8) as pool:
            read = set(
                pool.map(lambda _, path=path: key_file(path, lambda: os.urandom(32)), range(8))
            )
        assert len(read) == 1


def test_no_copy_of_a_key_is_left_of_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, others = tmp_path / "root.key", tmp_path / ".root.next.key.0123456789abcdef"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: pytest.fail("killed"))
        with pytest.raises(pytest.fail.Exception):
            key_file(path, lambda: b"key")
    others.touch()
    (left,) = set(tmp_path.iterdir()) - {path, others}
    assert left.read_bytes() == b"key"
    assert key_file(path, lambda: b"another") == b"key"
    assert set(tmp_path.iterdir()) == {path, others}


def test_a_key_that_a_full_disk_has_no_room_for_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ProblemError, match=r"KEYS_UNUSABLE: .*No space left on device") as caught:
        key_file(tmp_path / "root.key", lambda: b"key")
    assert "room on its disk" in caught.value.problem.detail
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "next.key").touch()
    with pytest.raises(ProblemError, match="KEYS_UNUSABLE") as caught:
        replace_key_file(tmp_path / "next.key", tmp_path / "root.key")
    assert "room on its disk" in caught.value.problem.detail


def test_whoever_is_too_slow_to_make_a_key_reads_that_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, link = tmp_path / "root.key", os.link

    def overtaken(draft: Path, target: Path) -> None:
        monkeypatch.undo()
        assert key_file(path, lambda: b"first") == b"first"
        link(draft, target)

    monkeypatch.setattr(os, "link", overtaken)
    assert key_file(path, lambda: b"second") == b"first"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_key_that_others_can_open_is_refused_with_a_remedy(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys" / "root.key"
    key_file(path, lambda: b"secret")
    path.chmod(mode)
    with pytest.raises(ProblemError) as caught:
        key_file(path, lambda: b"other")
    problem = caught.value.problem
    assert problem.code == "KEYS_UNUSABLE"
    assert f"chmod 600 {path}" in problem.detail
    assert problem.issues[0].path == str(path)
    assert "secret" not in problem.detail


def test_a_key_folder_that_others_can_open_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o755)
    with pytest.raises(ProblemError, match=f"chmod 700 {folder}"):
        key_file(folder / "root.key", lambda: b"secret")
    assert list(folder.iterdir()) == []


def test_a_file_that_is_no_secret_may_be_open_to_others(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "public.pem"
    key_file(path, lambda: b"public", secret=False)
    path.chmod(0o644)
    assert key_file(path, lambda: b"", secret=False) == b"public"


def test_a_place_where_no_key_can_be_is_told_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(ProblemError, match=r"KEYS_UNUSABLE: .* cannot be used") as caught:
        key_file(tmp_path / "data" / "keys" / "root.key", lambda: b"secret")
    assert "read and write access" in caught.value.problem.detail


def test_a_signing_key_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "signing.pem"
    assert signing_key_file(path).public_key() == signing_key_file(path).public_key()


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAA\n"])
def test_a_damaged_signing_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keys" / "signing.pem"
    key_file(path, lambda: content)
    with pytest.raises(ProblemError, match="does not hold an unencrypted Ed25519 private key"):
        signing_key_file(path)
