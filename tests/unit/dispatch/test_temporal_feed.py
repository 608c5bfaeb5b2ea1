"""A worker of Temporal: how it ends, and how often it has a run looked at again."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from gateway.dispatch.pool import RunPool
from gateway.dispatch.temporal import TemporalFeed, TemporalSignals
from gateway.dispatch.temporal import feed as feed_module
from gateway.model.claims import DueRun
from gateway.model.execution import Claim
from gateway.model.system import SystemClock
from tests.temporal import Temporal

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

    async def connected(*_: object) -> None:
        """A connection that nobody uses."""

    class Worker:
        def __init__(self, *_: object, **__: object) -> None:
            begun.set()

        async def run(self) -> None:
            await run()

    monkeypatch.setattr(feed_module, "connected", connected)
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


class Here:
    """A dispatcher that begins nothing, and has room for one run of a workspace."""

    def __init__(self) -> None:
        self.pool = RunPool(max_runs=1, ahead=2)

    def submit(self, run: DueRun) -> None:
        self.pool.submit(run)


class Due:
    """A record of runs that nobody holds, and that are due."""

    async def read(self, _: object) -> Claim:
        return Claim("run", "exec", None, 0, None, 1, "2026-03-01T09:30:00.000000Z")


async def test_a_run_for_which_there_is_no_room_is_not_asked_for_again_at_once() -> None:
    here, due = Here(), Due()
    feed: Any = TemporalFeed("nowhere", "default", here, due, SystemClock(), 1)  # type: ignore[arg-type]
    here.submit(DueRun("before", "acme"))
    given = {"run_id": "run", "workspace": "acme", "urgent": False, "lease": 10.0}
    assert await ActivityEnvironment().run(feed.advance, given) >= 1.0


async def healthy(client: Client) -> None:
    """Return once a server that was just started answers."""
    while True:
        try:
            await client.service_client.check_health()
        except RuntimeError:
            await asyncio.sleep(0.1)
        else:
            return


async def test_what_the_library_logs_is_told_as_everything_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its core, which is not Python, would write to standard error by itself."""
    server = Temporal(tmp_path)
    server.start()
    signals = TemporalSignals(server.address, "default", 6.0)
    try:
        await signals.start()
        assert signals._client is not None
        async with asyncio.timeout(60):
            await healthy(signals._client)
    finally:
        server.stop()
    signals.submit(DueRun("run_1", "acme"))
    async with asyncio.timeout(60):
        while not any(one.name.startswith("temporalio") for one in caplog.records):  # noqa: ASYNC110 - a log has no event
            await asyncio.sleep(0.05)
    await signals.stop(0)
    assert "retried" not in capfd.readouterr().err
