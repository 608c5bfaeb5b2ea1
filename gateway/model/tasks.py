"""Ending tasks that a part of the process keeps running."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, ParamSpec

P = ParamSpec("P")


async def cancelled(*tasks: "asyncio.Task[Any] | None") -> None:
    """Cancel tasks, all of them first, and wait until each has ended; None stands for none.

    Raises:
        Exception: what a task had failed with, or failed with on its way out.
        CancelledError: whoever waits was cancelled meanwhile, which must not look like the end of
            a task.
    """
    begun = [task for task in tasks if task is not None]
    caller = asyncio.current_task()
    before = caller.cancelling() if caller is not None else 0
    for task in begun:
        task.cancel()
    for task in begun:
        with contextlib.suppress(asyncio.CancelledError):
            await task
    if caller is not None and caller.cancelling() > before:
        raise asyncio.CancelledError


async def to_the_end(work: Callable[P, None], /, *args: P.args, **kwargs: P.kwargs) -> None:
    """Do ``work`` in a thread. Whoever is cancelled meanwhile waits for it all the same: a thread
    goes on, and what it writes would come behind what others write next.

    Raises:
        Exception: what ``work`` raises, unless the caller was cancelled.
    """
    working = asyncio.create_task(asyncio.to_thread(work, *args, **kwargs))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        look_at(working)
        raise


def look_at(ended: "asyncio.Future[Any]") -> None:
    """Take note of the end of what nobody waits for, so that asyncio does not complain of it."""
    if not ended.cancelled():
        ended.exception()


async def left(task: "asyncio.Task[Any] | None", seconds: float) -> None:
    """Cancel a task and wait so many seconds for it; one that goes on then is cancelled once more
    and left to the end of the process. None stands for none."""
    if task is not None:
        task.cancel()
        await asyncio.wait({task}, timeout=seconds)
        task.cancel()
