"""When the entries of a record were made: the earliest and the latest moment of each block.

Entries lie in the order of time only as far as no clock was wrong. One that was a year ahead for a
while leaves entries among which nothing can be found by halving. What each block of
positions spans is true whatever clocks did: a scan that passes over a million entries in a third of
a second, once, for entries never change. They may be archived, though: then what is left tells.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from sqlalchemy import bindparam, func, literal_column, select

from gateway.journal.session import Row
from gateway.journal.statement import Statement
from gateway.journal.tables import entry

_BLOCK = 4_096
"""Positions in a block."""

_AT_ONCE = 64
"""Blocks that one statement reads: some tenths of a second."""

Read: TypeAlias = Callable[..., list[Row]]
"""Runs a statement with values on one snapshot of the record, or on several one after the other."""

Extent: TypeAlias = tuple[str, str]
"""The earliest and the latest stamp of a block."""

_WITHIN = (
    entry.c.position >= bindparam("first_position"),
    entry.c.position <= bindparam("last_position"),
)
_block = ((entry.c.position - literal_column("1")) // bindparam("block_size")).label("block")
_EXTENTS = Statement(
    select(_block, func.min(entry.c.at), func.max(entry.c.at), func.count())
    .where(*_WITHIN)
    .group_by("block")
)
_FIRST = Statement(
    select(func.min(entry.c.position)).where(*_WITHIN, entry.c.at >= bindparam("since"))
)
_LAST = Statement(
    select(func.max(entry.c.position)).where(*_WITHIN, entry.c.at < bindparam("until"))
)


class Times:
    """What is known of the blocks of one record, whoever asked. Thread-safe.

    Blocks of which entries are missing are read each time: those may come, or be put back.
    """

    def __init__(self) -> None:
        self._known: dict[int, Extent] = {}
        self._lock = threading.Lock()

    def first_from(self, read: Read, last: int, moment: str) -> int | None:
        """The first position whose entry was made at a stamp or later, as ``read`` has it."""
        blocks = self._blocks(read, last)
        those = (number for number, (_, latest) in blocks if latest >= moment)
        return self._found(read, _FIRST, those, since=moment)

    def last_before(self, read: Read, last: int, moment: str) -> int | None:
        """The last position whose entry was made before a stamp."""
        blocks = [*self._blocks(read, last)]
        those = (number for number, (earliest, _) in reversed(blocks) if earliest < moment)
        return self._found(read, _LAST, those, until=moment)

    def _blocks(self, read: Read, last: int) -> Iterator[tuple[int, Extent]]:
        """The blocks up to the position ``last`` that hold entries, in order."""
        blocks = -(-last // _BLOCK)
        for start in range(0, blocks, _AT_ONCE):
            numbers = range(start, min(start + _AT_ONCE, blocks))
            with self._lock:
                known = {one: self._known[one] for one in numbers if one in self._known}
            if len(known) < len(numbers):
                missing = [one for one in numbers if one not in known]
                known |= self._read(read, missing[0], missing[-1])
            yield from sorted(known.items())

    def _read(self, read: Read, first: int, last: int) -> Mapping[int, Extent]:
        rows = read(_EXTENTS, block_size=_BLOCK, **_window(first, last))
        with self._lock:
            for number, earliest, latest, count in rows:
                if count == _BLOCK:
                    self._known[number] = (earliest, latest)
        return {number: (earliest, latest) for number, earliest, latest, _ in rows}

    def _found(
        self, read: Read, statement: Statement, blocks: Iterator[int], **moment: str
    ) -> int | None:
        """The position that a statement finds in the first of some blocks that still has one."""
        for block in blocks:
            ((position,),) = read(statement, **_window(block, block), **moment)
            if position is not None:
                return int(position)
            with self._lock:
                self._known.pop(block, None)  # what it spanned was archived
        return None


def _window(first: int, last: int) -> dict[str, int]:
    return {"first_position": first * _BLOCK + 1, "last_position": last * _BLOCK + _BLOCK}
