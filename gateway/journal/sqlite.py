"""The journal on SQLite: one writer thread with group commit, one reader thread with snapshots."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TypeVar

from gateway.journal.checkpoint_file import CheckpointFile
from gateway.journal.database import open_reader, open_second_writer, open_writer
from gateway.journal.folder import FolderLock
from gateway.journal.reader import SnapshotReader
from gateway.journal.records import SqlRecords
from gateway.journal.sqlite_session import SqliteSession
from gateway.journal.tail import Tail
from gateway.journal.unit import Unit
from gateway.journal.worker import Work, Worker
from gateway.journal.writer import GroupCommit
from gateway.model.ports import Clock, Journal, Records, Tx
from gateway.model.problem import ProblemError

T = TypeVar("T")

OUTSTANDING = 1024
"""How many recorded units may wait to become durable before ``record`` waits too."""

log = logging.getLogger("gateway.journal")


class SqliteJournal(Journal):
    """The record in one SQLite file. Open it with ``open``; close it with ``close``.

    ``lost_records`` counts the units handed to ``record`` that could not be written.
    """

    def __init__(
        self,
        path: Path,
        lock: FolderLock | None,
        clock: Clock,
        writer: str,
        before_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self.path = path
        self.clock = clock
        self.checkpoints = CheckpointFile(path.parent)
        self.lost_records = 0
        self._lock = lock
        self._room = asyncio.Semaphore(OUTSTANDING)
        loop = asyncio.get_running_loop()
        with ExitStack() as opened:
            writer_of = open_second_writer if lock is None else open_writer
            writing = opened.enter_context(closing(writer_of(path)))
            reading = opened.enter_context(closing(open_reader(path)))
            session = SqliteSession(reading.cursor())
            if lock is not None:
                self.checkpoints.complete(session)
            ends_at = SqlRecords(session).last_position()
            self._connections = opened.pop_all()
        self._tail = Tail(loop, ends_at)
        commits = GroupCommit(writing, clock, writer, self._tail.committed, before_commit)
        snapshots = SnapshotReader(reading)
        self._writer = Worker("journal-writer", loop, commits.perform)
        self._reader = Worker("journal-reader", loop, snapshots.perform)

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        clock: Clock,
        writer: str,
        before_commit: Callable[[], None] = lambda: None,
    ) -> "SqliteJournal":
        """Open the record in ``path``, creating file and folder where they are missing.

        ``writer`` names this process in the chains of workspaces. The folder of ``path`` is
        locked until ``close``. ``before_commit`` is called, in the writer's thread, before each
        commit: for keys that must be durable before what they sealed.

        Raises:
            ProblemError: DATA_DIR_IN_USE, DATABASE_UNKNOWN_VERSION, DATABASE_UNREADABLE.
        """
        lock = FolderLock(path.parent)
        try:
            return cls(path, lock, clock, writer, before_commit)
        except BaseException:
            lock.release()
            raise

    @classmethod
    async def beside(cls, path: Path, *, clock: Clock, writer: str) -> "SqliteJournal":
        """Open the record while a server holds its folder, for a few short writes.

        ``writer`` must be another name than the server's, so that both keep chains of their own.
        Checkpoints, and with them the file that mirrors them, stay the server's.

        Raises:
            ProblemError: DATABASE_UNKNOWN_VERSION, DATABASE_UNREADABLE.
        """
        return cls(path, None, clock, writer)

    async def write(self, unit: Callable[[Tx], T]) -> T:
        """Run a unit of work; returns what it returned once it is durable.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when it could not be made durable; nothing of it
                is then recorded.
        """
        result: T = await self._writer.call(unit)
        return result

    async def record(self, unit: Callable[[Tx], None]) -> None:
        """Queue a unit without waiting for it to be durable; waits while the queue is full.

        A unit that fails is counted in ``lost_records`` and logged.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE after ``close``.
        """
        await self._room.acquire()
        try:
            self._writer.submit(Work(unit, self._recorded))
        except ProblemError:
            self._room.release()
            raise

    def _recorded(self, work: Work) -> None:
        self._room.release()
        if work.error is not None:
            self.lost_records += 1
            cause = type(work.error).__name__
            if isinstance(work.error, ProblemError):
                cause = work.error.problem.code
            log.error("A recorded unit was lost (%s); %d so far", cause, self.lost_records)

    async def read(self, query: Callable[[Records], T]) -> T:
        """Run a query over one consistent snapshot.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when the file cannot be read.
        """
        result: T = await self._reader.call(query)
        return result

    async def moved(self, after: int) -> None:
        """Return once an entry behind the position ``after`` is durable; waiting costs nothing.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE once the record is closed.
        """
        await self._tail.moved(after)

    async def adopt(self) -> int:
        """Free the claims that an earlier process of this folder left behind, due at once.

        The folder's lock proves that no such process lives. Returns how many there were.
        """
        return await self.run(Unit.adopt)

    async def wake_waiting(self) -> int:
        """Wake every run that waits, as a change of policy asks; returns how many there were."""
        return await self.run(Unit.wake_waiting)

    async def run(self, unit: Callable[[Unit], T]) -> T:
        """``write`` for the journal's own parts, which need more than the port offers."""
        result: T = await self._writer.call(unit)
        return result

    async def close(self) -> None:
        """Finish what is queued, stop both threads, close the file and let the folder go."""
        await self._writer.close()
        self._tail.close()
        await self._reader.close()
        # The writing connection is the last to go: it then folds the WAL into the file.
        await asyncio.to_thread(self._connections.close)
        if self._lock is not None:
            self._lock.release()
            self._lock = None
