"""Names what is wrong with the order of entries: each against its neighbours and its chain's head.

``verify_scan`` finds out whether anything is, at less cost."""

import sqlite3
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import and_, func, or_, select

from gateway.journal.archives.kept import Kept
from gateway.journal.findings import FindingKind, Findings
from gateway.journal.statement import Statement
from gateway.journal.tables import chain_head, entry
from gateway.model.entry import GENESIS

_earlier = entry.alias("earlier")
_below = entry.alias("below")

_BREAKS = Statement(
    select(
        *(entry.c.chain, entry.c.seq, entry.c.position, entry.c.type),
        *(_earlier.c.position, _earlier.c.hash.is_not_distinct_from(entry.c.previous)),
        select(func.max(_below.c.seq))
        .where(_below.c.chain == entry.c.chain, _below.c.seq < entry.c.seq)
        .scalar_subquery(),
    )
    .select_from(
        entry.outerjoin(
            _earlier,
            and_(_earlier.c.chain == entry.c.chain, _earlier.c.seq == entry.c.seq - 1),
        )
    )
    .where(
        or_(
            and_(entry.c.seq == 1, entry.c.previous != GENESIS),
            and_(
                entry.c.seq != 1,
                or_(
                    _earlier.c.position.is_(None),
                    _earlier.c.position >= entry.c.position,
                    _earlier.c.hash.is_distinct_from(entry.c.previous),
                ),
            ),
        )
    )
    .order_by(entry.c.position)
)
_HEADS_WITHOUT = Statement(
    select(
        *(chain_head.c.chain, chain_head.c.seq, entry.c.position, entry.c.type),
        select(func.max(_below.c.seq))
        .where(_below.c.chain == chain_head.c.chain)
        .scalar_subquery(),
    )
    .select_from(
        chain_head.outerjoin(
            entry, and_(entry.c.chain == chain_head.c.chain, entry.c.seq == chain_head.c.seq)
        )
    )
    .where(entry.c.hash.is_distinct_from(chain_head.c.hash))
)
_BEYOND_HEADS = Statement(
    select(entry.c.chain, entry.c.seq, entry.c.position, entry.c.type)
    .select_from(entry.outerjoin(chain_head, chain_head.c.chain == entry.c.chain))
    .where(or_(chain_head.c.seq.is_(None), entry.c.seq > chain_head.c.seq))
    .order_by(entry.c.position)
)
_LAST_GIVEN = "SELECT seq FROM sqlite_sequence WHERE name = 'entry'"


def named(chain: Any, seq: Any, position: Any, kind: Any) -> str:
    """How an entry is called in a message."""
    return f"entry {seq} of {chain} ({kind}, position {position})"


def check_positions(
    connection: sqlite3.Connection, findings: Findings, archived: Sequence[Kept]
) -> None:
    """Positions count from 1 without a gap, but for what is archived. What stands before is in no
    tree, so no root tells of it."""
    last = 0
    for position, chain, seq, kind in connection.execute(
        "SELECT position, chain, seq, type FROM entry ORDER BY position"
    ):
        if position < 1:
            told = f"{named(chain, seq, position, kind)} stands before the first position"
            findings.add(FindingKind.INSERTED, told, chain, seq, position)
            continue
        for first, end in _lacking(last + 1, position - 1, archived):
            told = f"position {_range(first, end)} is empty: before "
            told += f"{named(chain, seq, position, kind)}, entries were removed"
            findings.add(FindingKind.REMOVED, told, position=first)
        last = position


def _lacking(first: int, last: int, archived: Sequence[Kept]) -> list[tuple[int, int]]:
    """The ranges of positions that are empty and not archived."""
    found: list[tuple[int, int]] = []
    at = first
    for one in archived:
        while at <= min(one.last, last):
            begin = at
            while at <= min(one.last, last) and at not in one.absent:
                at += 1
            if at > begin:
                found.append((begin, at - 1))
            while at <= min(one.last, last) and at in one.absent:
                at += 1
    if at <= last:
        found.append((at, last))
    return found


def check_end(connection: sqlite3.Connection, findings: Findings) -> None:
    """The last position that is taken is the last one that was ever given."""
    (last,) = connection.execute("SELECT coalesce(max(position), 0) FROM entry").fetchone()
    (given,) = connection.execute(_LAST_GIVEN).fetchone() or (last,)
    if not isinstance(given, int):
        told = "which position was the last one ever given cannot be read"
        findings.add(FindingKind.DAMAGED, told)
    elif given > last:
        told = f"position {_range(last + 1, given)} is empty: entries at the end were removed"
        findings.add(FindingKind.TRUNCATED, told, position=last + 1)
    elif given < last:
        told = f"position {last} is taken, and the last one ever given is said to be {given}"
        findings.add(FindingKind.DAMAGED, told, position=last)


def check_order(
    connection: sqlite3.Connection, findings: Findings, explained: Collection[int | None]
) -> None:
    """Every entry follows the one before it in its chain, by number, hash and position; those at
    the positions ``explained`` follow on an archived one."""
    for row in connection.execute(_BREAKS.sqlite.sql, _BREAKS.sqlite.bind()):
        chain, seq, position, kind, earlier, same, below = row
        entry_named = named(chain, seq, position, kind)
        if position in findings.altered or position in explained:
            continue
        if earlier is None:
            first = below + 1 if isinstance(below, int) else 1
            lost = _range(first, seq - 1) if seq != 1 else "before it"
            told = f"entry {lost} of {chain} was removed: {entry_named} has no predecessor"
            findings.add(FindingKind.REMOVED, told, chain, first if seq != 1 else seq)
        elif earlier >= position or (not same and earlier not in findings.altered):
            told = f"{entry_named} does not follow the entry it was recorded after (position "
            told += f"{earlier}): entries were reordered, or that one was replaced"
            findings.add(FindingKind.REORDERED, told, chain, seq, position)


def check_heads(
    connection: sqlite3.Connection, findings: Findings, explained: Collection[str]
) -> None:
    """Every chain ends where its head says; those ``explained`` end with an archived entry."""
    for row in connection.execute(_HEADS_WITHOUT.sqlite.sql, _HEADS_WITHOUT.sqlite.bind()):
        chain, seq, position, kind, last = row
        if chain in explained:
            continue
        if position is None:
            told = f"{chain} was cut off: its head is entry {seq}, its last entry {last or 'none'}"
            findings.add(FindingKind.TRUNCATED, told, chain, seq)
        elif position not in findings.altered:
            told = f"{named(chain, seq, position, kind)} is not the one that its chain's head names"
            findings.add(FindingKind.CHANGED, told, chain, seq, position)
    for chain, seq, position, kind in connection.execute(_BEYOND_HEADS.sqlite.sql):
        if position not in findings.altered:
            told = f"{named(chain, seq, position, kind)} stands beyond the head of its chain"
            findings.add(FindingKind.INSERTED, told, chain, seq, position)


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"
