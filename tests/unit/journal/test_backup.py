"""Backups, and how a record that was restored from one is known."""

import asyncio
import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest

from gateway.journal import (
    Accepting,
    Archiving,
    MarkFile,
    SqliteJournal,
    Until,
    alone,
    back_up,
    keep_mark,
    marks,
    read_record,
    rebuild_matches,
    verify_record,
)
from gateway.journal import mark_keeper as keeping
from gateway.journal.beside import COMMAND_WRITER
from gateway.journal.marks import BACKUP_VERSION, Mark
from gateway.journal.migrations import sqlite_versions
from gateway.journal.opening import WRITER
from gateway.journal.tables import SCHEMA_VERSION
from gateway.model.problem import ProblemError
from gateway.model.tasks import cancelled
from tests.contract.journal_story import WORKSPACE, SteppingClock, Story, call

pytestmark = pytest.mark.anyio


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    made = tmp_path / "the-keys"
    made.mkdir()
    return made


async def serve(record, keys: Path, name: str = "", *, stop: bool = True) -> None:
    """Serve the record as a gateway does, with a run in between; without ``stop`` it is killed."""
    journal = await SqliteJournal.open(record.path, clock=SteppingClock(), writer="w")
    try:
        keeper = await keep_mark(journal, keys)
        for entry in Story(name).whole("x") if name else []:
            await journal.write(lambda tx, entry=entry: tx.append(entry))
        if stop:
            await keeper.stop()
        else:
            await marked(journal, keys)
            await cancelled(keeper._task)
    finally:
        await journal.close()


async def marked(journal: SqliteJournal, keys: Path) -> None:
    """Wait until the mark has come to the last entry: until then a kill leaves an older one."""
    last = await journal.read(lambda records: records.last_position())

    def is_there() -> bool:
        mark = MarkFile(keys).read()
        return mark is not None and mark.position == last

    async with asyncio.timeout(25):
        while not is_there():  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.005)


async def refused(record, keys: Path) -> str:
    with pytest.raises(ProblemError) as error:
        await serve(record, keys)
    assert error.value.problem.code == "RECORD_RESTORED"
    return error.value.problem.detail


def accept(record, keys: Path):
    accepting = Accepting(
        record.path, record.folder, MarkFile(keys), record.signer, SteppingClock()
    )
    return accepting.restored()


def backed_up(record, name: str = "backup.db") -> Path:
    target = record.folder / name
    back_up(record.path, target, lambda done, total: None)
    return target


def put(record, backup: Path) -> None:
    """Put a copy in the place of the record, as a file of its own."""
    for path in record.folder.glob("gateway.db*"):
        path.unlink()
    shutil.copy(backup, record.path)


async def test_a_stop_and_a_crash_are_no_restore(record, keys: Path) -> None:
    await serve(record, keys, "a")
    await serve(record, keys, "b", stop=False)
    await serve(record, keys, "c")


async def test_a_backup_is_whole_and_says_that_it_is_one(record, keys: Path) -> None:
    await record.tell("a")
    journal = await record.opened()
    try:
        backup = backed_up(record)  # beside a server
        await journal.write(lambda tx: tx.append(call(None)))
    finally:
        await journal.close()

    assert verify_record(backup, [record.signer.public_key_pem], record.file).findings == ()
    assert read_record(backup, lambda records: records.last_position()) == 10
    put(record, backup)
    assert "written as a backup" in await refused(record, keys)


async def test_a_backup_replaces_nothing(record) -> None:
    await record.tell("a")
    backed_up(record)

    with pytest.raises(FileExistsError):
        backed_up(record)


async def test_a_backup_takes_nothing_of_another_that_breaks_off(record) -> None:
    await record.tell("a")
    target = record.folder / "backup.db"

    def breaks_off(*_: int) -> None:
        raise OSError("the command is killed")

    def beside_another(*_: int) -> None:
        with pytest.raises(OSError, match="killed"):
            back_up(record.path, target, breaks_off)

    back_up(record.path, target, beside_another)

    with closing(sqlite3.connect(target)) as copy:
        assert copy.execute("PRAGMA user_version").fetchone() == (BACKUP_VERSION,)
    assert verify_record(target, [record.signer.public_key_pem], record.file).findings == ()
    assert not list(record.folder.glob("*.part*"))


async def test_a_backup_that_fails_leaves_nothing_of_what_sqlite_keeps_beside_it(record) -> None:
    await record.tell("a")
    target = record.folder / "backup.db"

    def fails(*_: int) -> None:
        (begun,) = record.folder.glob("backup.db.*.part")
        for ending in ("-journal", "-wal", "-shm"):  # as where the disk is full
            begun.with_name(f"{begun.name}{ending}").touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        back_up(record.path, target, fails)

    assert not list(record.folder.glob("backup.db*"))


