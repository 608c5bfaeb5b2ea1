"""Complete five-step runs a second, durable on PostgreSQL, against one commit for each write."""

import asyncio
import time
from pathlib import Path

from gateway.journal.postgres.copying import copied
from tests.bench.baseline import postgres_baseline_rate, writes_of_a_run
from tests.bench.figures import Figure, against, percentile
from tests.bench.world import FIVE_STEPS, OLGA, bench_gateway, call, prepared
from tests.postgres import Postgres

RUNS = 600
BASELINE_RUNS = 100
IN_FLIGHT = 16


async def postgres_durable_figures(folder: Path) -> list[Figure]:
    """Measure complete runs on PostgreSQL and the baseline."""
    server = Postgres()
    server.start()
    try:
        return await _figures(folder, server)
    finally:
        server.remove()


async def _figures(folder: Path, server: Postgres) -> list[Figure]:
    latencies: list[float] = []
    url = server.create()
    async with bench_gateway(folder, database_url=url) as gateway:
        gate = asyncio.Semaphore(IN_FLIGHT)

        async def one() -> None:
            async with gate:
                ids = await prepared(gateway, FIVE_STEPS)
                began = time.perf_counter()
                started = await call(gateway, OLGA, "controlPlane.execution.start", ids)
                await gateway.loop.dispatcher.settled(started["runId"])
                latencies.append(time.perf_counter() - began)

        await asyncio.gather(*(one() for _ in range(IN_FLIGHT * 2)))
        latencies.clear()
        began = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(RUNS)))
        rate = RUNS / (time.perf_counter() - began)
    with copied(url) as path:
        writes, ids = writes_of_a_run(path)
    slow = await postgres_baseline_rate(
        server.create(), writes, ids, runs=BASELINE_RUNS, in_flight=IN_FLIGHT
    )
    return [
        against(
            f"complete five-step runs on PostgreSQL, {IN_FLIGHT} in flight",
            rate,
            "runs/s",
            f"the same {len(writes)} writes, one SQLAlchemy commit each",
            slow,
        ),
        Figure("PostgreSQL: start -> completed, p50", percentile(latencies, 0.5) * 1e3, "ms"),
        Figure("PostgreSQL: start -> completed, p99", percentile(latencies, 0.99) * 1e3, "ms"),
    ]
