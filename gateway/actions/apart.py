"""Exchanges over a shared client, ended in the one way that leaves its pool of connections whole.

httpcore keeps its pool whole where anyio cancels, which spares what is shielded and does not come
between the end of a wait and what follows it. asyncio's own cancellation, that of
``asyncio.timeout`` as well, can come there: a connection then stays in the pool that nobody uses
and nobody closes, until all of them are such.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import anyio

from gateway.model.tasks import look_at

T = TypeVar("T")


async def apart(exchange: Coroutine[Any, Any, T]) -> T:
    """Run an exchange in a task of its own; whoever waits for it may be cancelled at any moment.

    Times are bounded within it, by ``anyio.fail_after`` and ``anyio.move_on_after``.

    Raises:
        asyncio.CancelledError: the caller was cancelled; the exchange is over by then.
    """
    scope = anyio.CancelScope()
    task = asyncio.create_task(_within(scope, exchange))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        scope.cancel()
        await asyncio.wait([task])
        look_at(task)
        raise


async def _within(scope: anyio.CancelScope, exchange: Coroutine[Any, Any, T]) -> T:
    with scope:
        return await exchange
    raise asyncio.CancelledError  # as its caller was
