"""The five-step plan, interpreted by a workflow of DBOS: a process that prints runs a second.

Every step is one of DBOS's durable steps, those that may run side by side do, and as many
workflows are in flight as the gateway has runs. Nothing else is done: no intent, policy or hash.
"""

import asyncio
import sys
import time
from typing import Any

from dbos import DBOS, DBOSConfig

from tests.bench.world import FIVE_STEPS


@DBOS.step()
async def add(value: dict[str, int]) -> dict[str, int]:
    """The action of the benchmarks."""
    return {"sum": value["left"] + value["right"]}


def _resolved(given: dict[str, Any], outputs: dict[str, dict[str, int]]) -> dict[str, int]:
    def one(value: Any) -> int:
        if isinstance(value, dict):
            key, _, field = value["$from"].partition(".")
            return outputs[key][field]
        return int(value)

    return {name: one(value) for name, value in given.items()}


def _needs(step: dict[str, Any]) -> set[str]:
    inputs = step["input"].values()
    return {value["$from"].partition(".")[0] for value in inputs if isinstance(value, dict)}


@DBOS.workflow()
async def interpret(plan: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Run the steps of a plan, each as soon as what it needs is there."""
    outputs: dict[str, dict[str, int]] = {}
    while len(outputs) < len(plan["steps"]):
        left = [step for step in plan["steps"] if step["key"] not in outputs]
        ready = [step for step in left if _needs(step) <= outputs.keys()]
        given = [_resolved(step["input"], outputs) for step in ready]
        made = await asyncio.gather(*(add(value) for value in given))
        outputs |= {step["key"]: one for step, one in zip(ready, made, strict=True)}
    return outputs


async def _measure(runs: int, in_flight: int) -> float:
    gate = asyncio.Semaphore(in_flight)

    async def one() -> None:
        async with gate:
            handle = await DBOS.start_workflow_async(interpret, FIVE_STEPS)
            await handle.get_result()

    await asyncio.gather(*(one() for _ in range(in_flight)))
    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(runs)))
    return runs / (time.perf_counter() - began)


def _main(url: str, runs: int, in_flight: int) -> None:
    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": url.replace("postgresql://", "postgresql+psycopg://"),
        "run_admin_server": False,
        "log_level": "ERROR",
    }
    DBOS(config=config)
    DBOS.launch()
    rate = asyncio.run(_measure(runs, in_flight))
    DBOS.destroy()
    print(f"rate {rate}")


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
