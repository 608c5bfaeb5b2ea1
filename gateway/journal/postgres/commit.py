"""Group commit on PostgreSQL, beside other processes that write to the same record.

A batch is one transaction under REPEATABLE READ. Whoever appends to a chain locks its head and must
find it as its snapshot has it: so everything that a unit read of an execution still holds when it
commits, and of two units on one execution in two processes one is run again. Facts that are of no
single execution (policy, grants, people's rights, skills) are rare and may bear on any other, so a
unit that records one runs alone: ``policy_head`` is locked before its snapshot is taken.

A batch is first run with nothing but its own statements. Where something goes wrong in it, it is
undone and run again carefully: with a savepoint for each unit, so that it shows whose fault it was.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from gateway.journal.faults import not_durable
from gateway.journal.postgres.batch import Batch
from gateway.journal.postgres.continuity import Continuity
from gateway.journal.postgres.errors import (
    LOCKED,
    LostConnectionError,
    PostgresError,
    busy,
    outcome_unknown,
    unavailable,
)
from gateway.journal.postgres.link import Link
from gateway.journal.postgres.positions import Positions
from gateway.journal.postgres.session import DuplicateError, PostgresSession
from gateway.journal.postgres.unanswered import Fate, fate_of
from gateway.journal.postgres.unit import AloneError
from gateway.journal.statement import Statement
from gateway.journal.work import Work
from gateway.model.named_unit import NamedUnit
from gateway.model.turn_unit import TurnUnit

log = logging.getLogger("gateway.journal")

OUTAGE = 5.0
"""Seconds that callers wait for a database that is away before they are refused."""

_PATIENCE = 10.0
"""Seconds for which a unit is run again while others are at the same rows."""

_STANDSTILL = 1_500
"""Milliseconds for which a transaction may stand still. A process that is stopped in the middle of
one, or cut off, holds locks that others need; so this is less than the shortest lease."""

_PAUSE = 0.002
_CHAINS = 8
"""Chains of workspaces that a batch expects to move, because the one before it did."""


class _UndoneError(Exception):
    """The batch was undone as a whole: run it carefully."""


class PostgresCommit:
    """Performs batches of units on a connection of its own.

    ``continuity`` holds the database to what was committed. ``committed`` is told, in the writer's
    thread, the position of the last entry of each batch that became durable. ``before_commit`` is
    called before each commit, for what must be durable first. ``stopping`` says whether the process
    ends, so that nothing is awaited any more. ``reminders`` are run in a unit for each run that is
    to be advanced.
    """

    def __init__(
        self,
        url: str,
        positions: Positions,
        continuity: Continuity,
        committed: Callable[[int], None] = lambda _: None,
        before_commit: Callable[[], None] = lambda: None,
        stopping: Callable[[], bool] = lambda: False,
        reminders: Sequence[Statement] = (),
    ) -> None:
        self._link = Link(
            *(url, "gateway-writer", continuity.require), succeeds=True, idle_timeout=_STANDSTILL
        )
        self._continuity = continuity
        self._positions = positions
        self._committed = committed
        self._before_commit = before_commit
        self._stopping = stopping
        self._reminders = reminders
        self._since: dict[Work, float] = {}
        self._alone: set[Work] = set()
        self._slow: set[Work] = set()
        self._duplicates: set[Work] = set()
        self._chains: list[str] = []

    def open(self) -> None:
        """Connect.

        Raises:
            LostConnectionError: the database cannot be reached.
        """
        self._link.wire()

    def close(self) -> None:
        """Let the connection go."""
        self._link.close()

    def perform(self, batch: list[Work]) -> list[Work]:
        """Run and commit a batch; each work holds its outcome afterwards.

        Returns those that are to be run again, with whatever came meanwhile.
        """
        if all(work in self._since for work in batch):
            time.sleep(_PAUSE)  # whoever is at the same rows needs a moment
        now = time.monotonic()
        for work in batch:
            self._since.setdefault(work, now)
        apart = [work for work in batch if work in self._alone]
        together = [work for work in batch if work not in self._alone]
        left = self._settle(together) if together else []
        for work in apart:
            left += self._settle([work], alone=True)
        for work in batch:
            if work not in left:
                self._forget(work)
        return left

    def _forget(self, work: Work) -> None:
        self._since.pop(work, None)
        self._alone.discard(work)
        self._slow.discard(work)
        self._duplicates.discard(work)

    def _settle(self, works: list[Work], *, alone: bool = False) -> list[Work]:
        """``_transact``. What nobody foresaw is told to the works of this transaction alone, for
        those of the batch's others may be durable."""
        try:
            return self._transact(works, alone=alone)
        except BaseException as error:  # nobody may wait for ever
            log.exception("A transaction of the journal failed")
            for work in works:
                work.fail(not_durable(error))
            return []

    def _transact(self, works: list[Work], *, alone: bool = False) -> list[Work]:
        """Run works in one transaction; returns those that are to be run again."""
        try:
            session = PostgresSession(self._link.wire_within(OUTAGE, self._stopping))
        except LostConnectionError as error:
            for work in works:
                work.fail(unavailable(error))
            return []
        slowly = alone or not self._slow.isdisjoint(works)
        named = [work.call.execution_id for work in works if isinstance(work.call, NamedUnit)]
        ahead: dict[str, Any] = {} if alone else {"chains": self._chains, "named": named}
        batch = self._batch(session, alone=alone, slowly=slowly, **ahead)
        try:
            return self._run(batch, works, carefully=alone)
        except _UndoneError:
            pass
        except PostgresError as error:
            return self._again(works, error)
        try:
            batch = self._batch(session, slowly=slowly)
            return self._run(batch, works, carefully=True)
        except PostgresError as error:
            return self._again(works, error)

    def _batch(self, session: PostgresSession, **given: Any) -> Batch:
        return Batch(session, self._positions.writer, reminders=self._reminders, **given)

    def _run(self, batch: Batch, works: list[Work], *, carefully: bool) -> list[Work]:
        try:
            batch.begin()
            left = self._carefully(batch, works) if carefully else self._quickly(batch, works)
            return left + self._commit(batch, [work for work in works if work not in left])
        except (PostgresError, ValueError) as error:
            # A lost connection may be the other one, so this one may still be in a transaction.
            batch.abandon()
            if carefully or isinstance(error, LostConnectionError):
                raise
            raise _UndoneError from error
        except BaseException:
            batch.abandon()
            raise

    def _quickly(self, batch: Batch, works: list[Work]) -> list[Work]:
        """Run units with no savepoints: first the turns of runs, one of each, then the others."""
        turns: dict[str, tuple[Work, TurnUnit[Any, Any]]] = {}
        for work in works:
            if isinstance(work.call, TurnUnit):
                turns.setdefault(work.call.run_id, (work, work.call))
        left = self._again(batch.take_turns(turns), PostgresError(LOCKED)) if turns else []
        apart = {work for work, _ in turns.values()}
        for work in works:
            if not batch.is_spoilt and work not in apart:
                batch.attempt(work)
        if batch.is_spoilt:
            raise _UndoneError
        return left

    def _carefully(self, batch: Batch, works: list[Work]) -> list[Work]:
        left = []
        for work in works:
            left += self._attempt(batch, work)
        return left

    def _attempt(self, batch: Batch, work: Work) -> list[Work]:
        """Run one unit under a savepoint; returns it where it is to be run again."""
        error = batch.attempt_carefully(work)
        if isinstance(error, AloneError):
            self._alone.add(work)
            return [work]
        if isinstance(error, PostgresError) and error.is_collision:
            return self._again([work], error)
        if _is_duplicate(error) and work not in self._duplicates:
            # Another process may have been faster: see what it wrote.
            self._duplicates.add(work)
            return [work]
        if error is not None:
            work.fail(_told(error))
        return []

    def _again(self, works: list[Work], error: PostgresError) -> list[Work]:
        """Have works run again, unless they have been tried for long enough."""
        now, left = time.monotonic(), []
        if error.stood_still:  # it was stopped for a while, or has a lot to think about
            self._slow.update(works)
        for work in works:
            in_time = now - self._since[work] < _PATIENCE
            if error.is_collision or error.is_duplicate:
                may_pass = in_time
            else:
                may_pass = in_time and error.is_lost and not self._stopping()
            if may_pass:
                left.append(work)
            else:
                work.fail(busy() if error.is_collision else unavailable(error))
        return left

    def _commit(self, batch: Batch, works: list[Work]) -> list[Work]:
        try:
            self._before_commit()
        except Exception as error:  # what must be durable first is not
            batch.abandon()
            for work in works:
                work.fail(not_durable(error))
            return []
        last = batch.place(self._positions)
        self._chains = batch.moved_chains()[:_CHAINS]
        try:
            batch.commit()
        except LostConnectionError as error:
            return self._look_up(works, last, error)
        except PostgresError:  # it was refused
            raise
        except Exception:
            log.exception("The answer to a commit could not be read")
            self._link.close()
            return self._look_up(works, last, LostConnectionError())
        if last is not None:
            self._became_durable(*last)
        return []

    def _look_up(
        self, works: list[Work], last: tuple[int, str] | None, error: LostConnectionError
    ) -> list[Work]:
        """Find out what became of a commit whose answer was lost, before anybody is answered."""
        if last is None:
            return self._again(works, error)
        log.warning(
            "A commit went unanswered (SQLSTATE:%s); looking whether it is there", error.sqlstate
        )
        fate = fate_of(self._link, *last, self._stopping)
        if fate is Fate.UNDONE:
            return self._again(works, error)
        if fate is Fate.DURABLE:
            self._became_durable(*last)
            return []
        for work in works:
            work.fail(outcome_unknown())
        return []

    def _became_durable(self, position: int, own_hash: str) -> None:
        self._continuity.reached(position, own_hash)
        self._committed(position)


def _told(error: Exception) -> Exception:
    """What a caller gets for an error of its own unit."""
    return unavailable(error) if isinstance(error, PostgresError) else error


def _is_duplicate(error: Exception | None) -> bool:
    return isinstance(error, DuplicateError) or isinstance(
        getattr(error, "__cause__", None), DuplicateError
    )
