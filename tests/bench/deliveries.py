"""Webhook deliveries to a receiver on this machine, against bare posts to the same receiver."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from gateway.app import Gateway
from gateway.model.delivery import DeliveryFilter, DeliveryStatus
from gateway.model.ports import Page
from gateway.webhooks.sender import PER_ENDPOINT
from tests.bench.figures import Figure, against
from tests.bench.world import FIVE_STEPS, OLGA, bench_gateway, run

RUNS = 150
POSTS = 1_000
_BODY = b"x" * 700
_RECEIVER = Path(__file__).with_name("receiver.py")
_ENDPOINT = """
- id: bench
  workspace: bench
  url: {url}
  secret: ${{secret:BENCH_WEBHOOK}}
  types: ["*"]
"""


async def delivery_figures(folder: Path) -> list[Figure]:
    """Deliver the events of many runs to one endpoint, and post as often without a queue."""
    os.environ["BENCH_WEBHOOK"] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    async with _receiver() as url:
        file = folder.with_suffix(".yaml")
        file.write_text(_ENDPOINT.format(url=url))
        given = {"webhooks": file, "webhook_hosts": ("127.0.0.1:*",)}
        async with bench_gateway(folder, **given) as gateway:
            await asyncio.gather(*(run(gateway, FIVE_STEPS) for _ in range(RUNS)))
            rate = await _drained(gateway)
        bare = await _posted(url)
    name = f"bare posts to the same receiver, {PER_ENDPOINT} at a time"
    return [against("webhook deliveries to one endpoint", rate, "msg/s", name, bare)]


async def _drained(gateway: Gateway) -> float:
    """Deliveries a second until nothing is pending any more; all else is at rest by then."""
    before, began = await _delivered(gateway), time.perf_counter()
    end = await gateway.journal.read(lambda records: records.last_position())
    while True:
        await asyncio.sleep(0.02)
        place = await gateway.journal.read(
            lambda records: records.webhook_position(OLGA.workspace, "bench")
        )
        if place is not None and place >= end and not await _counted(gateway, "pending"):
            break
    return (await _delivered(gateway) - before) / (time.perf_counter() - began)


async def _delivered(gateway: Gateway) -> int:
    return await _counted(gateway, DeliveryStatus.DELIVERED.value)


async def _counted(gateway: Gateway, status: str) -> int:
    which = DeliveryFilter(OLGA.workspace, status)
    _, count = await gateway.journal.read(lambda records: records.deliveries(which, Page(1, 0)))
    return count


async def _posted(url: str) -> float:
    """Posts a second over one client, as many at a time as the gateway sends to an endpoint."""
    gate = asyncio.Semaphore(PER_ENDPOINT)
    async with httpx.AsyncClient() as client:

        async def post() -> None:
            async with gate:
                (await client.post(url, content=_BODY)).raise_for_status()

        await post()
        began = time.perf_counter()
        await asyncio.gather(*(post() for _ in range(POSTS)))
        return POSTS / (time.perf_counter() - began)


@contextlib.asynccontextmanager
async def _receiver() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(_RECEIVER), stdout=asyncio.subprocess.PIPE
    )
    if process.stdout is None:
        raise AssertionError("its output is piped")
    port = int(await process.stdout.readline())
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.kill()
        await process.wait()
