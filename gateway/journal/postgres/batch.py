"""One transaction of a batch of units: begun, filled, given positions, committed."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import literal_column, select

from gateway.journal.postgres.errors import LostConnectionError, PostgresError
from gateway.journal.postgres.foresight import Foresight
from gateway.journal.postgres.gathering import ROWS
from gateway.journal.postgres.heads import LOCKED_HEAD, LockedHeads
from gateway.journal.postgres.many import inserting_many
from gateway.journal.postgres.named import Named
from gateway.journal.postgres.positions import Positions
from gateway.journal.postgres.session import PostgresSession
from gateway.journal.postgres.turn import EntangledError, PostgresTurn
from gateway.journal.postgres.unit import AloneError, Buffer, PostgresUnit
from gateway.journal.queries import POLICY_HEAD
from gateway.journal.statement import Statement
from gateway.journal.tables import entry
from gateway.journal.work import Work, run
from gateway.model.time import parse, stamp
from gateway.model.turn_unit import TurnUnit

CHANNEL = "gateway_tail"
"""The channel on which the end of the record is told after each commit."""

_MOMENT = """to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
NOW = f"SELECT {_MOMENT}"
"""The moment by the database's clock, which all processes share."""

_NOW = Statement(select(literal_column(_MOMENT)))
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ"
# Neither takes a snapshot, so what follows sees whatever was committed before the lock was had.
_BESIDE = "LOCK TABLE policy_head IN ROW SHARE MODE"
_ALONE = "LOCK TABLE policy_head IN EXCLUSIVE MODE"
_SLOWLY = "SET LOCAL idle_in_transaction_session_timeout = '30s'"
_TELL = "SELECT pg_notify($1, $2)"
_INSERT = inserting_many(entry)
_COLUMNS = [column.name for column in entry.columns]


