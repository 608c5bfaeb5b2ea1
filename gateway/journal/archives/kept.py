"""What the record says of its archived stretches."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from gateway.journal.archive_records import archive
from gateway.journal.archives.absence import Absence
from gateway.journal.session import Session
from gateway.journal.statement import Statement

LONGEST = 1 << 30
"""No stretch is longer: what is absent of it is kept in memory, and checkpoints never lie so far
apart."""

_ARCHIVES = Statement(select(*archive.columns).order_by(archive.c.first))


@dataclass(frozen=True, slots=True)
class Kept:
    """An archived stretch: positions ``first`` to ``last`` in a ``file`` of SHA-256 ``digest``.

    ``absent`` are the entries of it that are not in the database. ``chain`` and ``seq`` name the
    entry of the record that says so.
    """

    first: int
    last: int
    file: str
    digest: str
    absent: Absence
    chain: str
    seq: int


def kept_archives(session: Session) -> list[Kept]:
    """The archived stretches, in order.

    Raises:
        ValueError: one of them cannot be read.
    """
    return [_kept(row) for row in session.all(_ARCHIVES)]


def _kept(row: tuple[Any, ...]) -> Kept:
    first, last, file, digest, absent, chain, seq, _ = row
    if not isinstance(first, int) or not isinstance(last, int) or not 1 <= first <= last:
        raise ValueError("an archived stretch has no such borders")
    if last - first >= LONGEST:
        raise ValueError(f"an archived stretch is longer than {LONGEST} entries")
    return Kept(first, last, str(file), str(digest), Absence(first, last, absent), chain, seq)
