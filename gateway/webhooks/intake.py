"""Intake: from new entries of the journal to deliveries in the queue.

A transactional outbox: the deliveries of a page of entries and the positions behind it are stored
as one unit of work. Whatever happens, an event is either still before the position or in the
queue, and since a delivery's id follows from its event, storing it twice changes nothing.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.events import tell_gaps
from gateway.model.delivery import Delivery, delivery_id
from gateway.model.entry import Entry, EntryType
from gateway.model.event import Announcement
from gateway.model.ports import Journal, Records, Tx
from gateway.webhooks.endpoint import Endpoint, Roster

PAGE = 200
"""How many entries are looked at in one go."""

_log = logging.getLogger(__name__)

Announce = Callable[[Records, Sequence[Entry]], Sequence[Announcement]]
"""The events of some entries, in order; the same whenever it is asked."""


@dataclass(frozen=True, slots=True)
class _Page:
    """What was read: the endpoints that take it, with their positions, the events behind these, and
    where the page ends; ``behind`` is where the last of all endpoints is once they took it."""

    positions: dict[Endpoint, int]
    events: tuple[Announcement, ...]
    end: int
    behind: int
    count: int
    replays: bool

    def wanted(self, now: str) -> list[Delivery]:
        """The deliveries that follow, due at once."""
        return [
            _delivery(endpoint, event, now)
            for event in self.events
            for endpoint, position in self.positions.items()
            if event.position > position and endpoint.wants(event)
        ]


class Intake:
    """Queues what the endpoints in service want; ``queued`` is called when something is due."""

    def __init__(
        self, journal: Journal, roster: Roster, announce: Announce, queued: Callable[[], None]
    ) -> None:
        self._journal = journal
        self._roster = roster
        self._announce = announce
        self._queued = queued
        self._turn = 0

    async def open(self, endpoints: Sequence[Endpoint]) -> None:
        """Let new endpoints begin at the present end of the journal.

        Those that are held back too: they get what they miss from here on, once they are enabled.
        """

        def unit(tx: Tx) -> None:
            end = tx.last_position()
            for endpoint in endpoints:
                tx.open_webhook(endpoint.workspace, endpoint.id, end)

        await self._journal.write(unit)

    async def take(self) -> int:
        """Queue the deliveries of a page of entries; returns the position up to which every
        endpoint has come.

        Endpoints that are at different places have their pages in turn, so that one that has much
        to catch up with holds up no other.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when it could not be stored; nothing of it is then.
        """
        page = await self._journal.read(self._read)
        if page.count:
            await self._journal.write(lambda tx: _store(tx, page))
        if page.replays or page.events:
            self._queued()
        return page.behind

    def _read(self, records: Records) -> _Page:
        positions: dict[Endpoint, int] = {}
        for endpoint in self._roster.serving():
            position = records.webhook_position(endpoint.workspace, endpoint.id)
            if position is not None:
                positions[endpoint] = position
        places = sorted({*positions.values()}) or [records.last_position()]
        self._turn += 1
        start = places[self._turn % len(places)]
        entries = records.entries_after(start, PAGE)
        tell_gaps(records, start, entries)
        end = entries[-1].position if entries else start
        return _Page(
            positions={one: position for one, position in positions.items() if position >= start},
            events=tuple(self._announce(records, entries)),
            end=end,
            behind=end if start == places[0] else places[0],
            count=len(entries),
            replays=any(entry.type is EntryType.WEBHOOK_REPLAYED for entry in entries),
        )


def _store(tx: Tx, page: _Page) -> None:
    """One unit of work: the deliveries, and every endpoint behind the page."""
    tx.queue_deliveries(page.wanted(tx.now))
    for endpoint, position in page.positions.items():
        if position < page.end:
            tx.move_webhook(endpoint.workspace, endpoint.id, position, page.end)


def _delivery(endpoint: Endpoint, event: Announcement, now: str) -> Delivery:
    return Delivery(
        id=delivery_id(endpoint.workspace, endpoint.id, event.id),
        workspace=endpoint.workspace,
        endpoint=endpoint.id,
        event_id=event.id,
        position=event.position,
        index=event.index,
        type=event.type,
        execution_id=event.execution_id,
        created_at=now,
        updated_at=now,
        next_at=now,
    )
