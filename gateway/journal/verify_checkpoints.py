"""Checks of the checkpoints themselves: their signatures, their own chain, their second copy.

What they promise of the entries is handed on, to be held against those."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from gateway.journal.checkpoint_lines import Line, LineError, line_digest, parsed_line
from gateway.journal.findings import FindingKind, Findings
from gateway.journal.statement import Statement
from gateway.journal.tables import checkpoint
from gateway.journal.verify_trust import Trust
from gateway.model.entry import GENESIS
from gateway.model.json import JsonObject

_CHECKPOINTS = Statement(
    select(checkpoint.c.number, checkpoint.c.line, checkpoint.c.ends_at).order_by(
        checkpoint.c.number
    )
)


@dataclass(frozen=True, slots=True)
class Promise:
    """A signed root over the first ``size`` entries. ``told`` says which checkpoint it is of, and
    ``kept`` where it is kept, if that is not beside the record; ``note`` is empty for our own."""

    size: int
    root: bytes
    told: str
    kept: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class SignedHeads:
    """What a checkpoint of format 1 signed, the position up to which the one before it went, and
    whether that one was sound."""

    signed: JsonObject
    after: int
    is_after_sound: bool


@dataclass(slots=True)
class Audit:
    """An audit of the checkpoints.

    ``file`` is their second copy and ``size`` its length in bytes before the snapshot began. All
    else is what it saw: ``count`` of them, the position up to which valid ones go, the entries that
    the database's own cover with tiles, and what they promise.
    """

    file: Path
    size: int
    trust: Trust
    count: int = 0
    covered_position: int = 0
    tiled: int = 0
    origin: str | None = None
    roots: list[Promise] = field(default_factory=list)
    heads: list[SignedHeads] = field(default_factory=list)

    @property
    def origins(self) -> frozenset[str]:
        """The names of logs of which a checkpoint may be; empty where any will do."""
        return self.trust.origins if self.origin is None else frozenset({self.origin})


@dataclass(slots=True)
class _Before:
    """The checkpoint before; ``sound`` where it was there and held."""

    number: int = 0
    digest: str = GENESIS
    position: int = 0
    sound: bool = True


def audit_checkpoints(connection: sqlite3.Connection, findings: Findings, audit: Audit) -> None:
    """Check every checkpoint in order, and gather what they promise into the ``audit``."""
    _Walk(findings, audit).run(connection)


class _Walk:
    def __init__(self, findings: Findings, audit: Audit) -> None:
        self._findings = findings
        self._audit = audit
        self._before = _Before()
        self._unsigned: list[tuple[Line, _Before]] = []
        self._is_trusted = False
        self._lacking = 0

    def run(self, connection: sqlite3.Connection) -> None:
        audit, copy, end = self._audit, _lines(self._audit.file), 0
        for number, line, ends_at in connection.execute(_CHECKPOINTS.sqlite.sql):
            audit.count += 1
            end += len(str(line).encode("utf-8", "surrogateescape")) + 1
            is_next = number == self._before.number + 1
            self._check_copy(number, line, next(copy, None), ends_at == end or not is_next)
            end = end if is_next else ends_at
            self._check(number, line)
            audit.tiled = max(audit.tiled, audit.roots[-1].size if audit.roots else 0)
        if self._lacking > 1:
            told = f"{audit.file.name} lacks {self._lacking} checkpoints that the database holds"
            self._findings.add(FindingKind.CHECKPOINT_FILE, told)
        self._check_surplus(copy)
        self._forge_unsigned()

    def _check(self, number: Any, text: Any) -> None:
        try:
            line = parsed_line(text)
        except LineError:
            line = None
        if line is None or line.number != number:
            self._forge_unsigned()
            self._forged(number, f", though its line says {line.number}" if line else "")
            self._before = _Before(number, line_digest(str(text)), self._before.position, False)
            return
        before, self._before = self._before, _Before(number, line_digest(text), line.position)
        signer = self._audit.trust.signer(line)
        if signer is not None:
            self._signed(line, signer, before)
        elif not self._is_trusted and _follows(line, before):
            self._unsigned.append((line, before))
        else:
            self._forge_unsigned()
            self._forged(number)
            self._before.sound, self._before.position = False, before.position

    def _signed(self, line: Line, signer: bytes, before: _Before) -> None:
        """A trusted key signed it, and with its ``previous`` every checkpoint before."""
        if _follows(line, before):
            for earlier, its_before in self._unsigned:
                self._accept(earlier, its_before)
            self._unsigned.clear()
        self._forge_unsigned()
        self._is_trusted = True
        self._check_succession(line, before)
        self._accept(line, before)
        self._audit.trust.follow(line, signer)

    def _accept(self, line: Line, before: _Before) -> None:
        audit = self._audit
        if line.heads is not None:
            audit.heads.append(SignedHeads(line.heads, before.position, before.sound))
        elif line.checkpoint is not None:
            origin, wanted = line.checkpoint.origin, audit.origins
            if wanted and origin not in wanted:
                told = f"checkpoint {line.number} is of the log {origin}, not of "
                self._findings.add(FindingKind.FORK, told + " or ".join(sorted(wanted)))
                return
            audit.origin = origin
            audit.roots.append(
                Promise(line.position, line.checkpoint.root, f"checkpoint {line.number}")
            )
        audit.covered_position = line.position

    def _check_succession(self, line: Line, before: _Before) -> None:
        if line.number != before.number + 1:
            told = f"checkpoint {before.number + 1} was removed: checkpoint {line.number} follows "
            told += f"on checkpoint {before.number}"
            self._findings.add(FindingKind.CHECKPOINT_REMOVED, told)
            before.sound = False
        elif line.previous != before.digest and before.sound:
            told = f"checkpoint {line.number} does not follow on checkpoint {before.number}: that "
            self._findings.add(FindingKind.CHECKPOINT_REMOVED, told + "one was replaced")

    def _forge_unsigned(self) -> None:
        for line, _ in self._unsigned:
            self._forged(line.number)
        self._unsigned.clear()

    def _forged(self, number: Any, why: str = "") -> None:
        told = f"checkpoint {number} is forged or altered: no trusted key signed it{why}"
        self._findings.add(FindingKind.CHECKPOINT_FORGED, told)

    # --- the second copy

    def _check_copy(
        self, number: Any, line: Any, copied: tuple[bytes, int] | None, is_placed: bool
    ) -> None:
        """The file has the same line, or is one short (a crash, or a server just at it)."""
        name = self._audit.file.name
        if not is_placed:
            told = f"the database says that checkpoint {number} ends elsewhere in {name} than it "
            self._findings.add(FindingKind.CHECKPOINT_FILE, told + "does")
        stored = f"{line}\n".encode("utf-8", "surrogateescape")
        written = copied[0] if copied else b""
        if written == stored:
            return
        if stored.startswith(written) and not written.endswith(b"\n"):
            self._lacking += 1
            return
        told = f"checkpoint {number} reads otherwise in {name} than in the database"
        self._findings.add(FindingKind.CHECKPOINT_FILE, told)

    def _check_surplus(self, copy: Iterator[tuple[bytes, int]]) -> None:
        """Checkpoints that only the file still has tell which entries went with the others."""
        surplus = 0
        for line, end in copy:
            if end > self._audit.size:  # written after the snapshot began
                break
            surplus += 1
            text = line.decode("utf-8", "surrogateescape").removesuffix("\n")
            self._check(self._before.number + 1, text)
        if surplus:
            told = f"{self._audit.file.name} holds {surplus} checkpoint(s) that the database has "
            self._findings.add(FindingKind.CHECKPOINT_FILE, told + "lost")


def _follows(line: Line, before: _Before) -> bool:
    return line.number == before.number + 1 and line.previous == before.digest


def _lines(file: Path) -> Iterator[tuple[bytes, int]]:
    """The lines of the file, each with the place of its end."""
    if not file.exists():
        return
    place = 0
    with file.open("rb") as lines:
        for line in lines:
            place += len(line)
            yield line, place


def note_of(connection: sqlite3.Connection, told: str) -> str:
    """The note of one of our own checkpoints, by how it is told."""
    number = int(told.split()[-1])
    row = connection.execute("SELECT line FROM checkpoint WHERE number = ?", (number,)).fetchone()
    try:
        return parsed_line(row[0]).note if row else ""
    except LineError:
        return ""
