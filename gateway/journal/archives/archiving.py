"""Archiving: entries are written to segments, then removed from the database where they may go."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import bindparam, select, text

from gateway.journal.alone import Alone, alone, holding
from gateway.journal.archives.absence import Absence
from gateway.journal.archives.choosing import Until, checkpoints_until, stretches
from gateway.journal.archives.kept import Kept, kept_archives
from gateway.journal.archives.problems import archive_unusable
from gateway.journal.archives.removal import remove_archived
from gateway.journal.archives.segment import Header, file_digest
from gateway.journal.archives.writing import write_stretch
from gateway.journal.deliveries import webhook_cursor
from gateway.journal.place import Place, reading_snapshot
from gateway.journal.progress import Progress, untold
from gateway.journal.session import Session
from gateway.journal.signing import Signer
from gateway.journal.statement import Statement
from gateway.model.entry import EntryType, NewEntry
from gateway.model.ports import Clock
from gateway.model.problem import refuse

RECORD_WORKSPACE = ""
"""Facts about the record as a whole belong to no workspace."""

_at = webhook_cursor.c
_OLDEST_CURSOR = Statement(
    select(_at.workspace, _at.endpoint, _at.position)
    .where(_at.position < bindparam("limit"))
    .order_by(_at.position, _at.workspace, _at.endpoint)
    .limit(1)
)

_EVERY = Statement(
    text(
        "SELECT position FROM (SELECT position, row_number() OVER (ORDER BY position) AS number"
        " FROM entry WHERE position <= :limit) AS numbered WHERE number % :many = 0"
    )
)

AT_ONCE = 5_000
"""Entries of which some are removed in one transaction where others wait to write: for half a
second, of the ten for which they wait."""


@dataclass(frozen=True, slots=True)
class Archived:
    """What was done: the segments written, how many executions and entries were removed, and the
    webhook endpoint (with its workspace) that kept more from going, if one did."""

    segments: tuple[Header, ...]
    executions: int
    entries: int
    waits_for: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is done in one archiving: ``kept`` are the stretches with those that were just written,
    of which the first ``known`` were archived before; entries are removed up to ``limit``."""

    written: tuple[Header, ...]
    kept: tuple[Kept, ...]
    known: int
    limit: int
    steps: tuple[tuple[int, int], ...]
    waits_for: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Archiving:
    """Archives the record at ``place`` to ``folder``; ``signer`` signs what is removed.

    With ``keep`` nothing is removed. A data folder must not be in use; on PostgreSQL gateways go
    on. ``data_dir`` gets the second copy of the checkpoints there.
    """

    place: Place
    folder: Path
    signer: Signer
    clock: Clock
    keep: bool = False
    data_dir: Path = Path()
    progress: Progress = untold

    def run(self, until: Until) -> Archived:
        """Write what may be archived ``until`` there and is not yet, then remove what may go.

        On PostgreSQL it is removed in several transactions, so that nobody waits for long; one that
        breaks off is gone on with by the next call.

        Raises:
            ProblemError: DATA_DIR_IN_USE, DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION,
                SERVICE_UNAVAILABLE; CONFLICT where another archiving went on at the same time;
                JOURNAL_DAMAGED where the record is not what was signed; ARCHIVE_UNUSABLE where a
                segment cannot be written, or one that entries are to be removed for is not there.
        """
        with holding(self.place):
            with reading_snapshot(self.place) as session:
                plan = self._plan(session, until)
            if not self.keep:
                self._require_files(plan)
            executions = entries = 0
            for number, step in enumerate(plan.steps):
                with alone(self.place, self.data_dir, self.clock, self.signer) as record:
                    kept, known = _told_so_far(record.session, plan, is_first=number == 0)
                    removed = remove_archived(record.session, limit=step[1], above=step[0])
                    _tell(record, kept, known, removed.positions)
                self.progress("removal", number + 1, len(plan.steps))
                executions += removed.executions
                entries += len(removed.positions)
        return Archived(plan.written, executions, entries, plan.waits_for)

    def _plan(self, session: Session, until: Until) -> _Plan:
        """Write the segments that are missing, and see what may be removed."""
        earlier = kept_archives(session)
        lines = checkpoints_until(session, until)
        begin = earlier[-1].last if earlier else 0
        todo = list(stretches(begin, lines))
        written = []
        for number, (first, line) in enumerate(todo):
            self.progress("segments", number, len(todo))
            written.append(write_stretch(session, self.folder, first, line))
        kept = (*earlier, *(_kept(*one) for one in written))
        limit, waits_for = min(kept[-1].last, lines[-1].position) if kept and lines else 0, None
        if self.keep:
            limit = 0
        else:
            limit, waits_for = _behind_webhooks(session, limit)
        steps = self._steps(session, limit)
        headers = tuple(header for header, _ in written)
        return _Plan(headers, kept, len(earlier), limit, steps, waits_for)

    def _steps(self, session: Session, limit: int) -> tuple[tuple[int, int], ...]:
        """Where each transaction begins and ends; the last one takes what spans several of them."""
        if isinstance(self.place, Path):
            return ((0, limit),)
        ends = [row[0] for row in session.all(_EVERY, limit=limit, many=AT_ONCE)]
        return (*zip([0, *ends], ends, strict=False), (0, limit))

    def _require_files(self, plan: _Plan) -> None:
        """Nothing is removed whose segment is not here as it was written."""
        for one in plan.kept:
            path = self.folder / one.file
            try:
                if one.first <= plan.limit and file_digest(path) != one.digest:
                    raise archive_unusable(path, "is not the file that was written")
            except OSError as error:
                raise archive_unusable(path, error) from error


def _told_so_far(session: Session, plan: _Plan, *, is_first: bool) -> tuple[list[Kept], int]:
    """The stretches as the record has them now, with those that it is to be told of; and how many
    it knows already."""
    found = kept_archives(session)
    expected = plan.kept[: plan.known] if is_first else plan.kept
    if [one.file for one in found] != [one.file for one in expected]:
        raise refuse("CONFLICT", "Another archiving goes on. Wait for its end, then call it again.")
    return [*found, *plan.kept[len(found) :]], len(found)


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
