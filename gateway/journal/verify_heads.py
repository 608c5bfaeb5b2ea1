"""Checks of the entries against checkpoints of format 1, which signed the heads of the chains."""

import hashlib
import sqlite3

from sqlalchemy import bindparam, func, select

from gateway.journal.findings import FindingKind, Findings
from gateway.journal.statement import Statement
from gateway.journal.tables import entry
from gateway.journal.verify_archives import Archives
from gateway.journal.verify_chains import named
from gateway.journal.verify_checkpoints import SignedHeads
from gateway.model.json import encode
from gateway.transparency import leaf_hash

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
_ORDER = Statement(
    select(entry.c.position, entry.c.hash).where(_since, _until).order_by(entry.c.position)
)


def check_signed_heads(
    connection: sqlite3.Connection,
    findings: Findings,
    archives: Archives,
    promised: SignedHeads,
) -> None:
    """The chains end, or went on from, where the checkpoint signed.

    Heads whose entries are archived are held against the leaves of these. The order of entries
    that are archived follows from the tree.
    """
    signed = promised.signed
    number = signed["number"]
    ends: dict[str, int] = {}
    archived = _archived(archives, signed["heads"])
    for chain, seq, own in signed["heads"]:
        ends[chain] = seq
        values = _SIGNED_ENTRY.sqlite.bind(of_chain=chain, of_seq=seq)
        row = connection.execute(_SIGNED_ENTRY.sqlite.sql, values).fetchone()
        if row is None and own in archived:
            continue
        if row is None:
            told = f"{chain} was cut off: entry {seq}, which checkpoint {number} signed, is gone"
            findings.add(FindingKind.TRUNCATED, told, chain, seq)
        elif row[2] != own and row[0] not in findings.altered:
            told = f"{named(chain, seq, *row[:2])} is not the one that checkpoint {number} signed"
            findings.add(FindingKind.CHANGED, told, chain, seq, row[0])
    if promised.is_after_sound and promised.after >= archives.end:
        _check_span(connection, promised, ends, findings)


def _archived(archives: Archives, heads: list[tuple[str, int, str]]) -> set[str]:
    """The hashes among these heads that are those of archived entries."""
    if not archives.absent:
        return set()
    leaves = {leaf_hash(bytes.fromhex(own)): own for _, _, own in heads}
    return {leaves[leaf] for _, leaf in archives.leaves() if leaf in leaves}


def _check_span(
    connection: sqlite3.Connection, promised: SignedHeads, ends: dict[str, int], findings: Findings
) -> None:
    """Between two checkpoints stand the entries that the later one signed, and no others."""
    number, position = promised.signed["number"], promised.signed["position"]
    span = {"after_position": promised.after, "to_position": position}
    for chain, seq, place in connection.execute(_ENDS.sqlite.sql, _ENDS.sqlite.bind(**span)):
        if place not in findings.altered and (chain not in ends or seq > ends[chain]):
            told = f"entry {seq} of {chain} (position {place}) is not among those that "
            told += f"checkpoint {number} signed"
            findings.add(FindingKind.INSERTED, told, chain, seq, place)
    order = _order_digest(connection, promised.after, position)
    if order != promised.signed["order"] and not findings.of_entries:
        told = f"the entries at positions {promised.after + 1} to {position} do not stand in the "
        told += f"order that checkpoint {number} signed"
        findings.add(FindingKind.REORDERED, told, position=promised.after + 1)


def _order_digest(connection: sqlite3.Connection, after: int, to: int) -> str:
    """SHA-256 over positions and hashes of the entries behind ``after`` up to ``to``, in hex."""
    folded = hashlib.sha256()
    values = _ORDER.sqlite.bind(after_position=after, to_position=to)
    for position, own_hash in connection.execute(_ORDER.sqlite.sql, values):
        folded.update(encode([position, own_hash]).encode("utf-8", "surrogateescape"))
    return folded.hexdigest()
