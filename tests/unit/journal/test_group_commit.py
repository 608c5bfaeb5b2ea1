"""The writer when the database fails: everybody is answered, and it works again afterwards."""

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.journal import SqliteJournal, verify_record
from gateway.journal.database import open_writer
from gateway.journal.faults import told, unavailable
from gateway.journal.work import Work
from gateway.journal.worker import BATCH, Worker
from gateway.journal.writer import GroupCommit
from gateway.model.ports import Tx
from gateway.model.problem import ProblemError
from tests.contract.journal_story import SteppingClock, call

pytestmark = pytest.mark.anyio


class FailingCursor(sqlite3.Cursor):
    """Raises once when a command begins with ``on``: before running it, or after; ``meanwhile`` is
    called right before it does."""

    on = ""
    after = False
    undo = False
    name = "SQLITE_FULL"

    def meanwhile(self) -> None:
        """What happens before it raises."""

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if not (self.on and sql.startswith(self.on)):
            return super().execute(sql, *parameters)
        self.on = ""
        if self.after:
            super().execute(sql, *parameters)
        if self.undo:
            super().execute("ROLLBACK")
        self.meanwhile()
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorname = self.name
        raise error


class Failing:
    """A connection whose cursor is a ``FailingCursor``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.cursor_made = connection.cursor(FailingCursor)

    def cursor(self) -> sqlite3.Cursor:
        return self.cursor_made

    @property
    def in_transaction(self) -> bool:
        return self.connection.in_transaction

    @property
    def total_changes(self) -> int:
        return self.connection.total_changes


def half_done(tx: Tx) -> None:
    """A unit that fails with something done, so that its batch is run again, carefully."""
    tx.append(call(None))
    raise LookupError("half-way")


def commit(
    path: Path, arrange: Callable[[FailingCursor], None], *more: Callable[[Tx], None]
) -> tuple[list[Work], int]:
    """A batch of three calls and ``more`` under an arranged failure, then another batch that must
    succeed."""
    with closing(open_writer(path)) as connection:
        failing = Failing(connection)
        group = GroupCommit(failing, SteppingClock(), "w")  # type: ignore[arg-type] # a stand-in
        arrange(failing.cursor_made)  # type: ignore[arg-type] # it is a FailingCursor
        batch = [Work(lambda tx: tx.append(call(None)), lambda work: None) for _ in range(3)]
        batch += [Work(unit, lambda work: None) for unit in more]
        group.perform(batch)
        again = [Work(lambda tx: tx.append(call(None)), lambda work: None)]
        group.perform(again)
        assert again[0].error is None
        return batch, again[0].result.seq


def performed(path: Path, arrange: Callable[[FailingCursor], None]) -> tuple[list[Work], Path]:
    """A batch of three calls under an arranged failure, and what a kill then leaves of the file."""
    with closing(open_writer(path)) as connection:
        failing = Failing(connection)
        arrange(failing.cursor_made)  # type: ignore[arg-type] # it is a FailingCursor
        batch = [Work(lambda tx: tx.append(call(None)), lambda work: None) for _ in range(3)]
        GroupCommit(failing, SteppingClock(), "w").perform(batch)  # type: ignore[arg-type] # a stand-in
        return batch, copied(path, "left")


def refused(work: Work) -> bool:
    """Told as unavailable, with the remedy of the first cause."""
    assert isinstance(work.error, ProblemError)
    problem = work.error.problem
    return problem.code == "SERVICE_UNAVAILABLE" and "the disk is full" in problem.detail


def failing(on: str, *, after: bool = False, undo: bool = False) -> Callable[[FailingCursor], None]:
    def arrange(cursor: FailingCursor) -> None:
        cursor.on, cursor.after, cursor.undo = on, after, undo

    return arrange


@pytest.mark.parametrize(
    "arrange",
    [
        failing("BEGIN"),
        failing("COMMIT"),
        failing("COMMIT", undo=True),
        failing("INSERT INTO entry", undo=True),
    ],
    ids=["begin", "commit", "commit undone", "insert undone"],
)
def test_a_transaction_that_fails_fails_all_its_units(tmp_path: Path, arrange: Any) -> None:
    batch, seq = commit(tmp_path / "gateway.db", arrange)

    assert [refused(work) for work in batch] == [True, True, True]
    assert seq == 1
    assert verify_record(tmp_path / "gateway.db", []).ok


@pytest.mark.parametrize("command", ["SAVEPOINT", "ROLLBACK TO", "RELEASE"])
def test_a_transaction_that_fails_when_run_carefully_fails_all_its_units(
    tmp_path: Path, command: str
) -> None:
    batch, seq = commit(tmp_path / "gateway.db", failing(command, undo=True), half_done)

    assert [refused(work) for work in batch] == [True, True, True, True]
    assert seq == 1
    assert verify_record(tmp_path / "gateway.db", []).ok


def test_a_unit_that_fails_half_way_is_undone_alone(tmp_path: Path) -> None:
    batch, seq = commit(tmp_path / "gateway.db", failing("nothing"), half_done)

    assert [work.error is None for work in batch] == [True, True, True, False]
    assert isinstance(batch[-1].error, LookupError)
    assert seq == 4
    assert verify_record(tmp_path / "gateway.db", []).ok


def test_a_commit_that_landed_in_spite_of_its_error_is_answered_as_done(tmp_path: Path) -> None:
    batch, seq = commit(tmp_path / "gateway.db", failing("COMMIT", after=True))

    assert [work.error for work in batch] == [None, None, None]
    assert [work.result.seq for work in batch] == [1, 2, 3]
    assert seq == 4


def copied(path: Path, name: str) -> Path:
    """The file with its WAL as they stand, which is what a process leaves that is killed."""
    folder = path.parent / name
    folder.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", folder / f"{path.name}{suffix}")
    return folder / path.name


def unsynced(path: Path, then: str = "") -> Callable[[FailingCursor], None]:
    """The commit stands in the WAL and could not be synced; what begins with ``then`` fails too."""

    def arrange(cursor: FailingCursor) -> None:
        def stand_in_wal() -> None:
            copy = copied(path, "written")
            with closing(open_writer(copy)) as connection:
                batch = [Work(lambda tx: tx.append(call(None)), lambda work: None)] * 3
                GroupCommit(connection, SteppingClock(), "w").perform(batch)
                written = Path(f"{copy}-wal").read_bytes()
            assert written.startswith(Path(f"{path}-wal").read_bytes())
            Path(f"{path}-wal").write_bytes(written)
            cursor.on, cursor.meanwhile = then, lambda: None

        failing("COMMIT", undo=True)(cursor)
        cursor.name, cursor.meanwhile = "SQLITE_IOERR_FSYNC", stand_in_wal

    return arrange


def test_a_commit_that_could_not_be_synced_is_not_there_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    batch, left = performed(path, unsynced(path))

    for work in batch:
        assert isinstance(work.error, ProblemError)
        assert work.error.problem.retry_after is not None
    with closing(open_writer(left)) as connection:
        assert connection.execute("SELECT position FROM entry").fetchall() == []
    assert verify_record(left, []).ok


def test_a_commit_that_may_be_there_after_a_kill_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "gateway.db"
    batch, left = performed(path, unsynced(path, "PRAGMA user_version ="))

    for work in batch:
        assert isinstance(work.error, ProblemError)
        assert work.error.problem.retry_after is None
        assert "look before you repeat it" in work.error.problem.detail
    with closing(open_writer(left)) as connection:
        assert len(connection.execute("SELECT position FROM entry").fetchall()) == 3


def test_a_failing_statement_of_one_unit_fails_that_unit_alone(tmp_path: Path) -> None:
    batch, seq = commit(tmp_path / "gateway.db", failing("INSERT INTO entry"))

    assert [work.error is None for work in batch] == [False, True, True]
    assert [work.result.seq for work in batch[1:]] == [1, 2]
    assert seq == 3


async def test_a_locked_database_is_unavailable_and_then_works_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.journal.database.BUSY_TIMEOUT", 0.05)
    path = tmp_path / "gateway.db"
    journal = await SqliteJournal.open(path, clock=SteppingClock(), writer="w")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        outcomes = await asyncio.gather(
            *(journal.write(lambda tx: tx.append(call(None))) for _ in range(5)),
            return_exceptions=True,
        )
        assert await journal.read(lambda records: records.policy_head()) is None
        other.execute("ROLLBACK")

    assert all("another process holds the database" in str(outcome) for outcome in outcomes)
    assert (await journal.write(lambda tx: tx.append(call(None)))).seq == 1
    await journal.close()


async def test_a_batch_takes_a_bounded_number_of_units() -> None:
    sizes: list[int] = []

    def perform(batch: list[Work]) -> list[Work]:
        sizes.append(len(batch))
        return []

    worker = Worker("batches", asyncio.get_running_loop(), perform)
    calls = [asyncio.create_task(worker.call(lambda given: None)) for _ in range(BATCH * 3)]
    await asyncio.gather(*calls)
    await worker.close()

    assert sum(sizes) == BATCH * 3
    assert max(sizes) <= BATCH


@pytest.mark.parametrize(
    ("waiting", "coming", "size", "paused"),
    [
        (4, [3, 0, 9], 7, 2),  # no more came, so nobody is waited for any longer
        (5, [1, 1, 1, 1, 9], 9, 4),  # more come all the time, and those that wait are not to wait
        (3, [9], 3, 0),  # few are no sign that more come
    ],
)
async def test_where_several_wait_more_may_come_for_a_moment(
    waiting: int, coming: list[int], size: int, paused: int
) -> None:
    sizes: list[int] = []
    pauses: list[float] = []
    held, go, over = threading.Event(), threading.Event(), asyncio.Event()

    def perform(batch: list[Work]) -> list[Work]:
        sizes.append(len(batch))
        if len(sizes) == 1:
            held.set()
            go.wait(30)
        return []

    def come(works: int, done: Callable[[], object] = int) -> None:
        for _ in range(works):
            worker.submit(Work(lambda _: None, lambda _: done()))

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        come(coming[len(pauses) - 1])

    worker = Worker("patient", asyncio.get_running_loop(), perform, pause)
    come(1)
    await asyncio.to_thread(held.wait, 30)
    come(waiting, over.set)
    go.set()
    await over.wait()
    await worker.close()
    assert (sizes, len(pauses)) == ([1, size], paused)
    assert sum(pauses) <= 0.001


async def test_whatever_a_batch_raises_its_callers_are_answered_and_the_thread_lives_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    raising = [KeyboardInterrupt("odd")]

    def perform(batch: list[Work]) -> list[Work]:
        if raising:
            raise raising.pop()
        for work in batch:
            work.result = "done"
        return []

    worker = Worker("odd", asyncio.get_running_loop(), perform)
    with pytest.raises(ProblemError, match="SERVICE_UNAVAILABLE"):
        await worker.call(lambda given: None)
    assert await worker.call(lambda given: None) == "done"
    await worker.close()
    assert "A batch of the journal failed" in caplog.text


def test_a_mistake_in_a_statement_is_not_taken_for_a_failing_database() -> None:
    with (
        closing(sqlite3.connect(":memory:")) as connection,
        pytest.raises(sqlite3.OperationalError) as caught,
    ):
        connection.execute("SELECT nothing FROM nowhere")
    assert unavailable(caught.value) is None
    assert told(caught.value) is caught.value
