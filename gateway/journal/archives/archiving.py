"""Archiving: entries are written to segments, then removed from the database where they may go."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import bindparam, select

from gateway.journal.alone import Alone, alone
from gateway.journal.archives.absence import Absence
from gateway.journal.archives.choosing import Until, checkpoints_until, stretches
from gateway.journal.archives.kept import Kept, kept_archives
from gateway.journal.archives.problems import archive_unusable
from gateway.journal.archives.removal import Removed, remove_archived
from gateway.journal.archives.segment import Header, file_digest
from gateway.journal.archives.writing import write_stretch
from gateway.journal.deliveries import webhook_cursor
from gateway.journal.session import Session
from gateway.journal.signing import Signer
from gateway.journal.statement import Statement
from gateway.model.entry import EntryType, NewEntry
from gateway.model.ports import Clock

RECORD_WORKSPACE = ""
"""Facts about the record as a whole belong to no workspace."""

_at = webhook_cursor.c
_OLDEST_CURSOR = Statement(
    select(_at.workspace, _at.endpoint, _at.position)
    .where(_at.position < bindparam("limit"))
    .order_by(_at.position, _at.workspace, _at.endpoint)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Archived:
    """What was done: the segments written, how many executions and entries were removed, and the
    webhook endpoint (with its workspace) that kept more from going, if one did."""

    segments: tuple[Header, ...]
    executions: int
    entries: int
    waits_for: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Archiving:
    """Archives the record in ``database`` to ``folder``; ``signer`` signs what is removed.

    With ``keep`` nothing is removed. The data folder must not be in use.
    """

    database: Path
    folder: Path
    signer: Signer
    clock: Clock
    keep: bool = False

    def run(self, until: Until) -> Archived:
        """Write what may be archived ``until`` there and is not yet, then remove what may go.

        Raises:
            ProblemError: DATA_DIR_IN_USE, DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION;
                JOURNAL_DAMAGED where the record is not what was signed; ARCHIVE_UNUSABLE where a
                segment cannot be written, or one that entries are to be removed for is not there.
        """
        with alone(self.database, self.clock, self.signer) as record:
            session = record.session
            earlier = kept_archives(session)
            lines = checkpoints_until(session, until)
            begin = earlier[-1].last if earlier else 0
            written = [
                write_stretch(session, self.folder, first, line)
                for first, line in stretches(begin, lines)
            ]
            kept = [*earlier, *(_kept(*one) for one in written)]
            limit = min(kept[-1].last, lines[-1].position) if kept and lines else 0
            removed, waits_for = Removed(0, ()), None
            if not self.keep:
                limit, waits_for = _behind_webhooks(session, limit)
                self._require_files(kept, limit)
                removed = remove_archived(session, limit)
            _tell(record, kept, len(earlier), removed.positions)
        headers = tuple(header for header, _ in written)
        return Archived(headers, removed.executions, len(removed.positions), waits_for)

    def _require_files(self, kept: Iterable[Kept], limit: int) -> None:
        """Nothing is removed whose segment is not here as it was written."""
        for one in kept:
            path = self.folder / one.file
            try:
                if one.first <= limit and file_digest(path) != one.digest:
                    raise archive_unusable(path, "is not the file that was written")
            except OSError as error:
                raise archive_unusable(path, error) from error


def _kept(header: Header, digest: str) -> Kept:
    absent = Absence(header.first, header.last)
    return Kept(header.first, header.last, header.name, digest, absent, "", 0)


def _behind_webhooks(session: Session, limit: int) -> tuple[int, tuple[str, str] | None]:
    """Up to where every webhook endpoint has been told, and which one keeps more from going."""
    found = session.one(_OLDEST_CURSOR, limit=limit)
    return (limit, None) if found is None else (found[2], (found[0], found[1]))


def _tell(record: Alone, kept: Sequence[Kept], known: int, positions: Sequence[int]) -> None:
    """Append an entry for each segment that is new, or of which more was removed; the record knew
    the first ``known`` before."""
    for number, one in enumerate(kept):
        begin, end = bisect_left(positions, one.first), bisect_right(positions, one.last)
        if begin < end or number >= known:
            one.absent.add(positions[begin:end])
            record.append(_fact(one))


def _fact(kept: Kept) -> NewEntry:
    body = {
        "first": kept.first,
        "last": kept.last,
        "file": kept.file,
        "sha256": kept.digest,
        "removed": len(kept.absent),
        "absent": str(kept.absent),
    }
    return NewEntry(EntryType.RECORD_ARCHIVED, RECORD_WORKSPACE, body)
