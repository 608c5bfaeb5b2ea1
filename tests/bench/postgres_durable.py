"""Complete five-step runs a second, durable on PostgreSQL, against one commit for each write, and
against a workflow engine that interprets the same plan there."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

from gateway.app import Gateway
from gateway.journal.postgres.copying import copied
from gateway.model.json import JsonObject
from tests.bench.baseline import postgres_baseline_rate, writes_of_a_run
from tests.bench.figures import Figure, against, percentile
from tests.bench.world import FIVE_STEPS, OLGA, bench_gateway, call, prepared
from tests.postgres import Postgres
from tests.processes import ROOT

RUNS = 600
SLOW_RUNS = 100
IN_FLIGHT = 16


async def postgres_durable_figures(folder: Path) -> list[Figure]:
    """Measure complete runs on PostgreSQL, one commit for each write, and DBOS."""
    server = Postgres()
    server.start()
    try:
        return await _figures(folder, server)
    finally:
        server.remove()


class _Runs:
    """Five-step runs, so many in flight; what each took from its start on is kept."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._gate = asyncio.Semaphore(IN_FLIGHT)
        self.latencies: list[float] = []

    async def whole(self) -> None:
        """Intent, compile, verify, start, five steps."""
        async with self._gate:
            await self._finish(await prepared(self._gateway, FIVE_STEPS))

    async def from_start(self, ids: JsonObject) -> None:
        """Start and five steps of a run that was verified before."""
        async with self._gate:
            await self._finish(ids)

    async def _finish(self, ids: JsonObject) -> None:
        began = time.perf_counter()
        started = await call(self._gateway, OLGA, "controlPlane.execution.start", ids)
        await self._gateway.loop.dispatcher.settled(started["runId"])
        self.latencies.append(time.perf_counter() - began)


async def _figures(folder: Path, server: Postgres) -> list[Figure]:
    url = server.create()
    async with bench_gateway(folder, database_url=url) as gateway:
        runs = _Runs(gateway)
        await asyncio.gather(*(runs.whole() for _ in range(IN_FLIGHT * 2)))
        runs.latencies.clear()
        began = time.perf_counter()
        await asyncio.gather(*(runs.whole() for _ in range(RUNS)))
        rate = RUNS / (time.perf_counter() - began)
        latencies = list(runs.latencies)
        waiting = [await prepared(gateway, FIVE_STEPS) for _ in range(RUNS)]
        began = time.perf_counter()
        await asyncio.gather(*(runs.from_start(ids) for ids in waiting))
        started_rate = RUNS / (time.perf_counter() - began)
    with copied(url) as path:
        writes, ids = writes_of_a_run(path)
    slow = await postgres_baseline_rate(
        server.create(), writes, ids, runs=SLOW_RUNS, in_flight=IN_FLIGHT
    )
    engine = await asyncio.to_thread(_engine_rate, server.create())
    return [
        against(
            f"complete five-step runs on PostgreSQL, {IN_FLIGHT} in flight",
            rate,
            "runs/s",
            f"the same {len(writes)} writes, one SQLAlchemy commit each",
            slow,
        ),
        against(
            f"verified five-step runs on PostgreSQL from their start on, {IN_FLIGHT} in flight",
            started_rate,
            "runs/s",
            "DBOS interpreting the same plan on the same server, ungoverned",
            engine,
        ),
        Figure("PostgreSQL: start -> completed, p50", percentile(latencies, 0.5) * 1e3, "ms"),
        Figure("PostgreSQL: start -> completed, p99", percentile(latencies, 0.99) * 1e3, "ms"),
    ]


def _engine_rate(url: str) -> float:
    command = [sys.executable, "-m", "tests.bench.dbos_plan", url, str(SLOW_RUNS), str(IN_FLIGHT)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])
