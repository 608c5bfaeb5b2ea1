"""Gaps: entries that are missing where whoever follows the record comes by.

Entries are numbered without a gap, in the order of their commits, on every database, and whatever
is archived is told by the record. So where a number is missing beyond that, an entry was removed
behind the gateway's back, and nobody will be told of what it announced.
"""

import logging
from collections.abc import Iterator, Sequence

from gateway.model.entry import Entry
from gateway.model.ports import Records
from gateway.telemetry import metrics

_MOST_TOLD = 1000
"""So many gaps are told of by a process."""

_log = logging.getLogger("gateway.events")

_told: set[tuple[int, int]] = set()


def tell_gaps(records: Records, after: int, entries: Sequence[Entry]) -> None:
    """Tell of what is missing in a page of ``entries`` that was read behind the position ``after``,
    unless it may have been archived; of each gap once in a process."""
    if not entries or entries[-1].position - after == len(entries):
        return
    for gap in _missing(max(after, records.archived_through(after)), entries):
        if gap in _told or len(_told) >= _MOST_TOLD:
            continue
        _told.add(gap)
        metrics.gaps.add()
        _log.error(
            "the record lacks the entries %d to %d: they were removed, and nobody is told of them; "
            "run gateway audit verify",
            *gap,
        )


def _missing(after: int, entries: Sequence[Entry]) -> Iterator[tuple[int, int]]:
    """The first and the last position of each stretch behind ``after`` of which no entry is."""
    for entry in entries:
        if entry.position > after + 1:
            yield after + 1, entry.position - 1
        after = max(after, entry.position)
