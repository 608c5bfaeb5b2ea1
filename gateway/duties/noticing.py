"""Noticing what other processes did: one look at the record soon after it has grown."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from gateway.model.ports import Journal, Records
from gateway.model.tasks import cancelled

PAUSE = 0.1
"""Seconds between two looks at least, however fast the record grows."""

AT_LEAST_EVERY = 5.0
"""Seconds after which is looked although the record has not grown."""

_TROUBLE = 1.0
_log = logging.getLogger(__name__)


class Noticing:
    """Calls ``tell`` whenever what ``glance`` reads is another than before.

    ``glance`` must be cheap. Where ``tell`` fails it is called again, until it does not.
    """

    def __init__(
        self,
        journal: Journal,
        glance: Callable[[Records], object],
        tell: Callable[[], Awaitable[None]],
    ) -> None:
        self._journal = journal
        self._glance = glance
        self._tell = tell
        self._known: object = None
        self._position = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take what is there as known, and follow the record.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when it cannot be read.
        """
        self._position, self._known = await self._journal.read(self._look)
        self._task = asyncio.create_task(self._follow(), name="noticing")

    async def stop(self) -> None:
        """Look no more."""
        await cancelled(self._task)
        self._task = None

    async def _follow(self) -> None:
        while True:
            try:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(AT_LEAST_EVERY):
                        await self._journal.moved(self._position)
                self._position, found = await self._journal.read(self._look)
                if found != self._known:
                    await self._tell()
                    self._known = found
                await asyncio.sleep(PAUSE)
            except Exception as error:  # whatever it was, what others do must not go unnoticed
                _log.warning("looking at what others did failed (%s)", type(error).__name__)
                await asyncio.sleep(_TROUBLE)

    def _look(self, records: Records) -> tuple[int, object]:
        return records.last_position(), self._glance(records)
