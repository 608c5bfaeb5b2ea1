"""A unit of work: what a caller's function gets to read, decide and append with."""

import sqlite3
from collections.abc import Callable
from typing import Any

from gateway.journal import claim_statements, statements
from gateway.journal.anchors import SqlAnchorQueue
from gateway.journal.chain import chain_of, entry_hash
from gateway.journal.deliveries import SqlDeliveryQueue
from gateway.journal.heads import Heads
from gateway.journal.projections import project
from gateway.journal.records import Row, SqlRecords
from gateway.journal.signing import Signed, keep_checkpoint
from gateway.journal.statement import Statement
from gateway.model.entry import ENTRY_FORMAT, Entry, EntryType, NewEntry
from gateway.model.execution import Claim
from gateway.model.json import decode, encode
from gateway.model.ports import Tx
from gateway.model.problem import refuse


class Unit(SqlAnchorQueue, SqlDeliveryQueue, SqlRecords, Tx):
    """``Tx`` on the writer's cursor.

    ``failure`` is the error of an append that failed half-way. The writer then undoes the unit
    even where its function went on: an entry without its projections must never be durable.
    """

    __slots__ = ("_heads", "_now", "_writer", "effects", "failure")

    def __init__(self, cursor: sqlite3.Cursor, heads: Heads, now: str, writer: str) -> None:
        super().__init__(cursor)
        self._heads = heads
        self._now = now
        self._writer = writer
        self.effects: list[Callable[[], None]] = []
        self.failure: Exception | None = None

    @property
    def now(self) -> str:
        """The moment of this unit, RFC 3339 in UTC with microseconds."""
        return self._now

    def append(self, entry: NewEntry) -> Entry:
        """Record a fact; the projections follow at once.

        Raises:
            ProblemError: CONFLICT when what it adds is already there (a used idempotency key, a
                known id).
            ValueError: it changes an execution, step or approval that does not exist.
            TypeError: its body is not JSON.
        """
        try:
            recorded = self._insert(entry)
            for statement, parameters in project(recorded):
                change_one(self._cursor, recorded, statement.sql, parameters)
        except sqlite3.IntegrityError as error:
            self.failure = _already_there(entry.type)
            raise self.failure from error
        except Exception as error:
            self.failure = error
            raise
        return recorded

    def _insert(self, entry: NewEntry) -> Entry:
        chain = chain_of(entry, self._writer)
        last, previous = self._heads.of(chain)
        seq = last + 1
        body = encode(entry.body)
        kind = EntryType(entry.type).value
        where = (entry.workspace, entry.execution_id, entry.actor)
        own = entry_hash(ENTRY_FORMAT, chain, seq, previous, self._now, kind, *where, body)
        self._cursor.execute(
            statements.INSERT_ENTRY.sql,
            (None, chain, seq, ENTRY_FORMAT, self._now, kind, *where, body, previous, own),
        )
        position = self._cursor.lastrowid or 0
        self._heads.move(chain, seq, own, position)
        # The body is read back from its text: projections must see what a rebuild will see.
        stored = decode(body)
        return Entry(
            position, chain, seq, self._now, EntryType(kind), *where, stored, previous, own
        )

    def enlist(self, run_id: str, execution_id: str) -> None:
        """Give a new run its claim row: epoch 0, held by nobody, due at once."""
        values = {"run_id": run_id, "execution_id": execution_id, "wake_at": self._now}
        self._change(claim_statements.ENLIST, **values)

    def claim(self, run_id: str, owner: str, lease_until: str) -> Claim | None:
        """Take a run whose claim is free or over, raising its epoch; None if somebody holds it."""
        values = {"of_run": run_id, "owner": owner, "lease_until": lease_until}
        return _claim(self._one(claim_statements.CLAIM, now=self._now, **values))

    def fence(self, run_id: str, epoch: int, lease_until: str) -> Claim | None:
        """Prolong a claim; None if it was lost (given back, or its epoch is another)."""
        values = {"of_run": run_id, "of_epoch": epoch, "lease_until": lease_until}
        return _claim(self._one(claim_statements.FENCE, **values))

    def release(self, run_id: str, epoch: int, wake_seq: int, wake_at: str | None) -> bool:
        """Give a claim back until ``wake_at``; False if a wake-up came since ``wake_seq``."""
        values = {"of_run": run_id, "of_epoch": epoch, "of_wake_seq": wake_seq}
        return self._change(claim_statements.RELEASE, wake_at=wake_at, **values) == 1

    def wake(self, run_id: str) -> None:
        """Say that a run has something to do: a wake-up that a release cannot miss."""
        self._change(claim_statements.WAKE, of_run=run_id, wake_at=self._now)

    def adopt(self) -> int:
        """Free every claim that somebody holds, due at once; returns how many there were."""
        return self._change(claim_statements.ADOPT, wake_at=self._now)

    def wake_waiting(self) -> int:
        """Wake every run that waits for something; returns how many there are."""
        return self._change(claim_statements.WAKE_WAITING, wake_at=self._now)

    def keep_checkpoint(self, signed: Signed) -> None:
        """Store a signed checkpoint with its tiles."""
        keep_checkpoint(self._cursor, signed)

    def after_commit(self, effect: Callable[[], None]) -> None:
        """Run ``effect`` on the event loop once this unit is durable, and only then."""
        self.effects.append(effect)

    def _change(self, statement: Statement, **values: Any) -> int:
        return self._cursor.execute(statement.sql, statement.bind(**values)).rowcount


def change_one(cursor: sqlite3.Cursor, entry: Entry, sql: str, parameters: tuple[Any, ...]) -> None:
    """Run one change of a projection, which must hit exactly one row.

    Raises:
        ValueError: it hit none, so the entry speaks of something that the record does not hold.
    """
    if cursor.execute(sql, parameters).rowcount != 1:
        raise ValueError(
            f"{entry.type.value} on {entry.chain} (seq {entry.seq}) changes an execution, plan, "
            "step or approval that is not in the record"
        )


def _claim(row: Row | None) -> Claim | None:
    return Claim(*row) if row else None


def _already_there(kind: EntryType) -> Exception:
    return refuse(
        "CONFLICT",
        f"What {kind} would record is already there: the idempotency key or the id is in use. "
        "Read the present state and act on that.",
    )
