"""Reading entries as they are stored."""

from dataclasses import fields

from sqlalchemy import bindparam, select

from gateway.journal.archive_records import (
    ARCHIVED_LAST,
    RESTORATIONS,
    RESTORED_LAST,
    RESTORED_PLACE,
)
from gateway.journal.chain import execution_chain
from gateway.journal.queries import LAST_ENTRY
from gateway.journal.session import Session
from gateway.journal.statement import Statement
from gateway.journal.tables import entry
from gateway.model.entry import EntryType
from gateway.model.stored_entry import StoredEntry, StoredRecords

_OF_CHAIN = entry.c.chain == bindparam("of_chain")

_COLUMNS = tuple(entry.c[field.name] for field in fields(StoredEntry))

_STORED_ENTRIES = Statement(
    select(*_COLUMNS)
    .where(_OF_CHAIN, entry.c.seq > bindparam("after_seq"))
    .order_by(entry.c.seq)
    .limit(bindparam("at_most"))
)
_ENTRIES_OF_TYPE = Statement(
    select(*_COLUMNS).where(_OF_CHAIN, entry.c.type == bindparam("of_type")).order_by(entry.c.seq)
)


class SqlStoredRecords(StoredRecords):
    """``StoredRecords`` over the session of ``SqlRecords``."""

    __slots__ = ()
    _session: Session

    def stored_entries(self, execution_id: str, after: int, limit: int) -> list[StoredEntry]:
        """The entries of an execution's chain with a ``seq`` above ``after``, in order."""
        chain = execution_chain(execution_id)
        window = {"after_seq": after, "at_most": limit}
        rows = self._session.all(_STORED_ENTRIES, of_chain=chain, **window)
        return [StoredEntry(*row) for row in rows]

    def entries_of_type(self, execution_id: str, kind: EntryType) -> list[StoredEntry]:
        """The entries of one type on an execution's chain, in order."""
        chain = execution_chain(execution_id)
        rows = self._session.all(_ENTRIES_OF_TYPE, of_chain=chain, of_type=kind.value)
        return [StoredEntry(*row) for row in rows]

    def last_entry(self) -> tuple[int, str]:
        """The position and hash of the newest entry; position 0 where there is none."""
        row = self._session.one(LAST_ENTRY)
        return (row[0], row[1]) if row else (0, "")

    def restorations(self) -> int:
        """How often the record was accepted as restored."""
        row = self._session.one(RESTORATIONS)
        return row[0] if row else 0

    def restored_before(self) -> str | None:
        """The last moment at which the record was accepted as restored from a backup."""
        row = self._session.one(RESTORED_LAST)
        return (row[0] or None) if row else None

    def restored_at_position(self) -> int | None:
        """The position at which the record was last accepted as restored from a backup."""
        row = self._session.one(RESTORED_PLACE)
        return row[0] if row else None

    def archived_through(self, after: int) -> int:
        """The position up to which entries behind ``after`` may be archived, and not here."""
        row = self._session.one(ARCHIVED_LAST, of_position=after)
        return (row and row[0]) or after
