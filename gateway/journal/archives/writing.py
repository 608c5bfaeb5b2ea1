"""Writing a stretch of the record to a segment."""

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sqlalchemy import bindparam, select

from gateway.journal.archives.hearing import heard
from gateway.journal.archives.problems import archive_unusable, not_as_signed
from gateway.journal.archives.segment import (
    Header,
    Row,
    SegmentError,
    check_segment,
    write_segment,
)
from gateway.journal.checkpoint_lines import Line
from gateway.journal.session import Session
from gateway.journal.statement import Statement
from gateway.journal.tables import entry
from gateway.journal.tiles import StoredTiles
from gateway.transparency import Hash
from gateway.transparency.tiles import MissingTileError, nodes_in

_STRETCH = Statement(
    select(*entry.columns)
    .where(entry.c.position >= bindparam("of_first"), entry.c.position <= bindparam("of_last"))
    .order_by(entry.c.position)
)


def write_stretch(session: Session, folder: Path, first: int, line: Line) -> tuple[Header, str]:
    """Write the entries from the position ``first`` to those that ``line`` signed last; returns
    what the segment says and the SHA-256 of its file. It was read again and holds what was signed.

    Raises:
        ProblemError: ARCHIVE_UNUSABLE where it cannot be written, JOURNAL_DAMAGED where the record
            is not what was signed.
    """
    if line.checkpoint is None:
        raise AssertionError("a segment ends with a checkpoint that has a root")
    before = tuple(_subtrees(session, first - 1))
    header = Header(first, line.position, line.checkpoint.origin, before, line.note)
    path = folder / header.name
    try:
        digest = write_segment(folder, header, _rows(session, header))
    except (OSError, SegmentError) as error:
        raise archive_unusable(path, error if isinstance(error, OSError) else str(error)) from error
    except TypeError as error:  # text that is no Unicode
        raise not_as_signed("an entry holds something else than text") from error
    try:
        check_segment(path, partial(heard, session))
    except SegmentError as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise not_as_signed(error) from error
    return header, digest


def _rows(session: Session, header: Header) -> Iterator[Row]:
    yield from session.each(_STRETCH, of_first=header.first, of_last=header.last)


def _subtrees(session: Session, size: int) -> Iterator[Hash]:
    """The roots of the complete subtrees over the first ``size`` entries, the largest first."""
    node_at = nodes_in(StoredTiles(session))
    begin = 0
    try:
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                yield node_at(level, begin >> level)
                begin += 1 << level
    except MissingTileError as error:
        raise not_as_signed(error) from error
