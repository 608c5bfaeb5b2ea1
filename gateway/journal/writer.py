"""Group commit: concurrent units of work share one durable transaction.

One thread takes what is queued, gives each unit a savepoint, commits once, and only then answers.
While a commit waits for the disk, the next batch gathers, so the cost of the disk is shared by
whoever is there, and a lone unit waits for nobody.
"""

import sqlite3
from collections.abc import Callable

from gateway.journal.appending import AppendingAtOnce
from gateway.journal.faults import not_durable, told
from gateway.journal.heads import Heads
from gateway.journal.sqlite_session import SqliteSession
from gateway.journal.statements import ENTRY_HASH
from gateway.journal.unit import Unit
from gateway.journal.work import Work, run
from gateway.model.ports import Clock
from gateway.model.time import stamp


class BatchLostError(Exception):
    """The database undid the whole transaction in the midst of a batch."""


class GroupCommit:
    """Performs batches of units on one connection; ``writer`` names this process in chains.

    ``committed`` is told, in the writer's thread, the position of the last entry of each batch
    that became durable. ``before_commit`` is called before each commit, for what must be durable
    first; where it fails, the batch does.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        clock: Clock,
        writer: str,
        committed: Callable[[int], None] = lambda _: None,
        before_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._session = SqliteSession(self._cursor)
        self._appending = AppendingAtOnce(self._cursor)
        self._clock = clock
        self._writer = writer
        self._committed = committed
        self._before_commit = before_commit

    def perform(self, batch: list[Work]) -> list[Work]:
        """Run and commit a batch; each work holds its outcome afterwards.

        A unit that raises is undone alone. When the transaction itself fails, all of them fail:
        even a refusal may rest on what another unit of this batch had written.
        """
        heads = Heads(self._session)
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
            for work in batch:
                self._attempt(work, heads)
            heads.store()
            self._before_commit()
        except (sqlite3.Error, BatchLostError) as error:
            self._abandon()
            _fail(batch, error)
            return []
        except BaseException:
            self._abandon()
            raise
        self._commit(batch, heads)
        return []

    def _attempt(self, work: Work, heads: Heads) -> None:
        execute = self._cursor.execute
        execute("SAVEPOINT unit")
        now = stamp(self._clock.now())
        unit = Unit(self._session, self._appending, heads, now, self._writer)
        run(work, unit)
        work.error = unit.failure or work.error
        if not self._connection.in_transaction:
            raise BatchLostError from work.error
        if work.error is None:
            heads.keep()
            work.effects = unit.effects
        else:
            heads.drop()
            work.fail(told(work.error))
            execute("ROLLBACK TO unit")
        execute("RELEASE unit")

    def _commit(self, batch: list[Work], heads: Heads) -> None:
        try:
            self._cursor.execute("COMMIT")
        except sqlite3.Error as error:
            undone = self._connection.in_transaction
            self._abandon()
            if undone or not self._landed(heads):
                _fail(batch, error)
                return
        if heads.last is not None:
            self._committed(heads.last[0])

    def _landed(self, heads: Heads) -> bool:
        """Whether the batch is durable although its commit reported an error."""
        if heads.last is None:
            return False
        position, own_hash = heads.last
        found = self._session.one(ENTRY_HASH, of_position=position)
        return found is not None and found[0] == own_hash

    def _abandon(self) -> None:
        if self._connection.in_transaction:
            self._cursor.execute("ROLLBACK")


def _fail(batch: list[Work], error: Exception) -> None:
    cause = error.__cause__ if isinstance(error, BatchLostError) else error
    for work in batch:
        work.fail(not_durable(cause or error))
