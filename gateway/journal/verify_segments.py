"""Checks of the segments of an archive: that they hold what was archived, entry by entry."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import bindparam, func, select

from gateway.journal.archive_records import archived_entry
from gateway.journal.archives.kept import Kept
from gateway.journal.archives.removal import sealed_headers
from gateway.journal.archives.segment import Header, Row, Segment, SegmentError, file_digest
from gateway.journal.findings import FindingKind, Findings
from gateway.journal.sqlite_session import SqliteSession
from gateway.journal.statement import Statement
from gateway.journal.verify_archives import Archives, Follower
from gateway.journal.verify_chains import named
from gateway.journal.verify_checkpoints import Audit, Promise
from gateway.model.entry import GENESIS, EntryType
from gateway.model.pii import SEALED
from gateway.transparency import Hash, leaf_hash
from gateway.transparency.tiles import HEIGHT

_MARK = f'"{SEALED}":'
_INDEX = Statement(
    select(*archived_entry.columns).where(archived_entry.c.position == bindparam("of_position"))
)
_INDEXED = Statement(select(func.count()).select_from(archived_entry))


@dataclass(slots=True)
class Segments:
    """The segments in a ``folder``. ``read`` counts those that hold what was archived."""

    folder: Path
    archives: Archives
    findings: Findings
    read: int = 0
    _usable: list[tuple[Kept, Header]] = field(default_factory=list)
    _heads: dict[str, tuple[int, str]] = field(default_factory=dict)
    _last: dict[str, Row | None] = field(default_factory=dict)
    _indexed: int = 0
    _is_whole: bool = True

    def promise(self, audit: Audit) -> None:
        """Find each segment, and have the record held against the checkpoint at its end."""
        for one in self.archives.kept:
            try:
                self._promise(one, audit)
            except SegmentError as error:
                self._tell(one, str(error))
            except OSError as error:
                self._tell(one, f"it cannot be read ({error.strerror})")

    def check(self, connection: sqlite3.Connection, wanted: Mapping[Hash, list[Follower]]) -> None:
        """Read the usable segments through; ``wanted`` are what must follow on archived entries."""
        behind = 0
        for one, header in self._usable:
            self._is_whole = self._is_whole and one.first == behind + 1
            behind = one.last
            try:
                with Segment(self.folder / one.file) as segment:
                    if segment.header != header:  # what its rows must give was promised by that
                        raise SegmentError("it was exchanged while it was verified")
                    for row in segment.rows():
                        self._take(connection, one, row, wanted)
                self.read += 1
            except SegmentError as error:
                self._tell(one, str(error))
                self._is_whole = False
        if self.read == len(self.archives.kept):
            self._check_others(connection)

    def _promise(self, kept: Kept, audit: Audit) -> None:
        path = self.folder / kept.file
        if Path(kept.file).name != kept.file or file_digest(path) != kept.digest:
            raise SegmentError("it is not the file that was written")
        with Segment(path) as segment:
            header, line = segment.header, segment.line
        if (header.first, header.last) != (kept.first, kept.last) or line.checkpoint is None:
            raise SegmentError("it holds other entries than were archived")
        if audit.trust.ever_signer(line) is None:
            raise SegmentError("its checkpoint is signed by no trusted key")
        told = f"checkpoint {line.number}"
        audit.roots.append(Promise(header.last, line.checkpoint.root, told, kept.file, header.note))
        self._usable.append((kept, header))

    def _take(
        self,
        connection: sqlite3.Connection,
        kept: Kept,
        row: Row,
        wanted: Mapping[Hash, list[Follower]],
    ) -> None:
        position, chain, seq, _, _, kind, _, execution_id, _, body, previous, own = row
        before = self._heads.get(chain, (0, GENESIS))
        if self._is_whole and before != (seq - 1, previous):
            told = f"{named(chain, seq, position, kind)} does not follow on the one before it"
            self._tell(kept, told)
        self._heads[chain] = (seq, own)
        if position not in kept.absent:
            return
        leaf = leaf_hash(bytes.fromhex(own))
        if leaf != self.archives.leaf(position):
            told = f"tile {(position - 1) >> HEIGHT} of level 0 does not hold the hash of "
            told += f"{named(chain, seq, position, kind)}, which is archived"
            self.findings.add(FindingKind.TILE, told, position=position)
        for one in wanted.get(leaf, ()):
            if (one.chain, one.seq) != (chain, seq):
                place = "" if one.position is None else f" (position {one.position})"
                told = f"what follows on entry {one.seq} of {one.chain}{place} follows on "
                self._tell(kept, told + named(chain, seq, position, kind))
        is_sealed = _MARK in body or kind == EntryType.EVIDENCE_EXPORTED
        if is_sealed:
            self._check_index(connection, _index_of(row))
        if execution_id is not None:
            self._last[chain] = None if is_sealed else _index_of(row)

    def _check_index(self, connection: sqlite3.Connection, kept: Row) -> None:
        position = kept[0]
        self._indexed += 1
        if SqliteSession(connection.cursor()).one(_INDEX, of_position=position) != kept:
            told = f"archived_entry {position} does not say what was kept of the archived entry"
            self.findings.add(FindingKind.PROJECTION, told, position=position)

    def _check_others(self, connection: sqlite3.Connection) -> None:
        """Of each execution the last entry is kept as well, and nothing besides."""
        for kept in filter(None, self._last.values()):
            self._check_index(connection, kept)
        row = SqliteSession(connection.cursor()).one(_INDEXED)
        held = row[0] if row else 0
        if held != self._indexed:
            told = f"archived_entry holds {held} rows, and {self._indexed} entries are to be kept"
            self.findings.add(FindingKind.PROJECTION, told)

    def _tell(self, kept: Kept, why: str) -> None:
        told = f"the segment {kept.file} in {self.folder} does not count: {why}"
        self.findings.add(FindingKind.ARCHIVE, told, position=kept.first)


def _index_of(row: Row) -> Row:
    """What is kept of an archived entry."""
    position, chain, seq, _, at, kind, workspace, execution_id, _, body, *_ = row
    return position, at, kind, execution_id, sealed_headers(body, kind), workspace, chain, seq
