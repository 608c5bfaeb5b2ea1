"""The journal on PostgreSQL: many processes write one record, each with group commit."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from sqlalchemy import text

from gateway.journal.durable import DurableJournal
from gateway.journal.postgres.commit import PostgresCommit
from gateway.journal.postgres.continuity import Continuity
from gateway.journal.postgres.errors import PostgresError, unavailable
from gateway.journal.postgres.opening import open_session, open_snapshot
from gateway.journal.postgres.positions import Positions
from gateway.journal.postgres.reader import PostgresReader
from gateway.journal.postgres.schema import connected, found_versions
from gateway.journal.postgres.told import Listener
from gateway.journal.queries import LAST_ENTRY
from gateway.journal.schema_version import require_version
from gateway.journal.session import Session
from gateway.journal.statement import Statement
from gateway.journal.tail import Tail
from gateway.journal.worker import Worker
from gateway.model.ports import Clock
from gateway.postgres import database_of


class PostgresJournal(DurableJournal):
    """The record in a PostgreSQL database. Open it with ``open``; close it with ``close``.

    It holds four connections: to write, to give positions, to read and to listen. The moments of
    entries and the leases of claims go by the database's clock.
    """

    def __init__(
        self,
        url: str,
        data_dir: Path,
        clock: Clock,
        before_commit: Callable[[], None],
        reminders: Sequence[str],
    ) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        super().__init__(url, clock, data_dir)
        self.url = url
        self._closing = False
        loop = self._loop = asyncio.get_running_loop()
        positions = Positions(url)
        with ExitStack() as opened:
            opened.callback(positions.close)
            positions.open()
            position, own = _last_entry(url)
            self._tail = Tail(loop, position)
            commits = PostgresCommit(
                *(
                    url,
                    positions,
                    Continuity(position, own),
                    self._tail.committed,
                    before_commit,
                    lambda: self._closing,
                ),
                reminders=tuple(Statement(text(reminder)) for reminder in reminders),
            )
            opened.callback(commits.close)
            reading = PostgresReader(url, lambda: self._closing)
            opened.callback(reading.close)
            listener = Listener(url, self._tail.committed, self._woken)
            opened.callback(listener.stop)
            self._opened = opened.pop_all()
        self._writer = Worker("journal-writer", loop, commits.perform, pause=time.sleep)
        self._reader = Worker("journal-reader", loop, reading.perform)
        listener.start()

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        data_dir: Path,
        clock: Clock,
        before_commit: Callable[[], None] = lambda: None,
        reminders: Sequence[str] = (),
    ) -> "PostgresJournal":
        """Open the record in the database ``url``.

        ``before_commit`` is called, in the writer's thread, before each commit: for keys that must
        be durable before what they sealed. ``data_dir`` gets the second copy of the checkpoints.
        ``reminders`` are statements that are run, in the unit of work, for each run that is to be
        advanced, with its id as ``:of_run``: so an engine learns of it with the commit.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when it cannot be reached, DATABASE_OUTDATED,
                DATABASE_UNKNOWN_VERSION.
        """
        try:
            return cls(url, data_dir, clock, before_commit, reminders)
        except PostgresError as error:
            raise unavailable(error) from error

    def _woken(self, run_id: str) -> None:
        """A run that some process holds was woken. Called in the listener's thread."""
        with suppress(RuntimeError):  # the loop was closed without closing the journal
            self._loop.call_soon_threadsafe(lambda: self.on_woken(run_id))

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """A session of its own on the record as it is now, for what takes long to read.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE.
        """
        with open_snapshot(self.url, "gateway-snapshot") as session:
            yield session

    async def adopt(self) -> int:
        """Free no claim: another process may hold it, and if not, its lease will end."""
        return 0

    async def close(self) -> None:
        """Finish what is queued, stop the threads, close the connections.

        A commit whose answer is awaited from a database that is away is given up.
        """
        self._closing = True
        await self._writer.close()
        self._tail.close()
        await self._reader.close()
        await asyncio.to_thread(self._opened.close)


def _last_entry(url: str) -> tuple[int, str]:
    """Position and hash of the last entry of a record that this release can serve.

    Raises:
        ProblemError: SERVICE_UNAVAILABLE, DATABASE_OUTDATED, DATABASE_UNKNOWN_VERSION.
    """
    with connected(url) as connection:
        require_version(found_versions(connection), database_of(url))
    with open_session(url, "gateway-start") as session:
        position, own_hash = session.one(LAST_ENTRY) or (0, "")
    return position, own_hash
