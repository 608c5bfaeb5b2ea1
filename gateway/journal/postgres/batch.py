"""One transaction of a batch of units: begun, filled, given positions, committed."""

import time
from collections.abc import Sequence
from datetime import timedelta

from gateway.journal.postgres.errors import LostConnectionError, PostgresError
from gateway.journal.postgres.heads import LockedHeads
from gateway.journal.postgres.positions import Positions
from gateway.journal.postgres.session import PostgresSession
from gateway.journal.postgres.unit import AloneError, Buffer, PostgresUnit
from gateway.journal.postgres.values import rows_of
from gateway.journal.statement import Statement, inserting
from gateway.journal.tables import entry
from gateway.journal.work import Work, run
from gateway.model.time import parse, stamp

CHANNEL = "gateway_tail"
"""The channel on which the end of the record is told after each commit."""

NOW = """SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
"""The moment by the database's clock, which all processes share."""

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ"
# Neither takes a snapshot, so what follows sees whatever was committed before the lock was had.
_BESIDE = "LOCK TABLE policy_head IN ROW SHARE MODE"
_ALONE = "LOCK TABLE policy_head IN EXCLUSIVE MODE"
_SLOWLY = "SET LOCAL idle_in_transaction_session_timeout = '30s'"
_TELL = "SELECT pg_notify($1, $2)"
_INSERT_ENTRY = inserting(entry)
_COLUMNS = [column.name for column in entry.columns]


class Batch:
    """A transaction on ``session``; ``writer`` names this process in the chains of workspaces.

    ``alone`` for one that no other process writes beside, ``slowly`` for one whose units may think
    for longer between two statements than others could wait. ``is_spoilt`` says that it can only be
    abandoned. ``reminders`` are as for ``PostgresUnit``.
    """

    def __init__(
        self,
        session: PostgresSession,
        writer: str,
        *,
        alone: bool = False,
        slowly: bool = False,
        reminders: Sequence[Statement] = (),
    ) -> None:
        self._session = session
        self._writer = writer
        self._alone = alone
        self._slowly = slowly
        self._reminders = reminders
        self._heads = LockedHeads(session)
        self._buffer = Buffer()
        self._began = 0.0
        self._moment = parse("1970-01-01T00:00:00Z")
        self.is_spoilt = False

    def begin(self) -> None:
        """Begin the transaction, and take its moment from the database's clock."""
        self._session.command(_BEGIN)
        self._session.command(_ALONE if self._alone else _BESIDE)
        if self._slowly:
            self._session.command(_SLOWLY)
        self._session.command(NOW)
        results = self._session.settle()
        self._moment = parse(rows_of(results[-1])[0][0])
        self._began = time.monotonic()

    def attempt(self, work: Work) -> None:
        """Run a unit. Where it may have left something half done, the batch is spoilt.

        Raises:
            LostConnectionError: the connection is gone.
        """
        before = self._session.changes
        unit = self.unit(carefully=False)
        run(work, unit)
        error = self._session.failure or unit.failure or work.error
        if error is None:
            self._keep(work, unit)
            return
        self._drop()
        if isinstance(error, LostConnectionError):
            raise error
        work.fail(error)
        half_done = self._session.failure is not None or self._session.changes != before
        self.is_spoilt = half_done or isinstance(error, AloneError)

    def attempt_carefully(self, work: Work) -> Exception | None:
        """Run a unit under a savepoint; what it did is undone where it failed, and returned is why.

        Raises:
            LostConnectionError: the connection is gone.
        """
        self._session.command("SAVEPOINT unit")
        unit = self.unit(carefully=True)
        run(work, unit)
        error = unit.failure or self._session.failure or work.error
        if error is None:
            error = self._settled()
        if error is None:
            self._keep(work, unit)
        else:
            self._drop()
            work.fail(error)
            self._session.forget()
            self._session.command("ROLLBACK TO SAVEPOINT unit")
        self._session.command("RELEASE SAVEPOINT unit")
        self._session.settle()
        return error

    def place(self, positions: Positions) -> tuple[int, str] | None:
        """Insert the entries behind the end of the record, which stays locked until the commit.

        Returns the position and hash of the last one, None where there is none; then everything
        that was sent is done.
        """
        self._heads.store()
        if not self._buffer.kept:
            self._session.settle()
            return None
        position = positions.behind_last(self._session)
        for row in self._buffer.kept:
            position += 1
            values = dict(zip(_COLUMNS, (position, *row), strict=True))
            self._session.change_unseen(_INSERT_ENTRY, **values)
        self._session.command(_TELL, CHANNEL, str(position))
        return position, self._buffer.kept[-1][-1]

    def commit(self) -> None:
        """Make it durable.

        Raises:
            LostConnectionError: nobody knows whether it is.
        """
        self._session.command("COMMIT")
        self._session.settle()

    def unit(self, *, carefully: bool) -> PostgresUnit:
        """A unit at the moment that it is by the database's clock; it is kept by ``keep``."""
        elapsed = timedelta(seconds=time.monotonic() - self._began)
        now = stamp(self._moment + elapsed)
        place = (self._session, self._buffer, self._heads, now, self._writer)
        return PostgresUnit(
            *place, alone=self._alone, carefully=carefully, reminders=self._reminders
        )

    def keep(self) -> None:
        """The present unit succeeded: what it recorded is placed with the batch."""
        self._heads.keep()
        self._buffer.keep()

    def abandon(self) -> None:
        """Undo everything."""
        self._session.abandon()

    def _keep(self, work: Work, unit: PostgresUnit) -> None:
        self.keep()
        work.effects = unit.effects

    def _drop(self) -> None:
        self._heads.drop()
        self._buffer.drop()

    def _settled(self) -> Exception | None:
        try:
            self._session.settle()
        except (PostgresError, ValueError) as error:
            return error
        return None
