"""A process that writes to a record on PostgreSQL beside others, and says what was acknowledged.

It says ``ready`` once the record is open, and begins when it is given a line.

Each unit adds to a chain of its own or to one that all processes share, and counts there from what
it read: so a unit that decided on a state that was no longer true leaves a number twice.
"""

import asyncio
import json
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gateway.journal.postgres import PostgresJournal
from gateway.model.entry import EntryType, NewEntry
from gateway.model.ports import Tx
from gateway.model.problem import ProblemError
from gateway.model.system import SystemClock

T = TypeVar("T")

SHARED = 4
"""How many executions all processes write to."""

_ALONE_EVERY = 50


def _counting(tx: Tx, execution_id: str, who: str, number: int) -> int:
    seen = len(tx.entries(execution_id)) - 1
    body = {"count": seen, "who": who, "number": number}
    tx.append(NewEntry(EntryType.RUN_CLAIMED, "acme", body, execution_id, who))
    return seen


async def _insisting(journal: PostgresJournal, unit: Callable[[Tx], T]) -> T:
    """Write a unit, again while the record is away: a refusal says that nothing was written."""
    while True:
        try:
            return await journal.write(unit)
        except ProblemError as error:
            if error.problem.code != "SERVICE_UNAVAILABLE":
                raise


async def _main(url: str, who: str, units: int, seed: int) -> None:
    randomly = random.Random(seed)  # noqa: S311 - a schedule
    folder = Path(tempfile.mkdtemp(prefix="gateway-child-"))
    journal = await PostgresJournal.open(url, data_dir=folder, clock=SystemClock())
    print("ready", flush=True)  # noqa: T201 - to whoever started this
    await asyncio.to_thread(sys.stdin.readline)

    async def one(number: int) -> None:
        execution_id = f"exec_{randomly.randrange(SHARED)}"
        if number % _ALONE_EVERY == _ALONE_EVERY - 1:
            entry = NewEntry(EntryType.RETENTION_SWEPT, "acme", {"cause": who, "keys": []})
            await _insisting(journal, lambda tx: tx.append(entry))
            return
        seen = await _insisting(journal, lambda tx: _counting(tx, execution_id, who, number))
        sys.stdout.write(json.dumps([execution_id, seen, who, number]) + "\n")
        sys.stdout.flush()

    in_flight = asyncio.Semaphore(16)

    async def bounded(number: int) -> None:
        async with in_flight:
            await one(number)

    await asyncio.gather(*(bounded(number) for number in range(units)))
    await journal.close()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