class Batch:
    """A transaction on ``session``; ``writer`` names this process in the chains of workspaces.

    ``alone`` for one that no other process writes beside, ``slowly`` for one whose units may think
    for longer between two statements than others could wait. ``is_spoilt`` says that it can only be
    abandoned. ``reminders`` are as for ``PostgresUnit``. ``chains`` are those of workspaces whose
    heads this process is likely to move, ``named`` the executions that its units are likely to
    read: both are read with whatever is read first.
    """

    def __init__(
        self,
        session: PostgresSession,
        writer: str,
        *,
        alone: bool = False,
        slowly: bool = False,
        reminders: Sequence[Statement] = (),
        chains: Sequence[str] = (),
        named: Sequence[str] = (),
    ) -> None:
        self._session = session
        self._writer = writer
        self._alone = alone
        self._slowly = slowly
        self._reminders = reminders
        self._chains = chains
        self._heads = LockedHeads(session)
        self._named = Named(session, self._heads, named)
        self._buffer = Buffer()
        self._began: tuple[datetime, float] | None = None
        self.is_spoilt = False

    def begin(self) -> None:
        """Begin the transaction; what nearly every unit needs comes with the first answer: the
        moment by the database's clock, the policy in force, and the heads of ``chains``."""
        self._session.command(_BEGIN)
        self._session.command(_ALONE if self._alone else _BESIDE)
        if self._slowly:
            self._session.command(_SLOWLY)
        self._session.ask(_NOW)
        if not self._alone:
            self._session.ask(POLICY_HEAD)
        for chain in self._chains:
            self._session.ask(LOCKED_HEAD, of_chain=chain)
        self._named.ask()

    def take_turns(self, turns: Mapping[str, tuple[Work, TurnUnit[Any, Any]]]) -> list[Work]:
        """Run the units that take ``turns`` of as many runs, reading ahead for all of them.

        Returns those whose run another process is at. Where one may have left something half done,
        the batch is spoilt, and those behind it are not run.

        Raises:
            PostgresError: what is read ahead could not be had, or the connection is gone.
        """
        with self._session.by_key():
            return self._take_turns(turns)

    def _take_turns(self, turns: Mapping[str, tuple[Work, TurnUnit[Any, Any]]]) -> list[Work]:
        foresight = Foresight(self._session, self._heads)
        held = foresight.lock(list(turns))
        begun: list[tuple[str, PostgresTurn, bool]] = []
        for run_id, seen in foresight.runs.items():
            work, call = turns[run_id]
            unit, before = self._turn(run_id, foresight), self._changes()
            if self._attempt(work, unit, call.first):
                begun.append((run_id, unit, self._changes() != before))
            elif self.is_spoilt:
                return []
            else:
                seen.prolonged = False
        foresight.read([turns[run_id][1] for run_id, _, _ in begun])
        for run_id, unit, has_changed in begun:
            work, call = turns[run_id]
            given = (work, unit, call.rest, work.result)
            if not self._attempt(*given, has_changed=has_changed):
                if self.is_spoilt:
                    return []
                foresight.runs[run_id].prolonged = False
        foresight.prolong()
        for run_id, (work, _) in turns.items():
            if run_id not in foresight.runs and run_id not in held and not self.is_spoilt:
                self.attempt(work)  # there is no such run, which is for the unit to tell
        return [turns[run_id][0] for run_id in held]

    def attempt(self, work: Work) -> None:
        """Run a unit. Where it may have left something half done, the batch is spoilt.

        Raises:
            LostConnectionError: the connection is gone.
        """
        self._attempt(work, self.unit(carefully=False), work.call)

    def _attempt(
        self,
        work: Work,
        unit: PostgresUnit,
        call: Callable[..., Any],
        *given: Any,
        has_changed: bool = False,
    ) -> bool:
        """Run a unit, or a part of it; True where it succeeded.

        ``has_changed`` says that an earlier part of it changed something.
        """
        before = self._changes()
        run(work, unit, *given, part=call)
        error = self._session.failure or unit.failure or work.error
        if error is None:
            self._keep(work, unit)
            return True
        self._drop()
        if isinstance(error, LostConnectionError):
            raise error
        work.fail(error)
        half_done = has_changed or self._session.failure is not None
        half_done = half_done or self._changes() != before
        self.is_spoilt = half_done or isinstance(error, (AloneError, EntangledError))
        return False

    def attempt_carefully(self, work: Work) -> Exception | None:
        """Run a unit under a savepoint; what it did is undone where it failed, and returned is why.

        Raises:
            LostConnectionError: the connection is gone.
        """
        self._session.command("SAVEPOINT unit")
        unit = self.unit(carefully=True)
        run(work, unit)
        error = unit.failure or self._session.failure or work.error
        # Also after an error of its own: what it had sent may fail too, and must not do so together
        # with the command that undoes it.
        later = self._settled()
        error = error or later
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
        last, rows = positions.behind_last(self._session), self._buffer.kept
        for start in range(0, len(rows), ROWS):
            some = rows[start : start + ROWS]
            placed = tuple(range(last + 1, last + 1 + len(some)))
            columns = (placed, *zip(*some, strict=True))
            self._session.change_unseen(_INSERT, **dict(zip(_COLUMNS, columns, strict=True)))
            last = placed[-1]
        self._session.command(_TELL, CHANNEL, str(last))
        return last, rows[-1][-1]

    def commit(self) -> None:
        """Make it durable.

        Raises:
            LostConnectionError: nobody knows whether it is.
        """
        self._session.command("COMMIT")
        self._session.settle()

    def unit(self, *, carefully: bool) -> PostgresUnit:
        """A unit at the moment that it is by the database's clock; it is kept by ``keep``."""
        given: dict[str, Any] = {"named": self._named, "reminders": self._reminders}
        return PostgresUnit(*self._place(), alone=self._alone, carefully=carefully, **given)

    def _turn(self, run_id: str, foresight: Foresight) -> PostgresTurn:
        given: dict[str, Any] = {"named": self._named, "reminders": self._reminders}
        given |= {"alone": False, "carefully": False}
        return PostgresTurn(*self._place(), run_id=run_id, foresight=foresight, **given)

    def _place(self) -> tuple[PostgresSession, Buffer, LockedHeads, str, str]:
        moment, since = self._began or self._beginning()
        now = stamp(moment + timedelta(seconds=time.monotonic() - since))
        return (self._session, self._buffer, self._heads, now, self._writer)

    def _beginning(self) -> tuple[datetime, float]:
        """Take what was asked for at the beginning."""
        row = self._session.one(_NOW)
        self._began = (parse(row[0] if row else ""), time.monotonic())
        if not self._alone:
            head = self._session.one(POLICY_HEAD)
            self._buffer.policy = head[0] if head else None
        for chain in self._chains:
            found = self._session.one(LOCKED_HEAD, of_chain=chain)
            if found is not None:
                self._heads.know(chain, *found)
        self._named.read()
        return self._began

    def moved_chains(self) -> list[str]:
        """The chains of workspaces that this batch has moved."""
        return self._heads.of_workspaces()

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

    def _changes(self) -> int:
        """How much units that went well have changed, or entered for the end of the batch, together
        with whatever the present one has sent. Many an entry changes nothing but the record."""
        return self._session.changes + len(self._buffer.kept)

    def _drop(self) -> None:
        self._heads.drop()
        self._buffer.drop()

    def _settled(self) -> Exception | None:
        try:
            self._session.settle()
        except (PostgresError, ValueError) as error:
            return error
        return None
