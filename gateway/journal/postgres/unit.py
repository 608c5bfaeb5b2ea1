"""A unit of work on PostgreSQL: its entries are numbered when their batch is complete."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import bindparam, func, literal_column, select

from gateway.journal.appending import Appending, NewRow
from gateway.journal.chain import execution_chain
from gateway.journal.postgres.errors import PostgresError
from gateway.journal.postgres.heads import LOCKED_HEAD, LOCKED_HEAD_OF_RUN, LockedHeads
from gateway.journal.postgres.named import Named
from gateway.journal.postgres.session import DuplicateError, PostgresSession
from gateway.journal.postgres.values import require_storable
from gateway.journal.records import entry_of
from gateway.journal.session import NoSuchRowError
from gateway.journal.statement import Statement
from gateway.journal.tables import claim
from gateway.journal.tables import entry as table
from gateway.journal.unit import Unit, already_there, unknown_row
from gateway.model.entry import Entry, EntryType, NewEntry
from gateway.model.execution import Execution, PlanRecord
from gateway.model.stored_entry import StoredEntry

_NAMES = [column.name for column in table.columns if column.name != "position"]
_CHAIN, _SEQ, _TYPE = (_NAMES.index(name) for name in ("chain", "seq", "type"))
_OF_NO_EXECUTION = ("policy.", "privacy.", "skill.", "grant.issued", "grant.revoked")


WOKEN = "gateway_woken"
"""The channel on which the process that holds a run is told that it was woken."""

_TELL_HOLDER = Statement(
    select(func.pg_notify(literal_column(f"'{WOKEN}'"), claim.c.run_id)).where(
        claim.c.run_id == bindparam("of_run"), claim.c.owner.is_not(None)
    )
)
"""Tells whoever holds the run ``of_run``; nobody where it is free."""


class AloneError(Exception):
    """A unit records what may bear on any other, and must run alone."""


class Buffer(Appending):
    """Entries of a batch that are not in the table yet.

    ``kept`` are those of units that succeeded, ``fresh`` those of the present one. ``policy`` holds
    the revision in force.
    """

    def __init__(self) -> None:
        self.kept: list[NewRow] = []
        self.fresh: list[NewRow] = []
        self.policy: str | None = None

    def insert(self, row: NewRow) -> int:
        """Put an entry behind the others; it has no position yet.

        Raises:
            ProblemError: VALIDATION_FAILED for text that the database cannot hold.
        """
        for value in row:
            if isinstance(value, str):
                require_storable(value)
        self.fresh.append(row)
        return 0

    def keep(self) -> None:
        """The present unit succeeded."""
        self.kept += self.fresh
        self.fresh = []

    def drop(self) -> None:
        """The present unit was undone, or a new one begins."""
        self.fresh = []

    def of(self, execution_id: str) -> list[dict[str, Any]]:
        """The entries on an execution's chain, by the names of their columns, in order."""
        chain = execution_chain(execution_id)
        rows = [row for row in (*self.kept, *self.fresh) if row[_CHAIN] == chain]
        return [{"position": 0, **dict(zip(_NAMES, row, strict=True))} for row in rows]


