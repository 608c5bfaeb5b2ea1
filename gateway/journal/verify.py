"""Verifying the record: finds what was changed, removed, reordered, cut off or inserted, and names
it. Reads one snapshot, also beside a running server, and keeps of the entries only the head of each
chain in memory."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import distinct, func, select

from gateway.journal.checkpoint_file import FILE_NAME
from gateway.journal.database import BROKEN, open_reader
from gateway.journal.findings import Finding, FindingKind, Findings
from gateway.journal.progress import Progress, untold
from gateway.journal.statement import Statement
from gateway.journal.tables import entry
from gateway.journal.verify_against import hold_against
from gateway.journal.verify_archives import Archives
from gateway.journal.verify_checkpoints import Audit, audit_checkpoints
from gateway.journal.verify_heads import check_signed_heads
from gateway.journal.verify_projections import (
    Comparison,
    ComparisonBeside,
    ComparisonHere,
    any_text,
)
from gateway.journal.verify_scan import Wanted, scan_entries
from gateway.journal.verify_segments import Segments
from gateway.journal.verify_tree import TreeCheck
from gateway.journal.verify_trust import Trust

_TOTALS = Statement(select(func.count(), func.count(distinct(entry.c.chain))).select_from(entry))
_UP_TO = "SELECT count(*) FROM entry WHERE position BETWEEN 1 AND ?"
_STRANGE = "SELECT type, name FROM sqlite_master WHERE type IN ('view', 'trigger') ORDER BY name"
_LARGE = 50_000
"""Entries from which on a second process that folds the projections pays."""

"""Is told what is being done, how much of it is, and how much there is in all."""


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What verification saw.

    ``covered`` entries are vouched for by a valid checkpoint, ``uncovered`` ones came later: their
    chains hold, but nobody has signed them. ``more`` counts findings beyond those listed.
    ``archived`` are not in the database, which the record says and signed; their leaves are, and
    with an archive ``segments`` of it were read. Projections are compared with the journal only
    where the entries themselves are intact.
    """

    entries: int
    chains: int
    checkpoints: int
    covered: int
    uncovered: int
    findings: tuple[Finding, ...]
    more: int = 0
    archived: int = 0
    segments: int = 0

    @property
    def ok(self) -> bool:
        """True if nothing was found."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class Verification:
    """What is verified, and how.

    ``public_keys`` are the trusted keys of the checkpoints (PEM or verifier keys). ``checkpoints``
    is the file with their second copy, ``checkpoints.jsonl`` beside the database where None.
    ``against`` are files with checkpoints that were kept elsewhere, ``archive`` is the folder of
    the segments.
    """

    database: Path
    public_keys: Sequence[str]
    checkpoints: Path | None = None
    against: Sequence[Path] = ()
    archive: Path | None = None
    progress: Progress = untold

    def run(self) -> VerifyReport:
        """Verify the record.

        Raises:
            ProblemError: DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION.
            ValueError: a trusted key is no Ed25519 public key.
            OSError: a file with checkpoints cannot be read.
        """
        file = self.checkpoints or self.database.parent / FILE_NAME
        # Noted before the snapshot: whatever stands in the file by now must be in the snapshot.
        size = file.stat().st_size if self.checkpoints or file.exists() else 0
        audit = Audit(file, size, Trust(self.public_keys))
        with closing(open_reader(self.database)) as connection:
            connection.text_factory = any_text
            connection.execute("BEGIN")
            return _Run(self, connection, audit).report()


def verify_record(
    database: Path, public_keys: Sequence[str], checkpoints: Path | None = None
) -> VerifyReport:
    """Verify the record in ``database``; see ``Verification`` for the rest.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION.
        ValueError: a trusted key is no Ed25519 public key.
    """
    return Verification(database, public_keys, checkpoints).run()


class _Run:
    def __init__(self, asked: Verification, connection: sqlite3.Connection, audit: Audit) -> None:
        self._asked = asked
        self._connection = connection
        self._audit = audit
        self._findings = Findings()

    def report(self) -> VerifyReport:
        """Runs every check, each even where another met unreadable pages."""
        audit, findings = self._audit, self._findings
        total, chains = self._guarded(self._row, _TOTALS.sqlite.sql) or (0, 0)
        with self._comparison(total) as comparison:
            self._guarded(audit_checkpoints, self._connection, findings, audit)
            for file in self._asked.against:
                hold_against(file, findings, audit)
            archives = self._guarded(Archives.of, self._connection, findings, audit)
            archives = archives or Archives(self._connection, [])
            read = self._guarded(self._scan, total, archives)
            for promised in audit.heads:
                self._guarded(check_signed_heads, self._connection, findings, archives, promised)
            self._guarded(self._check_file)
            if not findings.of_entries:
                self._guarded(self._check_projections, comparison, total)
        (covered,) = self._guarded(self._row, _UP_TO, audit.covered_position) or (0,)
        return VerifyReport(
            entries=total,
            chains=chains,
            checkpoints=audit.count,
            covered=covered,
            uncovered=total - covered,
            findings=tuple(findings.found),
            more=findings.more,
            archived=archives.absent,
            segments=read or 0,
        )

    def _comparison(self, total: int) -> Comparison:
        if total < _LARGE:
            return ComparisonHere(self._connection)
        return ComparisonBeside(self._asked.database)

    def _scan(self, total: int, archives: Archives) -> int:
        """Check the entries, and the segments at hand; returns how many of these count."""

        def done(count: int) -> None:
            self._asked.progress("entries", count, total)

        segments = None
        if self._asked.archive is not None:
            segments = Segments(self._asked.archive, archives, self._findings)
            segments.promise(self._audit)
        tree = TreeCheck(self._connection, self._findings, self._audit)
        wanted: Wanted = scan_entries(self._connection, self._findings, tree, archives, done)
        if segments is None:
            return 0
        segments.check(self._connection, wanted)
        return segments.read

    def _guarded(self, check: Callable[..., Any], *given: Any) -> Any:
        try:
            return check(*given)
        except BROKEN as error:
            self._findings.add(FindingKind.DAMAGED, f"the database file cannot be read: {error}")
            return None

    def _row(self, sql: str, *parameters: Any) -> Any:
        return self._connection.execute(sql, parameters).fetchone()

    def _check_file(self) -> None:
        """SQLite's own check: indexes that disagree with their tables, broken pages. And that
        there are tables and indexes alone."""
        self._asked.progress("file", 0, 1)
        for (told,) in self._connection.execute("PRAGMA integrity_check(20)"):
            if told != "ok":
                self._findings.add(FindingKind.DAMAGED, f"the database file is damaged: {told}")
        for kind, name in self._connection.execute(_STRANGE):
            told = f"the database holds the {kind} {name}, and no gateway makes one: it may show "
            told += "each reader something else, or change what is written"
            self._findings.add(FindingKind.DAMAGED, told)

    def _check_projections(self, comparison: Comparison, total: int) -> None:
        def done(count: int) -> None:
            self._asked.progress("projections", count, total)

        for told in comparison.differences(done):
            self._findings.add(FindingKind.PROJECTION, told)
