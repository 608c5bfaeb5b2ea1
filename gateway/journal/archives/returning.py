"""Putting archived entries back: segments are held against what the record signed, then those of
their entries are inserted and folded that are whole without any other segment."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.journal.alone import alone, holding
from gateway.journal.archives.archiving import RECORD_WORKSPACE
from gateway.journal.archives.hearing import heard
from gateway.journal.archives.kept import Kept, kept_archives
from gateway.journal.archives.problems import archive_unusable
from gateway.journal.archives.putting import Chains, Putting
from gateway.journal.archives.segment import Segment, SegmentError, file_digest
from gateway.journal.place import Place, reading_snapshot
from gateway.journal.progress import Progress, untold
from gateway.journal.session import Session
from gateway.journal.signing import Signer
from gateway.journal.tiles import StoredTiles
from gateway.model.entry import EntryType, NewEntry
from gateway.model.ports import Clock
from gateway.model.problem import refuse
from gateway.transparency import Hash, range_root
from gateway.transparency.tiles import MissingTileError, nodes_in


@dataclass(frozen=True, slots=True)
class Returned:
    """How many entries of how many segments were put back, and how many executions stayed away
    because they reach into other segments."""

    segments: int
    entries: int
    partial: int = 0


@dataclass(frozen=True, slots=True)
class Returning:
    """Puts entries back into the record at ``place``; a data folder must not be in use.

    On PostgreSQL gateways may go on, and wait meanwhile. A segment counts if the record says that
    it was archived, its file is the one that was written, and its root is the one that the record's
    own tree has.

    An execution comes back as a whole or not at all: half of one would go on from where the half
    ends. So it needs all segments that it reaches into, in one call.
    """

    place: Place
    signer: Signer
    clock: Clock
    data_dir: Path = Path()
    progress: Progress = untold

    def run(self, files: Sequence[Path]) -> Returned:
        """Put the entries of these segments back: of all segments, or of none.

        Raises:
            ProblemError: ARCHIVE_UNUSABLE with the first file that does not count;
                DATA_DIR_IN_USE, DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION, JOURNAL_DAMAGED,
                SERVICE_UNAVAILABLE; CONFLICT where archiving goes on at the same time.
        """
        named = _by_name(files)
        with holding(self.place):
            chains = Chains()
            with reading_snapshot(self.place) as session:
                known = {one.file: one for one in kept_archives(session)}
                for number, (name, path) in enumerate(named.items()):
                    self.progress("segments examined", number, len(named))
                    _examine(session, path, known.get(name), chains)
            with alone(self.place, self.data_dir, self.clock, self.signer) as record:
                kept = {one.file: one for one in kept_archives(record.session)}
                if any(str(kept[name].absent) != str(known[name].absent) for name in named):
                    told = "Archiving goes on at the same time. Wait for its end, then call again."
                    raise refuse("CONFLICT", told)
                putting = Putting(record.session, chains.whole(record.session))
                for number, (name, path) in enumerate(named.items()):
                    self.progress("segments put back", number, len(named))
                    _put_back(path, kept[name], putting)
                putting.free_claims()
                for name in named:
                    record.append(_fact(kept[name]))
        return Returned(len(named), putting.count, chains.count - len(putting.whole))


def _by_name(files: Sequence[Path]) -> dict[str, Path]:
    """The files in order.

    Raises:
        ProblemError: ARCHIVE_UNUSABLE where two have one name, of which one would be passed over.
    """
    found: dict[str, Path] = {}
    for path in sorted(files, key=lambda path: path.name):
        if found.setdefault(path.name, path) != path:
            raise archive_unusable(path, f"has the name of {found[path.name]}: give one of them")
    return found


def _fact(kept: Kept) -> NewEntry:
    body = {"first": kept.first, "last": kept.last, "file": kept.file, "absent": str(kept.absent)}
    return NewEntry(EntryType.RECORD_RETURNED, RECORD_WORKSPACE, body)


def _examine(session: Session, path: Path, kept: Kept | None, chains: Chains) -> None:
    """See that a file counts, and which chains its removed entries are of."""
    if kept is None:
        raise archive_unusable(path, "is no segment that this record says was archived")
    try:
        if file_digest(path) != kept.digest:
            raise archive_unusable(path, "is not the file that was written")
        with Segment(path) as segment:
            _require_stretch(session, segment, kept)
            for row in heard(session, segment.rows()):
                if row[0] in kept.absent:
                    chains.see(row)
    except SegmentError as error:
        raise archive_unusable(path, str(error)) from error
    except OSError as error:
        raise archive_unusable(path, error) from error


def _put_back(path: Path, kept: Kept, putting: Putting) -> None:
    try:
        with Segment(path) as segment:
            _require_stretch(putting.session, segment, kept)  # it may be another file by now
            rows = heard(putting.session, segment.rows())
            kept.absent.discard(putting.take(row for row in rows if row[0] in kept.absent))
    except (SegmentError, ValueError, LookupError, TypeError) as error:
        raise archive_unusable(path, f"cannot be put back ({error})") from error
    except OSError as error:
        raise archive_unusable(path, error) from error


def _require_stretch(session: Session, segment: Segment, kept: Kept) -> None:
    """See that a file is of the stretch, whole, and has the root of the record over it."""
    signed, header = segment.line.checkpoint, segment.header
    if (header.first, header.last) != (kept.first, kept.last):
        raise archive_unusable(segment.path, "holds other entries than were archived")
    if signed is None or _root(session, kept.last) != signed.root:
        raise archive_unusable(segment.path, "does not have the root that the record signed")


def _root(session: Session, size: int) -> Hash | None:
    try:
        return range_root(0, size, nodes_in(StoredTiles(session)))
    except MissingTileError:
        return None
