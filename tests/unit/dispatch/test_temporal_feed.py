"""A worker of Temporal that does not end as it should does not keep the process."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.dispatch.temporal import TemporalFeed
from gateway.dispatch.temporal import feed as feed_module
from gateway.model.system import SystemClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def fails() -> None:
    """What a worker does that cannot shut down."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        raise RuntimeError("it could not shut down") from None


async def stays() -> None:
    """What a worker does whose workflow is stuck, until it is told a second time."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()


@pytest.mark.parametrize("run", [fails, stays])
async def test_a_worker_that_does_not_end_is_left(
    run: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    class Client:
        @staticmethod
        async def connect(*_: object, **__: object) -> None:
            """A connection that nobody uses."""

    class Worker:
        def __init__(self, *_: object, **__: object) -> None:
            begun.set()

        async def run(self) -> None:
            await run()

    monkeypatch.setattr(feed_module, "Client", Client)
    monkeypatch.setattr(feed_module, "Worker", Worker)
    monkeypatch.setattr(feed_module, "_PARTING", 0.01 if run is stays else 25.0)
    monkeypatch.setattr(feed_module, "_TROUBLE", 0.0)
    nothing: Any = None
    feed = TemporalFeed("nowhere", "default", nothing, nothing, SystemClock(), 1)
    feed.start()
    task = feed._task
    assert task is not None
    await asyncio.wait_for(begun.wait(), 25)
    await asyncio.sleep(0)
    await asyncio.wait_for(feed.stop(), 25)
    await asyncio.wait({task}, timeout=25)
    assert task.done()
