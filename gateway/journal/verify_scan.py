"""One pass over all entries: each hashes to what was recorded with it, follows the one before it in
its chain, and is the leaf that the tree has at its place.

The pass only finds out that something is out of order; what exactly, ``verify_chains`` names.
"""

import hashlib
import sqlite3
from collections.abc import Callable
from typing import Any, TypeAlias

import orjson

from gateway.journal.findings import FindingKind, Findings
from gateway.journal.refold import ENTRIES_IN_ORDER
from gateway.journal.verify_chains import (
    check_end,
    check_heads,
    check_order,
    check_positions,
    named,
)
from gateway.journal.verify_tree import NO_LEAF, TreeCheck
from gateway.model.entry import GENESIS
from gateway.transparency import Hash, leaf_hash

_BATCH = 2_048

Row: TypeAlias = tuple[Any, ...]


def scan_entries(
    connection: sqlite3.Connection,
    findings: Findings,
    tree: TreeCheck,
    done: Callable[[int], None],
) -> None:
    """Check every entry; ``done`` is told how many have been."""
    scan = _Scan(findings, tree)
    rows = connection.execute(ENTRIES_IN_ORDER.sqlite.sql)
    count = 0
    while batch := rows.fetchmany(_BATCH):
        scan.take(batch)
        count += len(batch)
        done(count)
    tree.finish()
    check_end(connection, findings)
    if scan.has_gaps:
        check_positions(connection, findings)
    if scan.is_out_of_order or scan.heads_differ(connection):
        check_order(connection, findings)
        check_heads(connection, findings)


class _Scan:
    """What the pass remembers: the head of each chain as far as it came."""

    def __init__(self, findings: Findings, tree: TreeCheck) -> None:
        self.is_out_of_order = False
        self.has_gaps = False
        self._last = 0
        self._findings = findings
        self._tree = tree
        self._heads: dict[Any, tuple[int, str]] = {}
        self._is_tree_over = False

    def take(self, batch: list[Row]) -> None:
        leaves: list[Hash] = []
        last, heads = self._last, self._heads
        for row in batch:
            position, chain, seq, *_, previous, own = row
            leaf = self._leaf(row)
            before = heads.get(chain, _NO_HEAD)
            if before[0] + 1 != seq or before[1] != previous:
                self.is_out_of_order = True
            heads[chain] = (seq, own)
            if position != last + 1:
                self.has_gaps = True
                self._tree.add(leaves)
                leaves = []
                self._skip_to(position)
            if position > 0 and not self._is_tree_over:
                leaves.append(leaf)
            last = position
        self._last = last
        self._tree.add(leaves)

    def heads_differ(self, connection: sqlite3.Connection) -> bool:
        """Whether the chains do not end where their heads say."""
        for chain, *head in connection.execute("SELECT chain, seq, hash FROM chain_head"):
            if self._heads.pop(chain, None) != tuple(head):
                return True
        return bool(self._heads)

    def _skip_to(self, position: int) -> None:
        if position > 0:
            self._tree.skip(position)
            self._is_tree_over = self._tree.size != position - 1

    def _leaf(self, row: Row) -> Hash:
        """The leaf of an entry; tells where its content does not fit its hash."""
        position, chain, seq, form, at, kind, workspace, execution_id, actor, *rest = row
        body, previous, own = rest
        try:
            fields = [form, chain, seq, previous, at, kind, workspace, execution_id, actor, body]
            found = hashlib.sha256(orjson.dumps(fields)).digest()
            if found.hex() == own:
                return leaf_hash(found)
        except TypeError:  # bytes, or text that is not UTF-8
            pass
        self._findings.altered.add(position)
        told = f"{named(chain, seq, position, kind)} was changed after it was recorded"
        self._findings.add(FindingKind.CHANGED, told, chain, seq, position)
        try:
            return leaf_hash(bytes.fromhex(own))
        except (ValueError, TypeError):
            return NO_LEAF


_NO_HEAD = (0, GENESIS)
