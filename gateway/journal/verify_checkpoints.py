"""Checks of the checkpoints: their signatures, their own chain, their second copy, and whether the
entries are those that they signed."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, func, select

from gateway.journal.checkpoints import (
    CHECKPOINT_FORMAT,
    line_digest,
    order_digest,
    signature_holds,
)
from gateway.journal.findings import FindingKind, Findings
from gateway.journal.statement import Statement
from gateway.journal.tables import checkpoint, entry
from gateway.journal.verify_chains import named
from gateway.model.entry import GENESIS
from gateway.model.json import JsonObject, decode

_CHECKPOINTS = Statement(
    select(checkpoint.c.number, checkpoint.c.line).order_by(checkpoint.c.number)
)
_SIGNED_ENTRY = Statement(
    select(entry.c.position, entry.c.type, entry.c.hash).where(
        entry.c.chain == bindparam("of_chain"), entry.c.seq == bindparam("of_seq")
    )
)
_since = entry.c.position > bindparam("after_position")
_until = entry.c.position <= bindparam("to_position")
_ENDS = Statement(
    select(entry.c.chain, func.max(entry.c.seq), func.max(entry.c.position))
    .where(_since, _until)
    .group_by(entry.c.chain)
)


@dataclass(slots=True)
class Audit:
    """An audit of the checkpoints.

    ``file`` is their second copy and ``size`` its length in bytes before the snapshot began;
    ``count``, ``covered_position`` and ``lacking`` (lines that the file has not) are what it saw.
    """

    file: Path
    size: int
    public_keys: Sequence[str]
    count: int = 0
    covered_position: int = 0
    lacking: int = 0


@dataclass(slots=True)
class _Before:
    """The checkpoint before; ``sound`` where it was there and held."""

    number: int = 0
    digest: str = GENESIS
    position: int = 0
    sound: bool = True


def audit_checkpoints(connection: sqlite3.Connection, findings: Findings, audit: Audit) -> None:
    """Check every checkpoint in order; the entries against those whose signature holds."""
    before = _Before()
    copy = _lines(audit.file)
    for number, line in connection.execute(_CHECKPOINTS.sql):
        audit.count += 1
        _check_copy(number, line, next(copy, None), findings, audit)
        before = _check_one(connection, findings, audit, before, number, line)
    if audit.lacking > 1:
        told = f"{audit.file.name} lacks {audit.lacking} checkpoints that the database holds"
        findings.add(FindingKind.CHECKPOINT_FILE, told)
    _check_surplus(connection, findings, audit, before, copy)


def _check_one(
    connection: sqlite3.Connection,
    findings: Findings,
    audit: Audit,
    before: _Before,
    number: Any,
    line: Any,
) -> _Before:
    signed = _signed(number, line, audit.public_keys)
    if signed is None:
        told = f"checkpoint {number} is forged or altered: no trusted key signed it"
        findings.add(FindingKind.CHECKPOINT_FORGED, told)
        return _Before(number, line_digest(str(line)), before.position, sound=False)
    _check_succession(signed, before, findings)
    _check_entries(connection, signed, before, findings)
    audit.covered_position = signed["position"]
    return _Before(number, line_digest(line), signed["position"])


def _signed(number: Any, line: Any, public_keys: Sequence[str]) -> JsonObject | None:
    """The checkpoint of a line, None where its signature or its form does not hold."""
    try:
        told = decode(line)
    except (ValueError, TypeError):
        return None
    known = isinstance(told, dict) and told.get("format") == CHECKPOINT_FORMAT
    if not known or told.get("number") != number or not signature_holds(told, public_keys):
        return None
    return dict(told)


def _check_succession(signed: JsonObject, before: _Before, findings: Findings) -> None:
    number = signed["number"]
    if number != before.number + 1:
        told = f"checkpoint {before.number + 1} was removed: checkpoint {number} follows on "
        findings.add(FindingKind.CHECKPOINT_REMOVED, told + f"checkpoint {before.number}")
        before.sound = False
    elif signed["previous"] != before.digest and before.sound:
        told = f"checkpoint {number} does not follow on checkpoint {before.number}: that one was "
        findings.add(FindingKind.CHECKPOINT_REMOVED, told + "replaced")


def _check_entries(
    connection: sqlite3.Connection, signed: JsonObject, before: _Before, findings: Findings
) -> None:
    number = signed["number"]
    ends: dict[str, int] = {}
    for chain, seq, own in signed["heads"]:
        ends[chain] = seq
        values = _SIGNED_ENTRY.bind(of_chain=chain, of_seq=seq)
        row = connection.execute(_SIGNED_ENTRY.sql, values).fetchone()
        if row is None:
            told = f"{chain} was cut off: entry {seq}, which checkpoint {number} signed, is gone"
            findings.add(FindingKind.TRUNCATED, told, chain, seq)
        elif row[2] != own and row[0] not in findings.altered:
            told = f"{named(chain, seq, *row[:2])} is not the one that checkpoint {number} signed"
            findings.add(FindingKind.CHANGED, told, chain, seq, row[0])
    if before.sound:
        _check_span(connection, signed, before, ends, findings)


def _check_span(
    connection: sqlite3.Connection,
    signed: JsonObject,
    before: _Before,
    ends: dict[str, int],
    findings: Findings,
) -> None:
    """Between two checkpoints stand the entries that the later one signed, and no others."""
    number = signed["number"]
    span = {"after_position": before.position, "to_position": signed["position"]}
    for chain, seq, position in connection.execute(_ENDS.sql, _ENDS.bind(**span)):
        if position not in findings.altered and (chain not in ends or seq > ends[chain]):
            told = f"entry {seq} of {chain} (position {position}) is not among those that "
            told += f"checkpoint {number} signed"
            findings.add(FindingKind.INSERTED, told, chain, seq, position)
    order = order_digest(connection, before.position, signed["position"])
    if order != signed["order"] and not findings.of_entries:
        told = f"the entries at positions {before.position + 1} to {signed['position']} do not "
        told += f"stand in the order that checkpoint {number} signed"
        findings.add(FindingKind.REORDERED, told, position=before.position + 1)


# --- the second copy


def _lines(file: Path) -> Iterator[tuple[bytes, int]]:
    """The lines of the file, each with the place of its end."""
    if not file.exists():
        return
    place = 0
    with file.open("rb") as lines:
        for line in lines:
            place += len(line)
            yield line, place


def _check_copy(
    number: Any, line: Any, copied: tuple[bytes, int] | None, findings: Findings, audit: Audit
) -> None:
    """The file has the same line, or is one short (a crash, or a server just at it)."""
    stored = f"{line}\n".encode("utf-8", "surrogateescape")
    written = copied[0] if copied else b""
    if written == stored:
        return
    if stored.startswith(written) and not written.endswith(b"\n"):
        audit.lacking += 1
        return
    told = f"checkpoint {number} reads otherwise in {audit.file.name} than in the database"
    findings.add(FindingKind.CHECKPOINT_FILE, told)


def _check_surplus(
    connection: sqlite3.Connection,
    findings: Findings,
    audit: Audit,
    before: _Before,
    copy: Iterator[tuple[bytes, int]],
) -> None:
    """Checkpoints that only the file still has tell which entries went with the others."""
    surplus = 0
    for line, end in copy:
        if end > audit.size:  # written after the snapshot began
            break
        surplus += 1
        text = line.decode("utf-8", "surrogateescape").removesuffix("\n")
        before = _check_one(connection, findings, audit, before, before.number + 1, text)
    if surplus:
        told = f"{audit.file.name} holds {surplus} checkpoint(s) that the database has lost"
        findings.add(FindingKind.CHECKPOINT_FILE, told)
