"""Complete five-step runs a second, durable on SQLite, against one commit for each write."""

import asyncio
import time
from pathlib import Path

from tests.bench.baseline import baseline_rate, writes_of_a_run
from tests.bench.figures import Figure, against, percentile
from tests.bench.world import FIVE_STEPS, OLGA, bench_gateway, call, prepared

RUNS = 1500
BASELINE_RUNS = 100
IN_FLIGHT = 64


async def durable_figures(folder: Path) -> list[Figure]:
    """Measure complete runs (intent, compile, verify, start, five steps) and the baseline."""
    latencies: list[float] = []
    async with bench_gateway(folder) as gateway:
        gate = asyncio.Semaphore(IN_FLIGHT)

        async def one() -> None:
            async with gate:
                ids = await prepared(gateway, FIVE_STEPS)
                began = time.perf_counter()
                started = await call(gateway, OLGA, "controlPlane.execution.start", ids)
                await gateway.loop.dispatcher.settled(started["runId"])
                latencies.append(time.perf_counter() - began)

        await asyncio.gather(*(one() for _ in range(IN_FLIGHT)))
        latencies.clear()
        began = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(RUNS)))
        rate = RUNS / (time.perf_counter() - began)
        writes, ids = writes_of_a_run(gateway.settings.database_path)
    slow = await baseline_rate(folder, writes, ids, runs=BASELINE_RUNS, in_flight=IN_FLIGHT)
    return [
        against(
            f"complete five-step runs, {IN_FLIGHT} in flight",
            rate,
            "runs/s",
            f"the same {len(writes)} writes, one SQLAlchemy commit each",
            slow,
        ),
        Figure("start -> completed, p50", percentile(latencies, 0.5) * 1e3, "ms"),
        Figure("start -> completed, p99", percentile(latencies, 0.99) * 1e3, "ms"),
    ]
