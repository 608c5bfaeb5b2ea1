"""What runs cost that wait for a human: memory each, and the CPU of doing nothing."""

import asyncio
import gc
import os
import time
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.world import ASKS, bench_gateway, run

PARKED = 10_000
IN_FLIGHT = 64
IDLE_SECONDS = 5.0


async def parked_figures(folder: Path) -> list[Figure]:
    """Park ``PARKED`` runs on an approval and measure the process."""
    async with bench_gateway(folder) as gateway:
        gate = asyncio.Semaphore(IN_FLIGHT)

        async def one() -> None:
            async with gate:
                await run(gateway, ASKS)

        await asyncio.gather(*(one() for _ in range(200)))
        gc.collect()
        before = _resident_bytes()
        for _ in range(PARKED // 1000):
            await asyncio.gather(*(one() for _ in range(1000)))
        gc.collect()
        grown = _resident_bytes() - before
        await asyncio.sleep(1)
        busy, wall = time.process_time(), time.perf_counter()
        await asyncio.sleep(IDLE_SECONDS)
        idle = (time.process_time() - busy) / (time.perf_counter() - wall)
    return [
        Figure(f"{PARKED} runs parked on approval, memory each", grown / PARKED, "bytes"),
        Figure(f"{PARKED} runs parked on approval, idle CPU", idle * 100, "%"),
    ]


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
