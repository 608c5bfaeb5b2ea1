"""The process of the clients: reads a job from standard input, makes its traffic, prints a tally.

``closed`` keeps so many visitors at it, each coming again when it is done: so much as the gateway
can. ``open`` lets visitors come at a rate that does not ask whether the gateway can.
"""

import asyncio
import contextlib
import json
import random
import sys
import time
from collections.abc import Coroutine, Iterator
from typing import Any

import uvloop

from tests.load.connections import Connections, GoneError
from tests.load.following import Following
from tests.load.journey import GivenUpError, Tally, Visitor

_PAUSE = 0.5
_MOST_VISITS = 20_000


async def closed(visitor: Visitor, job: dict[str, Any]) -> None:
    """``visitors`` at a time for ``seconds``."""
    until = time.perf_counter() + job["seconds"]

    async def again_and_again() -> None:
        while time.perf_counter() < until:
            if not await visitor.visit():
                await asyncio.sleep(_PAUSE)

    await asyncio.gather(*(again_and_again() for _ in range(job["visitors"])))


async def opened(visitor: Visitor, job: dict[str, Any]) -> None:
    """Visitors at the ``rates`` (pairs of seconds and visits a second), over and over."""
    tasks: set[asyncio.Task[object]] = set()
    began, chance = time.perf_counter(), random.Random(1)  # noqa: S311 - arrivals, no secrets
    for at, is_approval in _arrivals(job, chance):
        wait = began + at - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        if len(tasks) >= _MOST_VISITS:
            visitor.tally.failed["the clients are overrun"] += 1
            continue
        visit: Coroutine[Any, Any, object] = _approved(visitor) if is_approval else visitor.visit()
        task = asyncio.create_task(visit)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)


def _arrivals(job: dict[str, Any], chance: random.Random) -> Iterator[tuple[float, bool]]:
    """When visitors come (seconds from the beginning), and who comes for an approval."""
    at = begins = 0.0
    while True:
        for seconds, rate in job["rates"]:
            while at < begins + seconds:
                if at >= job["seconds"]:
                    return
                yield at, chance.random() < job["approvals"]
                at += chance.expovariate(rate)
            begins += seconds


async def _approved(visitor: Visitor) -> None:
    with contextlib.suppress(GivenUpError):
        parked = await visitor.park()
        await asyncio.sleep(_PAUSE)
        await visitor.approve(parked)


async def probe(visitor: Visitor, job: dict[str, Any]) -> None:
    """Park runs beforehand; then, while others make their load, ask for health and operate."""
    parked = [await visitor.park() for _ in range(int(job["seconds"] / _PAUSE))]
    visitor.tally = Tally()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for number, run in enumerate(parked):
        acts: Coroutine[Any, Any, None] = (
            visitor.approve(run) if number % 2 else visitor.cancel(run)
        )
        with contextlib.suppress(GivenUpError):
            await asyncio.gather(acts, _health(visitor))
        await asyncio.sleep(_PAUSE)


async def _health(visitor: Visitor) -> None:
    for path in ("/healthz", "/readyz"):
        connections = visitor.connections[0]
        try:
            answer = await connections.send(connections.request("GET", path, None))
        except GoneError as error:
            visitor.tally.failed[f"{path}: {error}"] += 1
        else:
            visitor.tally.answered(path, answer)
            if answer.status != 200:
                visitor.tally.failed[f"{path}: {answer.status}"] += 1


async def main() -> None:
    """Do the job."""
    job = json.loads(sys.stdin.readline())
    most = max(1, job["connections"] // len(job["urls"]))
    connections = [Connections(url, most) for url in job["urls"]]
    following = Following(connections[0], job["tokens"]["olga"])
    follow = asyncio.create_task(following.follow())
    begun = asyncio.create_task(following.begun.wait())
    await asyncio.wait({begun, follow}, return_when=asyncio.FIRST_COMPLETED)
    if follow.done():
        follow.result()
    visitor = Visitor(connections, job["tokens"], following, Tally())
    shapes = {"closed": closed, "open": opened, "probe": probe}
    spent = time.process_time()
    await shapes[job["shape"]](visitor, job)
    follow.cancel()
    wall = time.perf_counter() - visitor.tally.began
    told = {**vars(visitor.tally), "wall": wall, "reconnects": following.reconnects}
    told["cpu"] = (time.process_time() - spent) / wall
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
