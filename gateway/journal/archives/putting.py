"""Inserting archived entries again, with everything that is folded from them.

An entry went only with all that is folded from it, so what comes back is folded by itself: whole
executions, and entries of no execution. The answer of an idempotency key that was used again
meanwhile stays away, for the key has another answer now.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import bindparam, delete, func, select, text

from gateway.journal.archive_records import archived_entry
from gateway.journal.archives.segment import Row
from gateway.journal.queries import CALL
from gateway.journal.records import entry_of
from gateway.journal.session import Session
from gateway.journal.statement import Statement, inserting
from gateway.journal.tables import claim, entry, execution
from gateway.journal.unit import fold_in
from gateway.model.entry import Entry, EntryType

_COLUMNS = tuple(column.name for column in entry.columns)
_INSERT = inserting(entry)
_HEAD = Statement(
    text(
        "INSERT INTO chain_head (chain, seq, hash) VALUES (:chain, :seq, :hash)"
        " ON CONFLICT (chain) DO UPDATE SET seq = excluded.seq, hash = excluded.hash"
        " WHERE excluded.seq > chain_head.seq"
    )
)
_FORGET = Statement(delete(archived_entry).where(archived_entry.c.position == bindparam("of")))
_LAST = Statement(
    select(func.max(archived_entry.c.seq)).where(archived_entry.c.chain == bindparam("of_chain"))
)
_RUN = Statement(
    select(execution.c.run_id, execution.c.workspace, execution.c.direct).where(
        execution.c.id == bindparam("of_id"), execution.c.run_id.is_not(None)
    )
)
_CLAIM = inserting(claim, owner=None, lease_until=None, wake_seq=1, wake_at=None)
_AT_ONCE = 100


@dataclass(slots=True)
class _Seen:
    first: int
    last: int
    count: int = 1


@dataclass(slots=True)
class Chains:
    """Which part of each execution's chain is in the segments that are at hand."""

    _seen: dict[str, _Seen] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many executions have entries there."""
        return len(self._seen)

    def see(self, row: Row) -> None:
        """Take note of a removed entry; they come in order of position."""
        _, chain, seq = row[:3]
        if row[_COLUMNS.index("execution_id")] is None:
            return
        known = self._seen.get(chain)
        if known is None:
            self._seen[chain] = _Seen(seq, seq)
        else:
            known.last, known.count = seq, known.count + 1

    def whole(self, session: Session) -> frozenset[str]:
        """The chains of which nothing is missing, from the first entry to the one that was
        remembered as the last when they were removed."""
        return frozenset(
            chain
            for chain, seen in self._seen.items()
            if (seen.first, seen.count) == (1, seen.last)
            and session.one(_LAST, of_chain=chain) == (seen.last,)
        )


@dataclass(slots=True)
class Putting:
    """Puts entries back; ``whole`` are the chains of executions that come. ``count`` says how many
    entries there were."""

    session: Session
    whole: frozenset[str]
    count: int = 0
    _epochs: dict[str, int] = field(default_factory=dict)

    def take(self, rows: Iterable[Row]) -> list[int]:
        """Put back what may come of removed entries, in order; returns their positions.

        Raises:
            ValueError, LookupError, TypeError: one cannot be folded.
        """
        positions: list[int] = []
        for row in rows:
            found = entry_of(row)
            if found.execution_id is None and self._is_taken(found):
                continue
            if found.execution_id is not None and found.chain not in self.whole:
                continue
            adding = (
                self.session.change_unseen if len(positions) % _AT_ONCE else self.session.change
            )
            adding(_INSERT, **dict(zip(_COLUMNS, row, strict=True)))  # which waits now and then
            self.session.change_unseen(_HEAD, chain=found.chain, seq=found.seq, hash=found.hash)
            self.session.change_unseen(_FORGET, of=found.position)
            fold_in(self.session, found)
            self._note_epoch(found)
            positions.append(found.position)
        self.count += len(positions)
        return positions

    def free_claims(self) -> None:
        """Give the runs that came back a free claim that waits for nothing, with an epoch above any
        that was given, so that no late owner can write."""
        for own, epoch in self._epochs.items():
            for run_id, workspace, direct in self.session.all(_RUN, of_id=own):
                self.session.change(
                    _CLAIM,
                    run_id=run_id,
                    execution_id=own,
                    epoch=epoch + 1,
                    workspace=workspace,
                    urgent=direct,
                )

    def _note_epoch(self, found: Entry) -> None:
        if found.execution_id is not None:
            told = found.body.get("epoch")
            known = self._epochs.get(found.execution_id, 0)
            epoch = told if isinstance(told, int) else 0
            self._epochs[found.execution_id] = max(known, epoch)

    def _is_taken(self, found: Entry) -> bool:
        """Whether the idempotency key of a call has another answer by now."""
        if found.type is not EntryType.CALL_COMPLETED:
            return False
        key = found.body.get("idempotencyKey")
        if key is None:
            return False
        body = found.body
        named = {"workspace": found.workspace, "subject": body["subject"], "contract": body["key"]}
        return self.session.one(CALL, **named, key=key) is not None
