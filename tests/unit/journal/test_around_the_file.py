"""What is around the file fails: a lock, a full disk, a folder. No damage is told, nor a backup."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from gateway.journal import (
    Accepting,
    Archiving,
    FindingKind,
    FolderLock,
    MarkFile,
    SqliteJournal,
    Until,
    database,
    rebuild_record,
    refold,
    verify_record,
)
from gateway.journal.checkpoint_file import CheckpointFile
from gateway.journal.migrations import migrate_sqlite
from gateway.model.problem import ProblemError
from tests.contract.journal_story import SteppingClock

pytestmark = pytest.mark.anyio


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another program is in the midst of a transaction."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def fill_up(connection: sqlite3.Connection) -> None:
    """Insert until the disk is full, as SQLite takes it."""
    connection.execute("PRAGMA max_page_count = 8")
    for _ in range(100):
        connection.execute("INSERT INTO filler VALUES (zeroblob(2000))")


@contextmanager
def filled(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(folder / "filled.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE filler (content)")
        yield connection


def full_disk(folder: Path) -> sqlite3.Error:
    """SQLite's own error of a full disk."""
    with filled(folder) as connection, pytest.raises(sqlite3.Error) as raised:
        fill_up(connection)
    return raised.value


async def opened(record) -> None:
    journal = await SqliteJournal.open(record.path, clock=SteppingClock(), writer="w")
    await journal.close()


async def archived(record) -> None:
    folder = record.folder / "archive"
    Archiving(record.path, folder, record.signer, SteppingClock()).run(Until(through=1_000))


async def accepted(record) -> None:
    mark = MarkFile(record.folder)
    Accepting(record.path, record.folder, mark, record.signer, SteppingClock()).restored()


async def rebuilt(record) -> None:
    rebuild_record(record.path, SteppingClock())


@pytest.mark.parametrize("does", [opened, archived, accepted, rebuilt])
async def test_a_lock_of_another_program_is_told_as_such(record, monkeypatch, does) -> None:
    await record.tell("a")
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.01)
    with held(record.path), pytest.raises(ProblemError) as raised:
        await does(record)
    problem = raised.value.problem
    assert problem.code == "SERVICE_UNAVAILABLE"
    assert str(record.path) in problem.detail
    assert "another process holds the database: end it" in problem.detail
    assert "backup" not in problem.detail
    await does(record)


async def test_a_migration_under_the_lock_of_another_program(tmp_path, monkeypatch) -> None:
    path = tmp_path / "gateway.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.01)
    with held(path), pytest.raises(ProblemError, match="end it, then try again") as raised:
        migrate_sqlite(path)
    assert raised.value.problem.code == "SERVICE_UNAVAILABLE"
    assert migrate_sqlite(path).before is None


async def test_a_full_disk_while_folding_is_no_damage(record, tmp_path, monkeypatch) -> None:
    await record.tell("a")
    error = full_disk(tmp_path)

    def fails(*_: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(refold, "fold_in", fails)
        with pytest.raises(ProblemError, match="free space") as raised:
            rebuild_record(record.path, SteppingClock())
    assert raised.value.problem.code == "SERVICE_UNAVAILABLE"
    assert rebuild_record(record.path, SteppingClock()) > 0


async def test_no_room_for_comparing_is_no_damage(record, tmp_path, monkeypatch) -> None:
    await record.tell("a")
    error = full_disk(tmp_path)

    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(refold, "fold_in", fails)
    [found] = verify_record(record.path, [record.signer.public_key_pem]).findings
    assert found.kind is FindingKind.PROJECTION
    assert found.message.startswith("the projections could not be compared (SQLITE_FULL): make")


def test_what_sqlite_undid_by_itself_is_not_undone_again(tmp_path: Path) -> None:
    with filled(tmp_path) as connection:
        with pytest.raises(sqlite3.OperationalError, match="full"), database.writing(connection):
            fill_up(connection)
        with database.writing(connection):
            connection.execute("DELETE FROM filler")
        assert not connection.in_transaction


def test_a_folder_that_cannot_be_used_is_told_as_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProblemError, match="read and write access") as raised:
        FolderLock(tmp_path / "file" / "data")
    assert raised.value.problem.code == "DATABASE_UNREADABLE"
    (tmp_path / "data" / "gateway.lock").mkdir(parents=True)
    with pytest.raises(ProblemError, match=r"move that folder away.*GATEWAY_DATA_DIR"):
        FolderLock(tmp_path / "data")


def test_a_folder_is_held_also_where_its_disk_is_full(tmp_path, monkeypatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with FolderLock(tmp_path), pytest.raises(ProblemError, match="DATA_DIR_IN_USE"):
        FolderLock(tmp_path)


@pytest.mark.parametrize("does", [opened, archived, accepted])
async def test_a_copy_of_checkpoints_that_cannot_be_written_fails_nothing(
    record, monkeypatch, caplog, does
) -> None:
    await record.tell("a")
    record.file.unlink()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(CheckpointFile, "complete", full)
        await does(record)
    assert "checkpoints.jsonl lacks the newest checkpoints for now: No space left" in caplog.text
    await opened(record)
    assert record.file.read_text().count("\n") >= 1


@pytest.mark.parametrize("garbage", [b"x", b"no checkpoint\n"])
async def test_a_copy_of_checkpoints_that_holds_something_else_is_told(
    record, caplog, garbage
) -> None:
    await record.tell("a", "b")
    assert caplog.text == ""
    written = record.file.read_bytes()
    record.file.write_bytes(written + garbage)
    await opened(record)
    assert f"holds {len(garbage)} bytes behind the last checkpoint. `gateway audit" in caplog.text
    record.file.rename(record.folder / "kept.jsonl")
    await opened(record)
    assert record.file.read_bytes() == written