_KILLED = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")  # so that pages are written before the commit
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE entry SET body = body || 'x'")
os._exit(0)
"""


def cut_off_in(backup: Path) -> None:
    """Begin to write into a file, and be killed."""
    subprocess.run([sys.executable, "-c", _KILLED, str(backup)], check=True)


async def test_a_backup_whose_first_write_was_killed_is_read_as_it_was(record) -> None:
    """It is in no write-ahead log yet, so what was begun must be undone before anybody reads."""
    for name in ("a", "b", "c", "d"):
        await record.tell(name)
    backup = backed_up(record)
    cut_off_in(backup)
    assert backup.with_name("backup.db-journal").stat().st_size

    assert sqlite_versions(backup) == [SCHEMA_VERSION]
    assert verify_record(backup, [record.signer.public_key_pem], record.file).findings == ()


async def test_a_record_that_ends_earlier_was_restored(record, keys: Path) -> None:
    await serve(record, keys, "a")
    copy = record.folder / "copy.db"
    shutil.copy(record.path, copy)
    await serve(record, keys, "b")
    put(record, copy)

    assert "ends at position 7, and had come to 14" in await refused(record, keys)


async def test_a_record_with_other_entries_was_restored(record, keys: Path) -> None:
    await serve(record, keys, "a")
    copy = record.folder / "copy.db"
    shutil.copy(record.path, copy)
    await serve(record, keys, "b")
    elsewhere = record.folder / "elsewhere"
    elsewhere.mkdir()
    put(record, copy)
    await serve(record, elsewhere, "c")
    await serve(record, elsewhere, "d")

    assert "is not the one that was there" in await refused(record, keys)


async def test_a_copy_of_a_record_that_had_not_stopped_was_restored(record, keys: Path) -> None:
    await serve(record, keys, "a", stop=False)
    copy = record.folder / "copy.db"
    shutil.copy(record.path, copy)
    os.utime(copy)
    held = record.path.rename(record.folder / "held.db")  # so that its number is not given again
    put(record, copy)

    assert held.stat().st_ino != record.path.stat().st_ino
    assert "before the gateway had stopped" in await refused(record, keys)


async def test_a_folder_that_is_moved_after_a_stop_goes_on(record, keys: Path) -> None:
    await serve(record, keys, "a")
    copy = record.folder / "copy.db"
    shutil.copy(record.path, copy)
    record.path.rename(record.folder / "held.db")
    put(record, copy)

    await serve(record, keys, "b")


@pytest.mark.parametrize("wrote", [COMMAND_WRITER, WRITER])
async def test_a_folder_that_is_moved_after_commands_wrote_goes_on(
    record, keys: Path, wrote: str
) -> None:
    """What commands write when the gateway has stopped is no life of another gateway."""
    await serve(record, keys, "a")
    journal = await SqliteJournal.open(record.path, clock=SteppingClock(), writer=wrote)
    await journal.write(lambda tx: tx.append(call(None)))
    await journal.close()
    copy = record.folder / "copy.db"
    shutil.copy(record.path, copy)
    record.path.rename(record.folder / "held.db")
    put(record, copy)

    if wrote == COMMAND_WRITER:
        await serve(record, keys, "b")
    else:
        assert "before the gateway had stopped" in await refused(record, keys)


async def test_an_empty_record_begins_anew(record, keys: Path) -> None:
    await serve(record, keys, "a")
    record.path.unlink()

    await serve(record, keys, "b")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"position":-1}', '{"position":1,"hash":2}'])
async def test_a_mark_that_cannot_be_read_says_nothing(record, keys: Path, text: str) -> None:
    await serve(record, keys, "a")
    MarkFile(keys).path.write_text(text)

    assert MarkFile(keys).read() is None
    await serve(record, keys, "b")


@pytest.fixture
def over() -> int:
    """The number of a process that is over."""
    with subprocess.Popen(["true"]) as process:
        return process.pid


async def test_what_killed_processes_had_begun_is_removed_at_a_start(
    record, keys: Path, over: int
) -> None:
    left, of_before = keys / f"record.mark.{over}.0a1b.part", keys / f"record.mark.{over}.part"
    of_another, unknown = keys / f"record.mark.{os.getppid()}.part", keys / "record.mark.x.part"
    for file in (left, of_before, of_another, unknown):
        file.write_text("{")

    await serve(record, keys, "a")

    assert not left.exists()
    assert not of_before.exists()
    assert of_another.exists()
    assert unknown.exists()


def test_a_mark_that_was_only_begun_leaves_nothing(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(marks.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        MarkFile(keys).write(Mark(1, "a", 1, stopped=False))
    assert list(keys.iterdir()) == []


def test_a_mark_takes_nothing_of_one_that_a_process_of_the_same_number_writes(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In containers every gateway may be process 1, and some share a data folder."""
    write, beside = marks.write_durably, [Mark(2, "b", 1, stopped=False)]

    def slowly(path: Path, content: bytes) -> None:
        write(path, content)
        if beside:
            MarkFile(keys).write(beside.pop())
            assert MarkFile(keys).read() == Mark(2, "b", 1, stopped=False)

    monkeypatch.setattr(marks, "write_durably", slowly)
    MarkFile(keys).write(Mark(1, "a", 1, stopped=False))

    assert MarkFile(keys).read() == Mark(1, "a", 1, stopped=False)
    assert [path.name for path in keys.iterdir()] == ["record.mark"]


