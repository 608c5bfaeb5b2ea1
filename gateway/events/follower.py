"""Following the record: one reader for all subscriptions of this process."""

import asyncio
import contextlib
import logging
import weakref

from gateway.events.pages import read_page
from gateway.events.ring import Ring
from gateway.model.event import Cursor
from gateway.model.ports import Journal
from gateway.model.problem import ProblemError, refuse

PAGE = 256
"""How many entries are read at a time."""

LOOK_AGAIN = 30.0
"""Seconds after which an idle reader looks whether it missed anything: it should never have."""

log = logging.getLogger("gateway.events")


class Follower:
    """Reads each new entry once, as long as anybody follows, and wakes whoever waits.

    ``ring`` holds what was announced of late, ``revision`` is the policy revision in force as far
    as the record was read. Waking tells nothing: whoever wakes looks for himself.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._readers: weakref.WeakSet[object] = weakref.WeakSet()
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._failure: ProblemError | None = None
        self._told: str | None = None
        self.ring = Ring(Cursor(0))
        self.revision: str | None = None
        self.closed = False

    def join(self, reader: object, end: Cursor) -> None:
        """``reader`` follows from now on; one that is forgotten elsewhere has left. ``end`` is
        where the record ended of late: who is behind that must hold up nobody."""
        self._readers.add(reader)
        if self._task is None or self._task.done():
            # No page is needed twice: whoever is behind the ring reads for himself.
            self.ring, self._failure = Ring(end), None
            self._task = asyncio.create_task(self._follow(), name="events-follower")

    def leave(self, reader: object) -> None:
        """``reader`` follows no more; the last one to leave stops the reading."""
        self._readers.discard(reader)

    async def wait(self, after: Cursor) -> None:
        """Return once there may be something behind ``after``, or ``wake`` was called.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when the record cannot be read any more.
        """
        self.require_open()
        if self.ring.end > after:
            return
        if self._failure is not None:
            raise self._failure
        await self._news.wait()

    async def pause(self, seconds: float) -> None:
        """Return at the next news or ``wake``, or after a while.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE after ``close``.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        self.require_open()

    def require_open(self) -> None:
        """Refuse to go on after ``close``.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE.
        """
        if self.closed:
            raise refuse("SERVICE_UNAVAILABLE", "The gateway stops. Subscribe again elsewhere.")

    def wake(self) -> None:
        """Let everybody look again at what they may have."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    def close(self) -> None:
        """End the reading and let everybody go, now. Calling it again changes nothing."""
        self.closed = True
        if self._task is not None:
            self._task.cancel()
        self.wake()

    async def _follow(self) -> None:
        try:
            while self._readers:
                await self._moved()
                await self._read()
        except ProblemError as error:
            self._failure = error
            self.wake()
        except Exception:
            log.exception("The events of the record cannot be followed")
            self._failure = refuse("INTERNAL_ERROR", "The gateway cannot follow its record.")
            self.wake()

    async def _moved(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_AGAIN):
                await self._journal.moved(self.ring.end.position)

    async def _read(self) -> None:
        ring = self.ring
        page = await self._journal.read(lambda records: read_page(records, ring.end, PAGE))
        ring.add(page)
        self.revision = page.revision
        if page.found or page.revision != self._told:
            self._told = page.revision
            self.wake()
