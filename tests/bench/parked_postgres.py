"""What 100,000 runs cost on PostgreSQL that wait for a human: their rows, and nothing else.

A few runs are really parked. The others are copies of one's rows: what is measured does not depend
on how they came there, and parking them all would take a quarter of an hour.
"""

import asyncio
from pathlib import Path

import psutil

from tests.bench.crew import Crew, bench_crew
from tests.bench.figures import Figure, at_most
from tests.bench.world import ASKS, OLGA, call, prepared

PARKED = 100_000
REAL = 20
IDLE_SECONDS = 10.0
SMALL_MEMORY = 16.0
SMALL_CPU = 2.0

_TABLES = {
    "execution": ("id", "plan_id", "run_id", "intent_id"),
    "plan": ("id", "execution_id"),
    "step": ("plan_id", "id", "execution_id"),
    "approval": ("id", "execution_id", "step_id"),
    "claim": ("run_id", "execution_id"),
}
"""The tables that hold a parked run, with the columns that name it or a part of it."""


async def parked_postgres_figures(folder: Path) -> list[Figure]:
    """Memory and CPU of a gateway and a worker beside 100,000 parked runs, against none."""
    async with bench_crew(folder, log_level="warning") as crew:
        await crew.hire()
        for _ in range(REAL):
            ids = await prepared(crew.gateway, ASKS)
            await call(crew.gateway, OLGA, "controlPlane.execution.start", ids)
        while crew.ask("SELECT count(*) FROM claim WHERE owner IS NULL") != [(REAL,)]:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.1)
        memory, busy = await _idle(crew)
        size = _size(crew)
        for table, names in _TABLES.items():
            await asyncio.to_thread(_copy, crew, table, names)
        grown = _size(crew) - size
        memory_then, busy_then = await _idle(crew)
    named = f"{PARKED} runs parked on PostgreSQL"
    more, busier = memory_then - memory, busy_then - busy
    return [
        Figure(f"{named}, rows and indexes each", grown / PARKED, "bytes"),
        at_most(Figure(f"{named}, memory of a worker", more, "MB more"), SMALL_MEMORY),
        at_most(Figure(f"{named}, CPU of a worker", busier, "% more"), SMALL_CPU),
    ]


def _size(crew: Crew) -> int:
    sizes = [crew.ask("SELECT pg_total_relation_size(%s::regclass)", table) for table in _TABLES]
    return sum(int(rows[0][0]) for rows in sizes)


def _copy(crew: Crew, table: str, names: tuple[str, ...]) -> None:
    """Copy a parked run's row in this table for each further run."""
    query = "SELECT column_name FROM information_schema.columns WHERE table_name = %s"
    columns = [str(row[0]) for row in crew.ask(f"{query} ORDER BY ordinal_position", table)]
    chosen = ", ".join(
        f"{column} || '-' || number" if column in names else column for column in columns
    )
    crew.change(
        f"INSERT INTO {table} SELECT {chosen} FROM (SELECT * FROM {table} LIMIT 1) one, "  # noqa: S608 - names of ours
        f"generate_series(1, {PARKED}) number"
    )
    crew.change(f"ANALYZE {table}")


async def _idle(crew: Crew) -> tuple[float, float]:
    """The memory (MB) of the worker, and the CPU (%) of it while nothing happens."""
    process = psutil.Process(crew.workers[0].pid)
    await asyncio.sleep(2)
    before = process.cpu_times()
    await asyncio.sleep(IDLE_SECONDS)
    after = process.cpu_times()
    busy = after.user + after.system - before.user - before.system
    return process.memory_info().rss / 1e6, 100 * busy / IDLE_SECONDS
