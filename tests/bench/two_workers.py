"""What a second worker adds, where steps wait for services."""

import asyncio
import time
from pathlib import Path

from gateway.model.execution import RunMode
from gateway.model.json import JsonObject
from gateway.model.ports import Tx
from gateway.runtime import require_execution
from tests.bench.crew import Crew, bench_crew
from tests.bench.figures import Figure, against, at_least
from tests.bench.world import AGENT, FIVE_STEPS, prepared

RUNS = 800
WARM = 64
SLOTS = 16
GOAL = 1.6

WAITING: JsonObject = {
    "steps": [{**step, "contract": "bench.numbers.wait"} for step in FIVE_STEPS["steps"]]
}
"""The plan of five steps, of which each waits 20 ms."""


async def two_worker_figures(folder: Path) -> list[Figure]:
    """Complete five-step runs a second by one worker and by two, steps of 20 ms, 16 slots each."""
    rates = []
    for count in (1, 2):
        async with bench_crew(folder / str(count), max_in_flight_steps=SLOTS) as crew:
            await asyncio.gather(*(crew.hire() for _ in range(count)))
            rates.append(await _rate(crew))
    one, two = rates
    name = f"five steps of 20 ms, two workers of {SLOTS} slots on PostgreSQL"
    return [at_least(against(name, two, "runs/s", "one worker", one), GOAL)]


async def _rate(crew: Crew) -> float:
    """Runs a second from the moment at which they are all started until the last has completed.

    Nothing less: workers have hundreds of runs in hand, which complete together towards the end.
    """
    await _start(crew, await _planned(crew, WARM))
    await _until(crew, WARM)
    planned = await _planned(crew, RUNS)
    began = time.monotonic()
    await _start(crew, planned)
    return RUNS / (await _until(crew, WARM + RUNS) - began)


async def _planned(crew: Crew, count: int) -> list[str]:
    """The ids of so many executions, verified and not started."""
    gate = asyncio.Semaphore(32)

    async def prepare() -> str:
        async with gate:
            return str((await prepared(crew.gateway, WAITING))["executionId"])

    return await asyncio.gather(*(prepare() for _ in range(count)))


async def _start(crew: Crew, planned: list[str]) -> None:
    gateway = crew.gateway
    loop, revision = gateway.loop, gateway.policies.revision

    def started(tx: Tx, execution_id: str) -> None:
        execution = require_execution(tx, AGENT.workspace, execution_id)
        loop.lifecycle.started(tx, execution, RunMode.AUTONOMOUS, "olga", revision)

    units = (lambda tx, name=name: started(tx, name) for name in planned)
    await asyncio.gather(*(gateway.journal.write(unit) for unit in units))


async def _until(crew: Crew, completed: int) -> float:
    """The moment (monotonic) at which so many runs have completed."""
    query = "SELECT count(*) FROM execution WHERE status = 'completed'"
    while True:
        ((count,),) = await asyncio.to_thread(crew.ask, query)
        if count >= completed:
            return time.monotonic()
        await asyncio.sleep(0.02)
