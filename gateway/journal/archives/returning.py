"""Putting archived entries back: a segment is held against what the record signed, then inserted,
and everything that is derived is folded anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import bindparam, delete, text

from gateway.journal.alone import alone
from gateway.journal.archive_records import archived_entry
from gateway.journal.archives.absence import Absence
from gateway.journal.archives.archiving import RECORD_WORKSPACE
from gateway.journal.archives.kept import Kept, kept_archives
from gateway.journal.archives.problems import archive_unusable
from gateway.journal.archives.segment import Row, Segment, SegmentError, file_digest
from gateway.journal.refold import refold
from gateway.journal.session import Session
from gateway.journal.signing import Signer
from gateway.journal.statement import Statement, inserting
from gateway.journal.tables import entry
from gateway.journal.tiles import StoredTiles
from gateway.model.entry import EntryType, NewEntry
from gateway.model.ports import Clock
from gateway.transparency import Hash, range_root
from gateway.transparency.tiles import MissingTileError, nodes_in

_COLUMNS = tuple(column.name for column in entry.columns)
_INSERT = inserting(entry)
_HEAD = Statement(
    text(
        "INSERT INTO chain_head (chain, seq, hash) VALUES (:chain, :seq, :hash)"
        " ON CONFLICT (chain) DO UPDATE SET seq = excluded.seq, hash = excluded.hash"
        " WHERE excluded.seq > chain_head.seq"
    )
)
_FORGET = Statement(
    delete(archived_entry).where(
        archived_entry.c.position >= bindparam("of_first"),
        archived_entry.c.position <= bindparam("of_last"),
    )
)


@dataclass(frozen=True, slots=True)
class Returned:
    """How many entries of how many segments were put back."""

    segments: int
    entries: int


@dataclass(frozen=True, slots=True)
class Returning:
    """Puts entries back into the record in ``database``; the data folder must not be in use.

    A segment counts if the record says that it was archived, its file is the one that was written,
    and its root is the one that the record's own tree has.
    """

    database: Path
    signer: Signer
    clock: Clock

    def run(self, files: Sequence[Path]) -> Returned:
        """Put the entries of these segments back: all, or none.

        Raises:
            ProblemError: ARCHIVE_UNUSABLE with the first file that does not count;
                DATA_DIR_IN_USE, DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION, JOURNAL_DAMAGED.
        """
        with alone(self.database, self.clock, self.signer) as record:
            session = record.session
            kept = {one.file: one for one in kept_archives(session)}
            named = {path.name: path for path in files}
            counts = [self._put_back(session, path, kept.get(name)) for name, path in named.items()]
            for name in named:
                one = kept[name]
                body = {"first": one.first, "last": one.last, "file": one.file}
                record.append(NewEntry(EntryType.RECORD_RETURNED, RECORD_WORKSPACE, body))
            refold(record.connection, record.now)
        return Returned(len(counts), sum(counts))

    def _put_back(self, session: Session, path: Path, kept: Kept | None) -> int:
        if kept is None:
            raise archive_unusable(path, "is no segment that this record says was archived")
        try:
            if file_digest(path) != kept.digest:
                raise archive_unusable(path, "is not the file that was written")
            with Segment(path) as segment:
                if (
                    segment.line.checkpoint is None
                    or _root(session, kept.last) != segment.line.checkpoint.root
                ):
                    raise archive_unusable(path, "does not have the root that the record signed")
                count = sum(_insert(session, row, kept.absent) for row in segment.rows())
        except SegmentError as error:
            raise archive_unusable(path, str(error)) from error
        except OSError as error:
            raise archive_unusable(path, error) from error
        session.change(_FORGET, of_first=kept.first, of_last=kept.last)
        return count


def _root(session: Session, size: int) -> Hash | None:
    try:
        return range_root(0, size, nodes_in(StoredTiles(session)))
    except MissingTileError:
        return None


def _insert(session: Session, row: Row, absent: Absence) -> bool:
    position, chain, seq, *_, own = row
    if position not in absent:
        return False
    session.change(_INSERT, **dict(zip(_COLUMNS, row, strict=True)))
    session.change(_HEAD, chain=chain, seq=seq, hash=own)
    return True