async def test_the_mark_follows_the_record(
    record, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping.MarkKeeper.__init__, "__defaults__", (0.01,))
    journal = await record.opened()
    try:
        keeper = await keep_mark(journal, keys)
        await journal.write(lambda tx: tx.append(call(None)))
        for _ in range(500):
            mark = MarkFile(keys).read()
            if mark is not None and mark.position == 1:
                break
            await asyncio.sleep(0.01)
        assert mark is not None
        assert (mark.position, mark.stopped) == (1, False)
        await keeper.stop()
        mark = MarkFile(keys).read()
        assert mark is not None
        assert mark.stopped
    finally:
        await journal.close()


async def test_the_mark_of_a_stop_is_the_last_one(
    record, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that writes goes on, whoever waits for it is cancelled."""
    began, may_go_on, ended, write = Event(), Event(), Event(), MarkFile.write

    def slowly(file: MarkFile, mark: Mark) -> None:
        if mark.position and not mark.stopped:
            began.set()
            may_go_on.wait(10)
            write(file, mark)
            ended.set()
        else:
            write(file, mark)

    monkeypatch.setattr(MarkFile, "write", slowly)
    journal = await record.opened()
    try:
        keeper = await keep_mark(journal, keys)
        await journal.write(lambda tx: tx.append(call(None)))
        await asyncio.to_thread(began.wait, 10)
        stopping = asyncio.create_task(keeper.stop())
        await asyncio.wait({stopping}, timeout=0.2)
        may_go_on.set()
        await stopping
        await asyncio.to_thread(ended.wait, 10)
    finally:
        await journal.close()
    mark = MarkFile(keys).read()
    assert mark is not None
    assert (mark.position, mark.stopped) == (1, True)


async def test_a_mark_that_cannot_be_written_holds_up_nothing(record, keys: Path) -> None:
    await serve(record, keys / "missing", "a")


async def test_a_mark_whose_entry_is_archived_holds(record, keys: Path) -> None:
    await serve(record, keys, "a")
    await record.session(_nothing)
    archiving = Archiving(record.path, record.folder / "archive", record.signer, SteppingClock())
    assert archiving.run(Until(through=7)).entries == 7

    await serve(record, keys, "b")


async def _nothing(*_: object) -> None:
    return None


async def test_an_accepted_record_is_served_and_says_so(record, keys: Path) -> None:
    await record.tell("a")
    backup = backed_up(record)
    await serve(record, keys, "b")
    await record.session(_nothing)
    put(record, backup)
    await refused(record, keys)

    done = accept(record, keys)

    assert done.lost is not None
    assert done.lost.read_text().count("\n") == 2
    await serve(record, keys, "c")
    before = read_record(record.path, lambda records: records.restored_before())
    assert before is not None
    assert verify_record(record.path, [record.signer.public_key_pem]).findings == ()
    assert rebuild_matches(record.path) == []
    with closing(sqlite3.connect(record.path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (0,)
    [(body,)] = record.sql("SELECT body FROM entry WHERE type = 'record.restored'")
    assert '"position":10' in body
    assert '"known":17' in body


async def test_an_acceptance_that_broke_off_tells_when_repeated_where_lost_checkpoints_are(
    record, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await record.tell("a")
    backup = backed_up(record)
    await serve(record, keys, "b")
    await record.session(_nothing)
    put(record, backup)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(alone, "next_checkpoint", full)
        with pytest.raises(OSError, match="No space"):
            accept(record, keys)
    await refused(record, keys)

    done = accept(record, keys)

    assert done.lost is not None
    assert done.lost.read_text().count("\n") == 2
    assert accept(record, keys).lost is None  # it was told of, once it was accepted


async def test_what_waits_is_looked_at_again(record, keys: Path) -> None:
    await record.tell("a")

    async def parked(journal, _) -> None:
        await journal.write(lambda tx: tx.enlist("run_a", "exec_a"))
        await journal.write(lambda tx: tx.claim("run_a", "me", "2026-03-01T09:31:00.000000Z"))
        await journal.write(lambda tx: tx.release("run_a", 1, 1, "2030-01-01T00:00:00.000000Z"))

    await record.session(parked)

    accept(record, keys)

    [(wake_at,)] = record.sql("SELECT wake_at FROM claim")
    assert wake_at < "2027"


async def test_no_moment_of_before_is_later_than_the_acceptance(record, keys: Path) -> None:
    """Also where the clock was put back meanwhile."""
    await record.tell("a")
    record.sql("UPDATE execution SET created_at = '2031-01-01T00:00:00.000000Z'")

    accept(record, keys)

    before = read_record(record.path, lambda records: records.restored_before())
    assert before == "2031-01-01T00:00:00.000000Z"
    assert read_record(record.path, lambda r: r.execution(WORKSPACE, "exec_a")) is not None
