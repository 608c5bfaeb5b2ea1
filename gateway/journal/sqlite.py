"""The journal on SQLite: one writer thread with group commit, one reader thread with snapshots."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from gateway.journal.database import open_reader, open_second_writer, open_writer
from gateway.journal.durable import DurableJournal
from gateway.journal.folder import FolderLock
from gateway.journal.reader import SnapshotReader
from gateway.journal.records import SqlRecords
from gateway.journal.session import Session
from gateway.journal.sqlite_session import SqliteSession
from gateway.journal.tail import Tail
from gateway.journal.unit import Unit
from gateway.journal.worker import Worker
from gateway.journal.writer import GroupCommit
from gateway.model.ports import Clock


class SqliteJournal(DurableJournal):
    """The record in one SQLite file. Open it with ``open``; close it with ``close``."""

    def __init__(
        self,
        path: Path,
        lock: FolderLock | None,
        clock: Clock,
        writer: str,
        before_commit: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(path, clock, path.parent)
        self.path = path
        self._lock = lock
        loop = asyncio.get_running_loop()
        with ExitStack() as opened:
            writer_of = open_second_writer if lock is None else open_writer
            writing = opened.enter_context(closing(writer_of(path)))
            reading = opened.enter_context(closing(open_reader(path)))
            session = SqliteSession(reading.cursor())
            if lock is not None:
                self.checkpoints.catch_up(session)
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

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """A session of its own on the record as it is now, for what takes long to read.

        Raises:
            ProblemError: DATABASE_UNREADABLE.
        """
        with closing(open_reader(self.path)) as connection:
            connection.execute("BEGIN")
            yield SqliteSession(connection.cursor())

    async def adopt(self) -> int:
        """Free the claims that an earlier process of this folder left behind, due at once.

        The folder's lock proves that no such process lives. Returns how many there were.
        """
        return await self.run(Unit.adopt)

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
