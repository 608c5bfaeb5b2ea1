"""Ending tasks that a part of the process keeps running."""

import asyncio
import contextlib
from typing import Any


async def cancelled(*tasks: "asyncio.Task[Any] | None") -> None:
    """Cancel tasks, all of them first, and wait until each has ended; None stands for none.

    Raises:
        Exception: what a task had failed with, or failed with on its way out.
    """
    begun = [task for task in tasks if task is not None]
    for task in begun:
        task.cancel()
    for task in begun:
        with contextlib.suppress(asyncio.CancelledError):
            await task
