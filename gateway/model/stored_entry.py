"""Entries exactly as they are stored, for whoever checks or hands on their hashes."""

from dataclasses import dataclass
from typing import Protocol

from gateway.model.entry import EntryType


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """The columns of an entry: ``body`` is its text as stored, ``type`` as it was written.

    ``position`` is its place in this store and no part of its hash; all else is.
    """

    position: int
    chain: str
    seq: int
    format: int
    at: str
    type: str
    workspace: str
    execution_id: str | None
    actor: str
    body: str
    previous: str
    hash: str


class StoredRecords(Protocol):
    """Reading what the journal holds, as it holds it."""

    def stored_entries(self, execution_id: str, after: int, limit: int) -> list[StoredEntry]:
        """The entries of an execution's chain with a ``seq`` above ``after``, in order."""
        ...

    def entries_of_type(self, execution_id: str, kind: EntryType) -> list[StoredEntry]:
        """The entries of one type on an execution's chain, in order."""
        ...

    def last_entry(self) -> tuple[int, str]:
        """The position and hash of the newest entry; position 0 where there is none."""
        ...

    def restorations(self) -> int:
        """How often the record was accepted as one that was restored, or moved."""
        ...

    def restored_before(self) -> str | None:
        """Until when the record may lack what was done: the last moment at which it was accepted
        as one that was restored from a backup. None where that never happened."""
        ...

    def restored_at_position(self) -> int | None:
        """Where the record was last accepted as one that was restored from a backup: the position
        of the entry that says so. None where that never happened."""
        ...

    def archived_through(self, after: int) -> int:
        """The position up to which entries behind ``after`` may be archived and not here any more;
        ``after`` itself where none are."""
        ...
