"""Group commit: concurrent units of work share one durable transaction.

One thread takes what is queued, runs each unit, commits once, and only then answers. Where a unit
fails half-way, the batch is undone and run again with a savepoint for each unit.
While a commit waits for the disk, the next batch gathers, so the cost of the disk is shared by
whoever is there, and a lone unit waits for nobody.
"""

import sqlite3
from collections.abc import Callable

from gateway.journal.appending import Appending, AppendingAtOnce
from gateway.journal.faults import MaybeDurableError, not_durable, told
from gateway.journal.heads import Heads
from gateway.journal.session import Session
from gateway.journal.sqlite_session import SqliteSession
from gateway.journal.statements import ENTRY_HASH
from gateway.journal.unit import Unit
from gateway.journal.work import Work, run
from gateway.model.entry import Entry, EntryType, NewEntry
from gateway.model.ports import Clock
from gateway.model.time import stamp


class BatchLostError(Exception):
    """The database undid the whole transaction in the midst of a batch."""


class _HalfDoneError(Exception):
    """A unit failed half-way through: undo the batch and run it carefully."""


class Shared:
    """What the units of a batch know together: the ``heads`` of chains, and ``policy``, which holds
    the revision in force once one of them has asked for it."""

    __slots__ = ("heads", "policy")

    def __init__(self, heads: Heads) -> None:
        self.heads = heads
        self.policy: list[str | None] = []

    def undone(self) -> None:
        """The present unit was undone."""
        self.heads.drop()
        self.policy.clear()


class SqliteUnit(Unit):
    """``Unit`` that asks for the policy in force once a batch."""

    __slots__ = ("_policy",)

    def __init__(
        self, session: Session, appending: Appending, shared: Shared, now: str, writer: str
    ) -> None:
        super().__init__(session, appending, shared.heads, now, writer)
        self._policy = shared.policy

    def policy_head(self) -> str | None:
        """The policy revision in force, None before the first."""
        if not self._policy:
            self._policy.append(super().policy_head())
        return self._policy[0]

    def append(self, entry: NewEntry) -> Entry:
        """Record a fact; see ``Unit``."""
        if entry.type is EntryType.POLICY_ACTIVATED:
            self._policy.clear()
        return super().append(entry)


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
        if not self._transact(batch, self._attempt):
            self._transact(batch, self._attempt_carefully)
        return []

    def _transact(self, batch: list[Work], attempt: Callable[[Work, Shared], None]) -> bool:
        """Run a batch in one transaction; False where it was undone, to be run carefully."""
        shared = Shared(Heads(self._session))
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
            for work in batch:
                attempt(work, shared)
            shared.heads.store()
            self._before_commit()
        except _HalfDoneError:
            self._abandon()
            return False
        except (sqlite3.Error, BatchLostError) as error:
            self._abandon()
            _fail(batch, error)
            return True
        except BaseException:
            self._abandon()
            raise
        self._commit(batch, shared.heads)
        return True

    def _attempt(self, work: Work, shared: Shared) -> None:
        """Run a unit with no savepoint, which costs as much as a fourth of its other statements.

        Raises:
            _HalfDoneError: it failed and leaves something behind.
        """
        before = self._connection.total_changes
        self._run(work, shared)
        if work.error is not None and self._connection.total_changes != before:
            raise _HalfDoneError

    def _attempt_carefully(self, work: Work, shared: Shared) -> None:
        """Run a unit under a savepoint, so that it is undone alone where it fails."""
        execute = self._cursor.execute
        execute("SAVEPOINT unit")
        self._run(work, shared)
        if work.error is not None:
            execute("ROLLBACK TO unit")
        execute("RELEASE unit")

    def _run(self, work: Work, shared: Shared) -> None:
        now = stamp(self._clock.now())
        unit = SqliteUnit(self._session, self._appending, shared, now, self._writer)
        run(work, unit)
        error = unit.failure or work.error
        if not self._connection.in_transaction:
            raise BatchLostError from error
        if error is None:
            shared.heads.keep()
            work.effects = unit.effects
        else:
            shared.undone()
            work.fail(told(error))

    def _commit(self, batch: list[Work], heads: Heads) -> None:
        try:
            self._cursor.execute("COMMIT")
        except sqlite3.Error as error:
            undone = self._connection.in_transaction
            self._abandon()
            if undone or not self._landed(heads):
                is_gone = self._overwritten() or not _is_unsynced(error)
                _fail(batch, error if is_gone else MaybeDurableError())
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

    def _overwritten(self) -> bool:
        """Write over what a commit that failed has left in the WAL; whether that was done.

        Where it was written and could not be synced, it stands there whole: this process does not
        see it, and whoever opens the file after the end of this process would take it for
        committed. Another page in its place ends that, and need not be synced for it.
        """
        execute = self._cursor.execute
        execute("PRAGMA synchronous = NORMAL")
        try:
            execute("BEGIN IMMEDIATE")
            [version] = execute("PRAGMA user_version").fetchone()
            execute(f"PRAGMA user_version = {version}")  # which writes a page all the same
            execute("COMMIT")
        except sqlite3.Error:
            self._abandon()
            return False
        finally:
            execute("PRAGMA synchronous = FULL")
        return True

    def _abandon(self) -> None:
        if self._connection.in_transaction:
            self._cursor.execute("ROLLBACK")


def _is_unsynced(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorname", "") == "SQLITE_IOERR_FSYNC"


def _fail(batch: list[Work], error: Exception) -> None:
    cause = error.__cause__ if isinstance(error, BatchLostError) else error
    for work in batch:
        work.fail(not_durable(cause or error))
