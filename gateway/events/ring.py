"""The newest announcements of this process, shared by everybody who follows them."""

from bisect import bisect_right
from itertools import islice

from gateway.events.pages import Page
from gateway.events.selection import Selection
from gateway.model.event import Announcement, Cursor
from gateway.model.json import encode

MAX_EVENTS = 2_048
"""How many announcements the ring holds at most."""

MAX_BYTES = 8 * 1024 * 1024
"""How many bytes of payload the ring holds at most, the newest page not counted."""


class Ring:
    """Everything that was announced behind ``floor`` up to ``end``; bounded."""

    __slots__ = ("_bytes", "_events", "_places", "_sizes", "end", "floor")

    def __init__(self, start: Cursor) -> None:
        self.floor = start
        self.end = start
        self._events: list[Announcement] = []
        # Plain tuples: every subscriber looks for his place at each event.
        self._places: list[tuple[int, int]] = []
        self._sizes: list[int] = []
        self._bytes = 0

    def add(self, page: Page) -> None:
        """Take in the page behind ``end``; the oldest events go where there are too many."""
        sizes = [len(encode(event.payload)) for event in page.found]
        self._events.extend(page.found)
        self._places.extend((event.position, event.index) for event in page.found)
        self._sizes.extend(sizes)
        self._bytes += sum(sizes)
        self.end = page.end
        if len(self._events) > MAX_EVENTS or self._bytes > MAX_BYTES:
            self._drop(keep=len(page.found))

    def _drop(self, keep: int) -> None:
        """Drop the older half, and more where it is heavy, but not the newest ``keep``."""
        count, size = 0, self._bytes
        for weight in islice(self._sizes, len(self._sizes) - keep):
            if len(self._sizes) - count <= MAX_EVENTS // 2 and size <= MAX_BYTES // 2:
                break
            count, size = count + 1, size - weight
        if count:
            self.floor = self._events[count - 1].place
            del self._events[:count], self._places[:count], self._sizes[:count]
            self._bytes = size

    def first(self, after: Cursor, selection: Selection) -> Announcement | None:
        """The first event behind ``after`` that is selected; ``after`` is not before ``floor``."""
        start = bisect_right(self._places, (after.position, after.index))
        for index in range(start, len(self._events)):
            if selection.takes(self._events[index]):
                return self._events[index]
        return None
