"""``gateway journal``: archiving, putting back, backing up and accepting a restored record."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.journal import Checkpointer, SqliteJournal, keep_mark
from gateway.model.system import SystemClock
from gateway.privacy import CheckpointKeys
from tests.contract.journal_story import Story


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("GATEWAY_"):
            monkeypatch.delenv(name)


class Folder:
    """A data folder, and the commands on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "gateway.db"
        self.keys = CheckpointKeys(folder.with_name(f"{folder.name}-keys"))
        self.archive = folder.with_name("archive")

    def serve(self, name: str) -> None:
        """A gateway records a run and stops."""

        async def session() -> None:
            journal = await SqliteJournal.open(self.database, clock=SystemClock(), writer="w")
            signer = self.keys.current()
            keeper = await keep_mark(journal, self.keys.folder)
            for new in Story(name).whole("x"):
                await journal.write(lambda tx, new=new: tx.append(new))
            await Checkpointer(journal, signer).checkpoint()
            await keeper.stop()
            await journal.close()

        asyncio.run(session())

    def run(self, *arguments: str) -> Result:
        called = [*arguments, "--data-dir", str(self.folder)]
        return CliRunner().invoke(main, called, catch_exceptions=False)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "data")
    made.serve("a")
    return made


def test_archiving_verifying_and_putting_back(folder: Folder) -> None:
    done = folder.run("journal", "archive", "--before", "2999-01-01", "--to", str(folder.archive))
    assert (done.exit_code, "removed 7 entries, with them 1 executions" in done.output) == (0, True)
    [segment] = folder.archive.iterdir()
    assert f"wrote {segment}: entries 1 to 7" in done.output

    alone = folder.run("audit", "verify")
    assert alone.exit_code == 0
    assert "7 entries are archived; their leaves verify, not read (--archive)" in alone.output
    whole = folder.run("audit", "verify", "--archive", str(folder.archive))
    assert (whole.exit_code, "read 1 segments" in whole.output) == (0, True)

    back = folder.run("journal", "restore", str(segment))
    assert (back.exit_code, back.output) == (0, "put 7 entries of 1 segments back\n")
    assert folder.run("audit", "verify").exit_code == 0


def test_a_segment_that_is_not_there_fails_the_verification(folder: Folder) -> None:
    folder.run("journal", "archive", "--through", "7", "--to", str(folder.archive))
    shutil.rmtree(folder.archive)

    found = folder.run("audit", "verify", "--archive", str(folder.archive))

    assert (found.exit_code, "ARCHIVE [position=1]" in found.output) == (1, True)


def test_with_keep_nothing_is_removed(folder: Folder) -> None:
    arguments = ("--through", "7", "--keep", "--to", str(folder.archive))

    assert "removed 0 entries" in folder.run("journal", "archive", *arguments).output


def test_what_takes_long_tells_how_far_it_is(folder: Folder, tmp_path: Path) -> None:
    for arguments, told in (
        (("rebuild",), "entries: 100% of "),
        (("archive", "--through", "1000", "--to", str(tmp_path / "archive")), "removal: 100% of 1"),
    ):
        assert folder.run("journal", *arguments).stderr == ""
        done = folder.run("journal", *arguments, "--progress")
        assert told in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Name what is archived"),
        (("--before", "yesterday"), "is no date"),
        (("--before", "9999-12-31T23:59:59-23:00"), "is no date"),
        (("--through", "0"), "--through"),
    ],
)
def test_wrong_use_is_told(folder: Folder, arguments: tuple[str, ...], told: str) -> None:
    done = folder.run("journal", "archive", *arguments, "--to", str(folder.archive))

    assert done.exit_code == 2
    assert told in done.output
    assert not folder.archive.exists()


@pytest.mark.parametrize("moment", ["2020-01-01", "2020-01-01T00:00:00Z", "2020-01-01T02:00+02:00"])
def test_what_is_younger_stays(folder: Folder, moment: str) -> None:
    done = folder.run("journal", "archive", "--before", moment, "--to", str(folder.archive))

    assert (done.exit_code, done.output) == (0, "removed 0 entries, with them 0 executions\n")


def test_a_foreign_file_is_refused(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "some.segment.gz").write_bytes(b"not even gzip")

    done = folder.run("journal", "restore", str(tmp_path / "some.segment.gz"))

    assert (done.exit_code, "ARCHIVE_UNUSABLE" in done.output) == (1, True)


def test_a_backup_is_put_back_and_accepted(folder: Folder, tmp_path: Path) -> None:
    backup = tmp_path / "backup.db"
    assert folder.run("journal", "backup", str(backup)).exit_code == 0
    folder.serve("b")
    shutil.copy(backup, folder.database)

    done = folder.run("journal", "accept-restore")

    assert done.exit_code == 0, done.output
    assert "the restored record is accepted; 0 runs were under way in it" in done.output
    assert "the checkpoints of what is lost are in" in done.output
    folder.serve("c")
    assert folder.run("audit", "verify").exit_code == 0


def test_a_backup_replaces_no_file(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "backup.db").write_text("mine")

    done = folder.run("journal", "backup", str(tmp_path / "backup.db"))

    assert (done.exit_code, "it is there already" in done.output) == (2, True)
    assert (tmp_path / "backup.db").read_text() == "mine"


def test_a_backup_that_cannot_be_written_is_told(folder: Folder, tmp_path: Path) -> None:
    done = folder.run("journal", "backup", str(tmp_path / "none" / "backup.db"))

    assert done.exit_code == 2
    assert "cannot be written" in done.output
