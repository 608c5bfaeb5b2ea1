"""Archived stretches of the record, and restorations: their tables, and what entries change there.

``archive`` is folded from the entries. ``archived_entry`` keeps of each entry that was removed with
sealed data in it which keys sealed that, so that an erasure finds them without the archive, and of
each execution that was removed its last entry; it is written where entries are removed, and emptied
where they are put back.
"""

from collections.abc import Iterator

from sqlalchemy import Column, Index, Table, and_, bindparam, func, select, update

from gateway.journal.dialects import TEXT, WHOLE
from gateway.journal.folding import Change, Projections, change
from gateway.journal.statement import Statement, inserting, setting, storing
from gateway.journal.tables import PROJECTIONS as FOLDED
from gateway.journal.tables import entry as recorded
from gateway.journal.tables import metadata
from gateway.model.entry import Entry, EntryType
from gateway.model.json import JsonObject

archive = Table(
    "archive",
    metadata,
    Column("first", WHOLE, primary_key=True, autoincrement=False),
    Column("last", WHOLE, nullable=False),
    Column("file", TEXT, nullable=False),
    Column("digest", TEXT, nullable=False),
    Column("absent", TEXT, nullable=False),
    Column("chain", TEXT, nullable=False),
    Column("seq", WHOLE, nullable=False),
    Column("at", TEXT, nullable=False),
)

archived_entry = Table(
    "archived_entry",
    metadata,
    Column("position", WHOLE, primary_key=True, autoincrement=False),
    Column("at", TEXT, nullable=False),
    Column("type", TEXT, nullable=False),
    Column("execution_id", TEXT, nullable=True),
    Column("body", TEXT, nullable=False),
    Column("workspace", TEXT, nullable=False),
    Column("chain", TEXT, nullable=False),
    Column("seq", WHOLE, nullable=False),
)
Index("archived_entry_chain", archived_entry.c.chain, archived_entry.c.seq)

restoration = Table(
    "restoration",
    metadata,
    Column("chain", TEXT, primary_key=True),
    Column("seq", WHOLE, primary_key=True, autoincrement=False),
    Column("before", TEXT, nullable=False),
    sqlite_with_rowid=False,
)

FOLDED.extend((archive, restoration))

KEEP_ARCHIVED = inserting(archived_entry)
_STORE = storing(archive, "first")
_RETURNED = setting(
    update(archive).where(archive.c.first == bindparam("of_first")),
    *("absent", "chain", "seq", "at"),
)

_RESTORED = inserting(restoration)
ARCHIVED_LAST = Statement(
    select(func.max(archive.c.last)).where(
        archive.c.last > bindparam("of_position"), archive.c.absent != ""
    )
)
RESTORED_LAST = Statement(select(func.max(restoration.c.before)))
RESTORED_PLACE = Statement(
    select(func.max(recorded.c.position))
    .join_from(
        restoration,
        recorded,
        and_(recorded.c.chain == restoration.c.chain, recorded.c.seq == restoration.c.seq),
    )
    .where(restoration.c.before != "")
)
RESTORATIONS = Statement(select(func.count()).where(restoration.c.before != ""))


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
    yield change(_RETURNED, of_first=body["first"], absent=body["absent"], **told)


def _restored(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield change(_RESTORED, chain=entry.chain, seq=entry.seq, before=body["before"])


PROJECTIONS: Projections = {
    EntryType.RECORD_ARCHIVED: _archived,
    EntryType.RECORD_RETURNED: _returned,
    EntryType.RECORD_RESTORED: _restored,
}