class PostgresUnit(Unit):
    """``Unit`` that sees the entries of its batch, and knows whether it runs ``alone``.

    ``carefully`` waits for each entry's changes; else a failure is seen when the batch is complete.
    ``named`` holds what was read of executions that units of the batch name. ``reminders`` are run
    for each run that is to be advanced, with its id as ``of_run``.
    """

    __slots__ = ("_alone", "_buffer", "_carefully", "_later", "_locked", "_named", "_reminders")

    def __init__(
        self,
        session: PostgresSession,
        buffer: Buffer,
        heads: LockedHeads,
        now: str,
        writer: str,
        *,
        alone: bool,
        carefully: bool,
        named: Named,
        reminders: Sequence[Statement] = (),
    ) -> None:
        super().__init__(session, buffer, heads, now, writer)
        self._later = session
        self._locked = heads
        self._buffer = buffer
        self._alone = alone
        self._carefully = carefully
        self._reminders = reminders
        self._named = named

    def policy_head(self) -> str | None:
        """The policy revision in force; it cannot change within a batch of many units."""
        if self._alone:
            return super().policy_head()
        return self._buffer.policy

    def execution(self, workspace: str, execution_id: str) -> Execution | None:
        """The execution of this id; the head of its chain is fetched and locked with it."""
        named = self._named.execution(execution_id)
        if named is not None:
            return named if named.workspace == workspace else None
        chain = execution_chain(execution_id)
        if not self._locked.knows(chain):
            self._later.ask(LOCKED_HEAD, of_chain=chain)
        return super().execution(workspace, execution_id)

    def plan(self, plan_id: str) -> PlanRecord | None:
        """The stored plan of this id."""
        return self._named.plan(plan_id) or super().plan(plan_id)

    def execution_of_run(self, run_id: str) -> Execution | None:
        """The execution that this run belongs to; the head of its chain is fetched with it."""
        self._later.ask(LOCKED_HEAD_OF_RUN, of_run=run_id)
        found = super().execution_of_run(run_id)
        for chain, seq, own_hash in self._later.all(LOCKED_HEAD_OF_RUN, of_run=run_id):
            self._locked.know(chain, seq, own_hash)
        return found

    def append(self, entry: NewEntry) -> Entry:
        """Record a fact; the projections follow at once. Its ``position`` is 0.

        Raises:
            AloneError: it is of no single execution, and other units run beside this one.
        """
        if not self._alone and entry.type.value.startswith(_OF_NO_EXECUTION):
            self.failure = AloneError()
            raise self.failure
        self._named.forget(entry.execution_id)
        recorded = super().append(entry)
        if self._carefully:
            self._wait_for(recorded)
        return recorded

    def _wait_for(self, recorded: Entry) -> None:
        """Wait for an entry's changes, so that a unit learns of a failure where it happens."""
        try:
            self._later.settle()
        except DuplicateError as error:
            self.failure = already_there(recorded.type)
            raise self.failure from error
        except NoSuchRowError as error:
            self.failure = unknown_row(recorded)
            raise self.failure from error
        except PostgresError as error:
            self.failure = error
            raise

    def remind(self, run_id: str) -> None:
        """Have word of a due run brought to whoever may advance it, with this unit's commit."""
        for statement in self._reminders:
            self._later.change_unseen(statement, of_run=run_id)

    def wake(self, run_id: str) -> None:
        """Say that a run has something to do, also to the process that holds it."""
        super().wake(run_id)
        self._later.change_unseen(_TELL_HOLDER, of_run=run_id)

    def wake_waiting(self) -> int:
        """Wake every run that waits for something; returns how many there are."""
        if not self._alone:
            self.failure = AloneError()
            raise self.failure
        return super().wake_waiting()

    def entries(self, execution_id: str, after: int = 0, limit: int = 10_000) -> list[Entry]:
        """The entries of an execution's chain with a ``seq`` above ``after``, in order."""
        found = super().entries(execution_id, after, limit)
        fresh = [tuple(row.values()) for row in self._buffer.of(execution_id)]
        return [*found, *(entry_of(row) for row in fresh if row[1 + _SEQ] > after)][:limit]

    def stored_entries(self, execution_id: str, after: int, limit: int) -> list[StoredEntry]:
        """The entries of an execution's chain with a ``seq`` above ``after``, in order."""
        found = super().stored_entries(execution_id, after, limit)
        fresh = self._buffer.of(execution_id)
        return [*found, *(_stored(row) for row in fresh if row["seq"] > after)][:limit]

    def entries_of_type(self, execution_id: str, kind: EntryType) -> list[StoredEntry]:
        """The entries of one type on an execution's chain, in order."""
        found = super().entries_of_type(execution_id, kind)
        fresh = self._buffer.of(execution_id)
        return [*found, *(_stored(row) for row in fresh if row["type"] == kind.value)]


def _stored(row: dict[str, Any]) -> StoredEntry:
    return StoredEntry(**{field.name: row[field.name] for field in fields(StoredEntry)})
