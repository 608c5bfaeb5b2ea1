"""A unit of work: what a caller's function gets to read, decide and append with."""

from collections.abc import Callable

from gateway.journal.anchors import SqlAnchorQueue
from gateway.journal.appending import Appending
from gateway.journal.chain import chain_of, entry_hash
from gateway.journal.claims import SqlClaimQueue
from gateway.journal.deliveries import SqlDeliveryQueue
from gateway.journal.heads import Heads
from gateway.journal.projections import project
from gateway.journal.records import SqlRecords
from gateway.journal.session import NoSuchRowError, Session
from gateway.journal.signing import Signed, keep_checkpoint
from gateway.journal.statements import EXECUTION_TOUCHED
from gateway.model.entry import ENTRY_FORMAT, Entry, EntryType, NewEntry
from gateway.model.json import decode, encode
from gateway.model.ports import Tx
from gateway.model.problem import refuse
from gateway.telemetry.instruments import is_counting
from gateway.telemetry.recorded import counting


class Unit(SqlAnchorQueue, SqlClaimQueue, SqlDeliveryQueue, SqlRecords, Tx):
    """``Tx`` in the writer's session.

    ``failure`` is the error of an append that failed half-way. The writer then undoes the unit
    even where its function went on: an entry without its projections must never be durable.
    """

    __slots__ = (
        "_appending",
        "_change",
        "_heads",
        "_now",
        "_touched",
        "_writer",
        "effects",
        "failure",
    )

    _change: Callable[..., int]

    def __init__(
        self, session: Session, appending: Appending, heads: Heads, now: str, writer: str
    ) -> None:
        super().__init__(session)
        self._change = session.change
        self._appending = appending
        self._heads = heads
        self._now = now
        self._touched: set[str] = set()
        self._writer = writer
        self.effects: list[Callable[[], None]] = []
        self.failure: Exception | None = None

    @property
    def now(self) -> str:
        """The moment of this unit, RFC 3339 in UTC with microseconds."""
        return self._now

    def append(self, entry: NewEntry) -> Entry:
        """Record a fact; the projections follow at once.

        Its ``position`` is 0 where entries are numbered when their batch is complete.

        Raises:
            ProblemError: CONFLICT when what it adds is already there (a used idempotency key, a
                known id).
            ValueError: it changes an execution, step or approval that does not exist.
            TypeError: its body is not JSON.
        """
        try:
            recorded = self._insert(entry)
            fold_in(self._session, recorded, self._touched)
            if is_counting():
                self.effects.append(counting(entry))
        except self._session.duplicates as error:
            self.failure = already_there(entry.type)
            raise self.failure from error
        except Exception as error:
            self.failure = error
            raise
        return recorded

    def _insert(self, entry: NewEntry) -> Entry:
        chain, kind = chain_of(entry, self._writer), EntryType(entry.type)
        last, previous = self._heads.of(chain, begins=kind is EntryType.INTENT_RECEIVED)
        seq = last + 1
        body = encode(entry.body)
        where = (entry.workspace, entry.execution_id, entry.actor)
        told = (ENTRY_FORMAT, self._now, kind.value, *where, body)
        own = entry_hash(*told[:1], chain, seq, previous, *told[1:])
        position = self._appending.insert((chain, seq, *told, previous, own))
        self._heads.move(chain, seq, own, position)
        # The body is read back from its text: projections must see what a rebuild will see.
        stored = decode(body)
        return Entry(position, chain, seq, self._now, kind, *where, stored, previous, own)

    def keep_checkpoint(self, signed: Signed) -> bool:
        """Store a signed checkpoint with its tiles; False where another process was faster."""
        return keep_checkpoint(self._session, signed)

    def after_commit(self, effect: Callable[[], None]) -> None:
        """Run ``effect`` on the event loop once this unit is durable, and only then."""
        self.effects.append(effect)


def fold_in(session: Session, entry: Entry, touched: set[str] | None = None) -> None:
    """Make the changes of an entry to the projections; each must hit exactly one row.

    ``touched`` are executions that were changed at this moment already: they need not be told of it
    again.

    Raises:
        ValueError: one hit none, so the entry speaks of something that the record does not hold.
    """
    try:
        for statement, values in project(entry):
            if statement is EXECUTION_TOUCHED and touched is not None:
                if values["of_id"] in touched:
                    continue
                touched.add(values["of_id"])
            session.change_one(statement, **values)
    except NoSuchRowError as error:
        raise unknown_row(entry) from error


def unknown_row(entry: Entry) -> ValueError:
    """The error of an entry that changes what the record does not hold."""
    return ValueError(
        f"{entry.type.value} on {entry.chain} (seq {entry.seq}) changes an execution, plan, "
        "step or approval that is not in the record"
    )


def already_there(kind: EntryType) -> Exception:
    """CONFLICT of an entry that adds what the record holds already."""
    return refuse(
        "CONFLICT",
        f"What {kind} would record is already there: the idempotency key or the id is in use. "
        "Read the present state and act on that.",
    )
