"""Verifying the record: finds what was changed, removed, reordered, cut off or inserted, and names
it. Reads one snapshot, also beside a running server, and keeps no entries in memory."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import distinct, func, select

from gateway.journal.checkpoint_file import FILE_NAME
from gateway.journal.database import open_reader
from gateway.journal.findings import Finding, FindingKind, Findings
from gateway.journal.rebuild import differences
from gateway.journal.statement import Statement
from gateway.journal.tables import entry
from gateway.journal.verify_chains import check_contents, check_heads, check_order, check_positions
from gateway.journal.verify_checkpoints import Audit, audit_checkpoints
from gateway.model.problem import ProblemError

_TOTALS = Statement(select(func.count(), func.count(distinct(entry.c.chain))).select_from(entry))
_UP_TO = "SELECT count(*) FROM entry WHERE position <= ?"


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What verification saw.

    ``covered`` entries are vouched for by a valid checkpoint, ``uncovered`` ones came later: their
    chains hold, but nobody has signed them. ``more`` counts findings beyond those listed.
    Projections are compared with the journal only where the entries themselves are intact.
    """

    entries: int
    chains: int
    checkpoints: int
    covered: int
    uncovered: int
    findings: tuple[Finding, ...]
    more: int = 0

    @property
    def ok(self) -> bool:
        """True if nothing was found."""
        return not self.findings


def verify_record(
    database: Path, public_keys: Sequence[str], checkpoints: Path | None = None
) -> VerifyReport:
    """Verify the record in ``database``.

    ``public_keys`` are the trusted keys (PEM) of the checkpoints; ``checkpoints`` is the file with
    their second copy, ``checkpoints.jsonl`` beside the database where None.

    Raises:
        ProblemError: DATABASE_UNREADABLE, DATABASE_UNKNOWN_VERSION.
        ValueError: a trusted key is no Ed25519 public key.
    """
    file = checkpoints or database.parent / FILE_NAME
    # Noted before the snapshot begins: whatever stands in the file by now must be in the snapshot.
    size = file.stat().st_size if file.exists() else 0
    with closing(open_reader(database)) as connection:
        connection.text_factory = _any_text
        connection.execute("BEGIN")
        return _Verification(connection, Findings()).report(Audit(file, size, public_keys))


def _any_text(stored: bytes) -> str:
    return stored.decode("utf-8", "surrogateescape")


class _Verification:
    def __init__(self, connection: sqlite3.Connection, findings: Findings) -> None:
        self._connection = connection
        self._findings = findings

    def report(self, audit: Audit) -> VerifyReport:
        """Runs every check, each even where another met unreadable pages."""
        for check in (check_contents, check_positions, check_order, check_heads):
            self._guarded(check, self._connection, self._findings)
        self._guarded(audit_checkpoints, self._connection, self._findings, audit)
        self._guarded(self._check_file)
        if not self._findings.of_entries:
            self._guarded(self._check_projections)
        entries, chains = self._guarded(self._row, _TOTALS.sql) or (0, 0)
        (covered,) = self._guarded(self._row, _UP_TO, audit.covered_position) or (0,)
        return VerifyReport(
            entries=entries,
            chains=chains,
            checkpoints=audit.count,
            covered=covered,
            uncovered=entries - covered,
            findings=tuple(self._findings.found),
            more=self._findings.more,
        )

    def _guarded(self, check: Callable[..., Any], *given: Any) -> Any:
        try:
            return check(*given)
        except sqlite3.DatabaseError as error:
            self._findings.add(FindingKind.DAMAGED, f"the database file cannot be read: {error}")
            return None

    def _row(self, sql: str, *parameters: Any) -> Any:
        return self._connection.execute(sql, parameters).fetchone()

    def _check_file(self) -> None:
        """SQLite's own check: indexes that disagree with their tables, broken pages."""
        for (told,) in self._connection.execute("PRAGMA integrity_check(20)"):
            if told != "ok":
                self._findings.add(FindingKind.DAMAGED, f"the database file is damaged: {told}")

    def _check_projections(self) -> None:
        try:
            for told in differences(self._connection):
                self._findings.add(FindingKind.PROJECTION, told)
        except ProblemError as error:
            self._findings.add(FindingKind.PROJECTION, error.problem.detail)
