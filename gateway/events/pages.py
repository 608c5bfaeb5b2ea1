"""Reading announcements from the record, page by page."""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.events.derive import announcements, is_announced
from gateway.events.gaps import tell_gaps
from gateway.model.entry import Entry
from gateway.model.event import Announcement, Cursor
from gateway.model.ports import Records


@dataclass(frozen=True, slots=True)
class Page:
    """What a stretch of the record announces.

    Whoever has read it has read up to ``end``; ``is_last`` says that the record ended there.
    ``revision`` is the policy revision in force at that moment.
    """

    found: tuple[Announcement, ...]
    end: Cursor
    is_last: bool
    revision: str | None


def announced(records: Records, entries: Iterable[Entry]) -> list[Announcement]:
    """The events that ``entries`` announce, in order."""
    telling = [entry for entry in entries if is_announced(entry.type)]
    asked = {entry.execution_id for entry in telling if entry.execution_id is not None}
    origins = records.origins(asked) if asked else {}
    found: list[Announcement] = []
    for entry in telling:
        found.extend(announcements(entry, origins.get((entry.workspace, entry.execution_id))))
    return found


def read_page(records: Records, after: Cursor, limit: int, execution_id: str | None = None) -> Page:
    """What the next ``limit`` entries behind ``after`` announce: of all, or of one execution."""
    entries = records.entries_after(after.behind, limit, execution_id)
    if execution_id is None:
        tell_gaps(records, after.behind, entries)
    is_last = len(entries) < limit
    found = [event for event in announced(records, entries) if event.place > after]
    if not is_last:
        end = Cursor(entries[-1].position)
    else:
        end = max(after, Cursor(records.last_position()))
    return Page(tuple(found), end, is_last, records.policy_head())
