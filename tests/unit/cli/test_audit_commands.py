"""``gateway audit``: verifying with keys and checkpoints from elsewhere, and rotating the key."""

import asyncio
import json
import os
import pty
import shutil
import sqlite3
import subprocess
from contextlib import closing, suppress
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.journal import Checkpointer, FolderLock, SqliteJournal
from gateway.journal import verify as verifying
from gateway.model.system import SystemClock
from gateway.privacy import CheckpointKeys
from tests.contract.journal_story import Story
from tests.processes import GATEWAY


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("GATEWAY_"):
            monkeypatch.delenv(name)


class Folder:
    """A data folder, and the commands on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys = CheckpointKeys(folder.with_name(f"{folder.name}-keys"))

    def tell(self, name: str, *, signed: bool = True) -> None:
        """Record a run, with a checkpoint."""

        async def session() -> None:
            path = self.folder / "gateway.db"
            journal = await SqliteJournal.open(path, clock=SystemClock(), writer="w")
            try:
                for new in Story(name).whole("x"):
                    await journal.write(lambda tx, new=new: tx.append(new))
                if signed:
                    await Checkpointer(journal, self.keys.current()).checkpoint()
            finally:
                await journal.close()

        asyncio.run(session())

    def run(self, *arguments: str) -> Result:
        called = ["audit", *arguments, "--data-dir", str(self.folder)]
        return CliRunner().invoke(main, called, catch_exceptions=False)

    def sql(self, command: str) -> None:
        with closing(sqlite3.connect(self.folder / "gateway.db")) as connection, connection:
            connection.execute(command)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "data")
    made.tell("a")
    return made


def test_without_a_key_it_says_whom_it_trusts(folder: Folder) -> None:
    done = folder.run("verify")

    assert (done.exit_code, done.stderr) == (0, "")
    assert f"TRUSTED THE KEYS BESIDE THE RECORD ({folder.keys.public})" in done.stdout
    assert "Name a key that you keep elsewhere with --public-key." in done.stdout
    assert "NO CHECKPOINT" not in done.stdout
    assert done.stdout.endswith("the record verifies\n")


def test_a_key_given_by_hand_is_the_only_one_trusted(folder: Folder, tmp_path: Path) -> None:
    own, other = str(folder.keys.public), CheckpointKeys(tmp_path / "other")
    other.current()

    assert "TRUSTED" not in folder.run("verify", "--public-key", own).stdout
    done = folder.run("verify", "--public-key", str(other.public))
    assert done.exit_code == 1
    assert "CHECKPOINT_FORGED checkpoint 1 is forged or altered" in done.stdout
    assert "THE RECORD DOES NOT VERIFY" in done.stdout


def test_a_verifier_key_is_shown_and_may_be_given(folder: Folder, tmp_path: Path) -> None:
    path, key = folder.run("key").stdout.split()
    assert path == str(folder.keys.public)
    (tmp_path / "vkey").write_text(f"{key}\n")

    assert key.startswith("contract-gateway/")
    assert folder.run("verify", "--public-key", str(tmp_path / "vkey")).exit_code == 0


def test_the_first_key_is_enough_after_rotations(folder: Folder, tmp_path: Path) -> None:
    first = tmp_path / "first.pem"
    shutil.copy(folder.keys.public, first)
    before = folder.keys.current().key_id

    done = folder.run("rotate-key")
    folder.tell("b")

    after = folder.keys.current().key_id
    assert done.exit_code == 0
    assert f"key {before} endorsed key {after} in checkpoint 2" in done.stdout
    assert folder.run("verify", "--public-key", str(first)).exit_code == 0
    assert folder.run("verify", "--public-key", str(folder.keys.public)).exit_code == 0
    assert folder.run("verify").exit_code == 0
    assert len(folder.run("key").stdout.splitlines()) == 4


def test_a_checkpoint_is_printed_and_kept_to_verify_against(folder: Folder, tmp_path: Path) -> None:
    folder.tell("b")
    line = (folder.folder / "checkpoints.jsonl").read_text().splitlines()[-1]
    assert folder.run("checkpoint").stdout == json.loads(line)["note"]
    told = json.loads(folder.run("checkpoint", "--number", "1", "--json").stdout)
    assert (told["number"], told["size"]) == (1, 7)

    kept = tmp_path / "note"
    assert folder.run("checkpoint", "--output", str(kept)).exit_code == 0
    assert kept.read_text() == json.loads(line)["note"]
    assert folder.run("verify", "--against", str(kept)).exit_code == 0
    again = folder.run("checkpoint", "--output", str(kept))
    assert (again.exit_code, "File exists" in again.stderr) == (2, True)
    assert folder.run("checkpoint", "--number", str(2**63)).exit_code == 2
    missing = folder.run("checkpoint", "--number", "9")
    assert (missing.exit_code, "NOT_FOUND" in missing.stderr) == (1, True)


def test_a_checkpoint_is_signed_where_nobody_else_does(folder: Folder) -> None:
    assert json.loads(folder.run("checkpoint", "--sign", "--json").stdout)["number"] == 1
    folder.tell("b", signed=False)
    assert json.loads(folder.run("verify", "--json").stdout)["uncovered"] == 7
    with FolderLock(folder.folder):
        assert "DATA_DIR_IN_USE" in folder.run("checkpoint", "--sign").stderr
    signed = json.loads(folder.run("checkpoint", "--sign", "--json").stdout)
    assert (signed["number"], signed["size"]) == (2, 14)
    assert json.loads(folder.run("verify", "--json").stdout)["uncovered"] == 0


def test_what_is_found_is_told_as_json(folder: Folder) -> None:
    good = json.loads(folder.run("verify", "--json").stdout)
    assert (good["verifies"], good["entries"], good["findings"]) == (True, 7, [])
    assert good["trustedBeside"] == [str(folder.keys.public)]
    (key,) = json.loads(folder.run("key", "--json").stdout)
    assert key["verifierKey"].startswith("contract-gateway/")
    assert json.loads(folder.run("status", "--json").stdout)["checkpoint"]["number"] == 1
    folder.sql("UPDATE entry SET actor = 'mallory' WHERE position = 3")
    done = folder.run("verify", "--json")
    bad = json.loads(done.stdout)
    assert (done.exit_code, bad["verifies"]) == (1, False)
    assert ("changed", 3) in [(one["kind"], one.get("position")) for one in bad["findings"]]


def test_the_key_is_not_rotated_beside_a_server(folder: Folder) -> None:
    with FolderLock(folder.folder):
        done = folder.run("rotate-key")

    assert (done.exit_code, done.stdout) == (1, "")
    assert "DATA_DIR_IN_USE" in done.stderr


def test_a_fork_is_shown_with_both_checkpoints(folder: Folder, tmp_path: Path) -> None:
    shutil.copytree(folder.keys.folder, tmp_path / "fork-keys")
    fork = Folder(Path(shutil.copytree(folder.folder, tmp_path / "fork")))
    fork.tell("b")
    folder.tell("c")
    theirs = fork.folder / "checkpoints.jsonl"

    done = folder.run("verify", "--against", str(theirs))

    assert done.exit_code == 1
    assert "FORK checkpoint 2 and checkpoint 2 in checkpoints.jsonl:2" in done.stdout
    assert "FORK [position=8]" in done.stdout
    for file in (theirs, folder.folder / "checkpoints.jsonl"):
        note = json.loads(file.read_text().splitlines()[-1])["note"]
        assert all(f"    {line}" in done.stdout for line in note.splitlines())


def test_files_that_cannot_be_used_exit_2(folder: Folder, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no key")

    for option, value in (
        ("--against", tmp_path / "none"),
        ("--checkpoints", tmp_path / "none"),
        ("--public-key", tmp_path / "none"),
        ("--public-key", text),
    ):
        done = folder.run("verify", option, str(value))
        assert (done.exit_code, done.stdout) == (2, "")
        assert str(value) in done.stderr
    done = folder.run("verify", "--public-key", str(folder.keys.public), "--public-key", str(text))
    assert (done.exit_code, done.stderr.startswith(f"gateway: {text}: it cannot be")) == (2, True)


def test_the_second_copy_may_be_kept_elsewhere(folder: Folder, tmp_path: Path) -> None:
    kept = shutil.move(folder.folder / "checkpoints.jsonl", tmp_path / "kept.jsonl")
    folder.sql("DELETE FROM checkpoint")

    done = folder.run("verify")
    assert (done.exit_code, "NO CHECKPOINT SIGNS ANY OF THESE ENTRIES" in done.stdout) == (0, True)
    done = folder.run("verify", "--checkpoints", str(kept))
    assert "CHECKPOINT_FILE kept.jsonl holds 1 checkpoint(s)" in done.stdout


def test_progress_is_told_where_it_is_asked_for(folder: Folder) -> None:
    told = folder.run("verify", "--progress").stderr.splitlines()

    assert "entries: 100% of 7" in told
    assert told[-1] == "projections: 100% of 7"


def shown_on(terminal: int) -> str:
    """All that was written to a terminal that nobody writes to any more: it comes in parts."""
    told = b""
    with suppress(OSError):  # how Linux tells the end; others give nothing
        while part := os.read(terminal, 10_000):
            told += part
    return told.decode()


def test_a_terminal_sees_one_line_that_changes(folder: Folder) -> None:
    ours, theirs = pty.openpty()
    command = [*GATEWAY, "audit", "verify", "--data-dir", str(folder.folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, check=True)
    os.close(theirs)
    shown = shown_on(ours)
    os.close(ours)

    assert shown.startswith("\rentries: 100% of 7")
    assert shown.endswith("\r")
    assert b"entries:" not in done.stdout


@pytest.mark.parametrize("is_changed", [False, True])
def test_a_large_record_is_folded_in_a_process_beside(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, is_changed: bool
) -> None:
    monkeypatch.setattr(verifying, "_LARGE", 1)
    if is_changed:
        folder.sql("UPDATE execution SET status = 'failed'")

    done = folder.run("verify")

    told = "execution exec_a does not say what the journal says in: status"
    assert (f"PROJECTION {told}" in done.stdout) == is_changed
    assert done.exit_code == is_changed
