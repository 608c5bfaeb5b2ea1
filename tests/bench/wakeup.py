"""How long a parked run waits for a worker in another process, once it is woken."""

import asyncio
from pathlib import Path

from gateway.model.principal import Principal, PrincipalType
from gateway.model.time import parse
from tests.bench.crew import Crew, bench_crew
from tests.bench.figures import Figure, at_most, percentile
from tests.bench.world import AGENT, ASKS, OLGA, call, prepared

RUNS = 200
GOAL = 20.0
FIONA = Principal(PrincipalType.HUMAN, "fiona", AGENT.workspace, frozenset({"user", "approver"}))

_WAITS = """
SELECT woken.at, sent.at FROM entry woken JOIN entry sent USING (execution_id)
WHERE woken.type = 'approval.voted' AND sent.type = 'step.dispatched'
"""


async def wakeup_figures(folder: Path) -> list[Figure]:
    """From an approval in one process to the dispatch of its step in another, by one clock."""
    async with bench_crew(folder) as crew:
        await crew.hire()
        await crew.hire()
        await _park(crew)
        for execution_id, step_id in crew.ask("SELECT execution_id, step_id FROM approval"):
            asked = {"executionId": execution_id, "stepId": step_id, "approvedBy": "fiona"}
            await call(crew.gateway, FIONA, "controlPlane.execution.approve", asked)
            await asyncio.sleep(0.03)
        await _settle(crew, "SELECT count(*) FROM execution WHERE status = 'completed'")
        waits = [
            (parse(sent) - parse(woken)).total_seconds() * 1e3 for woken, sent in crew.ask(_WAITS)
        ]
    told = "parked run, approved -> sent by another process"
    return [
        at_most(Figure(f"{told}, p50", percentile(waits, 0.5), "ms"), GOAL),
        Figure(f"{told}, p99", percentile(waits, 0.99), "ms"),
    ]


async def _park(crew: Crew) -> None:
    for _ in range(RUNS):
        ids = await prepared(crew.gateway, ASKS)
        await call(crew.gateway, OLGA, "controlPlane.execution.start", ids)
    await _settle(crew, "SELECT count(*) FROM execution WHERE status = 'waiting_approval'")


async def _settle(crew: Crew, query: str) -> None:
    while crew.ask(query) != [(RUNS,)]:  # noqa: ASYNC110 - another process's doing has no event
        await asyncio.sleep(0.05)
