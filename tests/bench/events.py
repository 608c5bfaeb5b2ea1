"""Events: a hundred subscribers against one, and the list against a plain read of the entries."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from gateway.app import Gateway
from gateway.model.event import EventFilter
from gateway.model.json import decode
from tests.bench.figures import Figure, against
from tests.bench.world import FIVE_STEPS, OLGA, bench_gateway, call, run

SUBSCRIBERS = 100
RUNS = 100
LISTED = 1_000
PAGE = 200
REPEATS = 5
_ENTRIES = "SELECT * FROM entry WHERE position <= ? ORDER BY position"
_COMPLETED = "controlPlane.execution.completed"


async def event_figures(folder: Path) -> list[Figure]:
    """Follow runs as they happen, alone and as one of many, and list their events."""
    async with bench_gateway(folder) as gateway:
        alone = await _followed(gateway, 1)
        many = await _followed(gateway, SUBSCRIBERS)
        listed, entries = await _listed(gateway)
        read = await asyncio.to_thread(_read, gateway.settings.database_path, entries)
    return [
        against(f"events delivered to {SUBSCRIBERS} subscribers", many, "events/s",
                "one subscriber to as many runs", alone),
        against(f"event.list, {LISTED} events in pages of {PAGE}", LISTED / listed, "events/s",
                f"the same {entries} entries read and decoded", LISTED / read),
    ]  # fmt: skip


async def _followed(gateway: Gateway, count: int) -> float:
    """Events a second that ``count`` subscribers receive while runs are made."""
    feed = gateway.feed
    followers = [feed.subscribe(OLGA, EventFilter(), None) for _ in range(count)]
    for follower in followers:
        await follower.start()

    async def follow(number: int) -> int:
        received = completed = 0
        async for event in followers[number]:
            received += 1
            completed += event["type"] == _COMPLETED
            if completed == RUNS:
                break
        await followers[number].aclose()
        return received

    began = time.perf_counter()
    received, *_ = await asyncio.gather(
        asyncio.gather(*map(follow, range(count))),
        *(run(gateway, FIVE_STEPS) for _ in range(RUNS)),
    )
    return sum(received) / (time.perf_counter() - began)


async def _listed(gateway: Gateway) -> tuple[float, int]:
    """Seconds for ``LISTED`` events from the first on, and how many entries those came from."""
    took, cursor = [], ""
    for _ in range(REPEATS):
        began, found, after = time.perf_counter(), 0, {}
        while found < LISTED:
            page = await call(gateway, OLGA, "controlPlane.event.list", {"limit": PAGE, **after})
            found, after = found + len(page["items"]), {"after": page["cursor"]}
        took.append(time.perf_counter() - began)
        cursor = page["cursor"]
    return min(took), int(cursor.partition(".")[0])


def _read(database: Path, entries: int) -> float:
    """Seconds to read that many entries as rows, with their bodies decoded."""
    took = []
    with closing(sqlite3.connect(database)) as connection:
        for _ in range(REPEATS):
            began = time.perf_counter()
            rows = connection.execute(_ENTRIES, (entries,)).fetchall()
            for row in rows:
                decode(row[9])
            took.append(time.perf_counter() - began)
    return min(took)
