"""The attempts of one run that are under way, and what has come of those that ended."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from gateway.runtime.outcomes import Outcome


class UnderWay:
    """Attempts, each made by a task of its own; ``woken`` is set whenever one ends.

    So whoever advances the run waits for one thing, be it an outcome or a wake-up, and needs
    no further task for it.
    """

    __slots__ = ("_ended", "_tasks", "_woken")

    def __init__(self, woken: asyncio.Event) -> None:
        self._woken = woken
        self._tasks: set[asyncio.Task[Outcome]] = set()
        self._ended: list[asyncio.Task[Outcome]] = []

    def begin(self, attempt: Coroutine[Any, Any, Outcome]) -> None:
        """Make an attempt."""
        task = asyncio.create_task(attempt)
        self._tasks.add(task)
        task.add_done_callback(self._end)

    def cancel(self) -> None:
        """Give up whatever has not ended; nobody is woken for it any more."""
        for task in self._tasks:
            task.remove_done_callback(self._end)
            task.cancel()

    async def outcomes(self, seconds: float | None) -> list[Outcome]:
        """Wait for an attempt to end or for a wake-up, at most ``seconds``; returns what has come
        of the attempts that ended since the last time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        self._woken.clear()
        ended, self._ended = self._ended, []
        return [task.result() for task in ended]

    def _end(self, task: asyncio.Task[Outcome]) -> None:
        self._tasks.discard(task)
        self._ended.append(task)
        self._woken.set()
