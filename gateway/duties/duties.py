"""Duties: begun where this process leads, and ended where it leads no more."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from gateway.duties.leadership import Leadership
from gateway.model.tasks import cancelled

INTERVAL = 1.0
"""Seconds between two questions whether this process leads."""

_TROUBLE = 5.0
"""Seconds after which duties that could not begin are begun again."""

_END_SECONDS = 10.0
"""Seconds that duties may take to end."""

Begin = Callable[[AsyncExitStack], Awaitable[None]]
"""Begins duties and puts on the stack what ends them."""

_log = logging.getLogger(__name__)


class Duties:
    """What only the leader does. Between ``start`` and ``stop`` it is begun and ended as often as
    the lead changes; only one beginning or end is under way at a time."""

    def __init__(self, leadership: Leadership, begin: Begin, interval: float = INTERVAL) -> None:
        self._leadership = leadership
        self._begin = begin
        self._interval = interval
        self._leads = False
        self._stack: AsyncExitStack | None = None
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def are_here(self) -> bool:
        """Whether this process has the duties, and has begun them."""
        return self._stack is not None

    async def start(self) -> None:
        """Ask once whether this process leads, and keep asking."""
        await self._ask()
        self._tasks = [
            asyncio.create_task(self._keep_asking(), name="duties-leadership"),
            asyncio.create_task(self._keep_acting(), name="duties"),
        ]

    async def stop(self) -> None:
        """End the duties, then let another process have them."""
        await cancelled(*self._tasks)
        self._tasks = []
        await self._end()
        await self._leadership.resign()

    async def _ask(self) -> None:
        leads = await self._leadership.holds()
        if leads != self._leads:
            self._leads = leads
            self._changed.set()

    async def _keep_asking(self) -> None:
        # Beside what begins and ends, however long that takes: a leader that asks nothing loses the
        # lead.
        while True:
            await asyncio.sleep(self._interval)
            await self._ask()

    async def _keep_acting(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            if not self._leads:
                await self._end()
            elif self._stack is None and not await self._begun():
                await asyncio.sleep(_TROUBLE)
                self._changed.set()

    async def _begun(self) -> bool:
        stack = AsyncExitStack()
        try:
            await self._begin(stack)
        except BaseException as error:
            self._stack = stack
            await self._end()
            if not isinstance(error, Exception):
                raise
            _log.exception("the duties could not begin; they are begun again")
            return False
        self._stack = stack
        _log.info("this process has the duties that only one has")
        return True

    async def _end(self) -> None:
        stack, self._stack = self._stack, None
        if stack is None:
            return
        try:
            async with asyncio.timeout(_END_SECONDS):
                await stack.aclose()
        except Exception:
            _log.exception("duties did not end as they should")
        _log.info("this process has no duties that only one has")
