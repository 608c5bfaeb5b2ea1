"""Archived stretches of the record: their tables, and what entries change in them.

``archive`` is folded from the entries. ``archived_entry`` keeps of each entry that was removed with
sealed data in it which keys sealed that, so that an erasure finds them without the archive; it is
written where entries are removed, and emptied where they are put back.
"""

from collections.abc import Iterator

from sqlalchemy import Column, Index, Integer, Table, Text, bindparam, update

from gateway.journal.folding import Change, Projections, change
from gateway.journal.statement import inserting, setting, storing
from gateway.journal.tables import PROJECTIONS as FOLDED
from gateway.journal.tables import metadata
from gateway.model.entry import Entry, EntryType
from gateway.model.json import JsonObject

archive = Table(
    "archive",
    metadata,
    Column("first", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
    Column("file", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("absent", Text, nullable=False),
    Column("chain", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at", Text, nullable=False),
)

archived_entry = Table(
    "archived_entry",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("execution_id", Text, nullable=True),
    Column("body", Text, nullable=False),
    Column("workspace", Text, nullable=False),
    Column("chain", Text, nullable=False),
    Column("seq", Integer, nullable=False),
)
Index("archived_entry_chain", archived_entry.c.chain, archived_entry.c.seq)

FOLDED.append(archive)

KEEP_ARCHIVED = inserting(archived_entry)
_STORE = storing(archive, "first")
_RETURNED = setting(
    update(archive).where(archive.c.first == bindparam("of_first")),
    *("chain", "seq", "at"),
    absent="",
)


def _archived(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield change(
        _STORE,
        first=body["first"],
        last=body["last"],
        file=body["file"],
        digest=body["sha256"],
        absent=body["absent"],
        chain=entry.chain,
        seq=entry.seq,
        at=entry.at,
    )


def _returned(entry: Entry, body: JsonObject) -> Iterator[Change]:
    told = {"chain": entry.chain, "seq": entry.seq, "at": entry.at}
    yield change(_RETURNED, of_first=body["first"], **told)


PROJECTIONS: Projections = {
    EntryType.RECORD_ARCHIVED: _archived,
    EntryType.RECORD_RETURNED: _returned,
}
