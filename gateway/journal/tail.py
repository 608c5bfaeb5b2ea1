"""The tail: where the record ends, and who waits for it to grow.

The writer numbers entries in the order in which it commits them, and says so only after the
commit. So whoever has read up to a position and waits for ``moved`` behind it misses nothing: no
entry can still come before one that is already there.
"""

import asyncio

from gateway.journal.worker import closed


class Tail:
    """The position of the newest durable entry, as the event loop knows it."""

    __slots__ = ("_closed", "_grown", "_loop", "_position")

    def __init__(self, loop: asyncio.AbstractEventLoop, position: int) -> None:
        self._loop = loop
        self._position = position
        self._grown = asyncio.Event()
        self._closed = False

    def committed(self, position: int) -> None:
        """The entries up to ``position`` are durable. Called in the writer's thread."""
        try:
            self._loop.call_soon_threadsafe(self._reached, position)
        except RuntimeError:  # the loop was closed without closing the journal: nobody waits
            return

    async def moved(self, after: int) -> None:
        """Return once an entry behind ``after`` is durable; waiting costs nothing.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE once the record is closed and ends at ``after``.
        """
        while self._position <= after:
            if self._closed:
                raise closed()
            await self._grown.wait()

    def close(self) -> None:
        """Nothing will be added any more: let go whoever waits."""
        self._closed = True
        self._tell()

    def _reached(self, position: int) -> None:
        self._position = max(self._position, position)
        self._tell()

    def _tell(self) -> None:
        told, self._grown = self._grown, asyncio.Event()
        told.set()
