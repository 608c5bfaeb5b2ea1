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
from gateway.journal.verify_archives import Archives, Follower
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


Wanted: TypeAlias = dict[Hash, list[Follower]]
"""What follows on entries that are not there, by the leaf of each of these."""


def scan_entries(
    connection: sqlite3.Connection,
    findings: Findings,
    tree: TreeCheck,
    archives: Archives,
    done: Callable[[int], None],
) -> Wanted:
    """Check every entry; ``done`` is told how many have been. Returns what must follow on archived
    entries, and does so by their leaves."""
    scan = _Scan(findings, tree, archives)
    rows = connection.execute(ENTRIES_IN_ORDER.sqlite.sql)
    count = 0
    while batch := rows.fetchmany(_BATCH):
        scan.take(batch)
        count += len(batch)
        done(count)
    tree.finish()
    scan.compare_heads(connection)
    explained = archives.explained(scan.wanted)
    check_end(connection, findings)
    if scan.has_gaps:
        check_positions(connection, findings, archives.kept)
    if scan.is_out_of_order or len(explained) < sum(map(len, scan.wanted.values())):
        check_order(connection, findings, {one.position for one in explained})
        heads = {one.chain for one in explained if one.position is None}
        check_heads(connection, findings, heads)
    return scan.wanted


class _Scan:
    """What the pass remembers: the head of each chain as far as it came, and what follows on
    entries that are archived (``wanted``)."""

    def __init__(self, findings: Findings, tree: TreeCheck, archives: Archives) -> None:
        self.is_out_of_order = False
        self.has_gaps = False
        self.wanted: Wanted = {}
        self._last = 0
        self._findings = findings
        self._tree = tree
        self._archives = archives
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
                self._want(before[0], chain, seq, previous, position)
                if not isinstance(seq, int):  # what a stranger left there: it counts as the next
                    self._tell_changed(row)
                    seq = before[0] + 1
            heads[chain] = (seq, own)
            if position != last + 1:
                self._tree.add(leaves)
                leaves = []
                self._skip_to(last, position)
            if position > 0 and not self._is_tree_over:
                leaves.append(leaf)
            last = position
        self._last = last
        self._tree.add(leaves)

    def compare_heads(self, connection: sqlite3.Connection) -> None:
        """Note whether the chains do not end where their heads say."""
        for chain, seq, own in connection.execute("SELECT chain, seq, hash FROM chain_head"):
            known = self._heads.pop(chain, _NO_HEAD)
            if known != (seq, own):
                self._want(known[0], chain, seq + 1 if isinstance(seq, int) else seq, own, None)
        if self._heads:
            self.is_out_of_order = True

    def _want(self, known: Any, chain: Any, seq: Any, previous: Any, place: int | None) -> None:
        """What stands before is not the entry that was: it is archived, or something is wrong."""
        try:
            if self._archives.absent and known < seq - 1:
                leaf = leaf_hash(bytes.fromhex(previous))
                self.wanted.setdefault(leaf, []).append(Follower(chain, seq - 1, place))
                return
        except (ValueError, TypeError):  # what a stranger left there
            pass
        self.is_out_of_order = True

    def _skip_to(self, last: int, position: int) -> None:
        """The positions behind ``last`` are empty: archived, or gone."""
        leaves: list[Hash] = []
        last = max(last, 0)  # what stands before the first position is in no tree
        for empty in range(last + 1, min(position, self._archives.end + 1)):
            if empty in self._archives:
                leaves.append(self._archives.leaf(empty))
            else:
                self.has_gaps = True
                leaves.append(NO_LEAF)
            if len(leaves) == _BATCH:
                self._tree.add(leaves)
                leaves = []
        self._tree.add(leaves)
        if max(last, self._archives.end) + 1 < position or position < 1:
            self.has_gaps = True
        if position > 0:
            self._tree.skip(position)
            self._is_tree_over = self._tree.size != position - 1

    def _leaf(self, row: Row) -> Hash:
        """The leaf of an entry; tells where its content does not fit its hash."""
        chain, seq, form, at, kind, workspace, execution_id, actor, *rest = row[1:]
        body, previous, own = rest
        try:
            fields = [form, chain, seq, previous, at, kind, workspace, execution_id, actor, body]
            found = hashlib.sha256(orjson.dumps(fields)).digest()
            if found.hex() == own:
                return leaf_hash(found)
        except TypeError:  # bytes, or text that is not UTF-8
            pass
        self._tell_changed(row)
        try:
            return leaf_hash(bytes.fromhex(own))
        except (ValueError, TypeError):
            return NO_LEAF

    def _tell_changed(self, row: Row) -> None:
        position, chain, seq, _, _, kind, *_ = row
        self._findings.altered.add(position)
        told = f"{named(chain, seq, position, kind)} was changed after it was recorded"
        self._findings.add(FindingKind.CHANGED, told, chain, seq, position)


_NO_HEAD = (0, GENESIS)
