"""How many durable entries a second the journal takes, and how long a read lasts.

Run: ``python -m tests.bench.bench_journal [--profile]``
"""

import asyncio
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from gateway.journal import SqliteJournal
from gateway.model.ports import Tx
from tests.contract.journal_story import WORKSPACE, Story

WRITERS = 64
ROUNDS = 200


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def say(text: str) -> None:
    print(text)  # a bench prints


async def writing(journal: SqliteJournal, number: int, times: list[float]) -> None:
    """Step attempts of one run: each unit fences, then appends two entries."""
    story = Story(f"{number:032x}")

    def prepare(tx: Tx) -> None:
        for entry in story.until_started("a"):
            tx.append(entry)
        tx.enlist(story.run_id, story.execution_id)
        tx.claim(story.run_id, "me", "2999-01-01T00:00:00.000000Z")

    def attempt(tx: Tx) -> None:
        tx.fence(story.run_id, 1, "2999-01-01T00:00:00.000000Z")
        tx.append(story.dispatched("a"))
        tx.append(story.completed("a"))

    await journal.write(prepare)
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        await journal.write(attempt)
        times.append(time.perf_counter() - begun)


async def main() -> None:
    with tempfile.TemporaryDirectory(dir=".") as folder:
        journal = await SqliteJournal.open(
            Path(folder, "gateway.db"), clock=SystemClock(), writer="w"
        )
        times: list[float] = []
        begun = time.perf_counter()
        await asyncio.gather(*(writing(journal, n, times) for n in range(WRITERS)))
        lasted = time.perf_counter() - begun
        entries = WRITERS * (ROUNDS * 2 + 4)
        times.sort()
        say(f"{entries / lasted:,.0f} entries/s, {len(times) / lasted:,.0f} units/s")
        middle, slow = times[len(times) // 2], times[-len(times) // 100]
        say(f"unit p50 {middle * 1e3:.2f} ms, p99 {slow * 1e3:.2f} ms")
        begun = time.perf_counter()
        for _ in range(5_000):
            await journal.read(lambda records: records.execution(WORKSPACE, f"exec_{1:032x}"))
        say(f"read round trip {(time.perf_counter() - begun) / 5_000 * 1e6:.0f} us")
        begun = time.perf_counter()
        for _ in range(50):
            query = [
                journal.read(lambda r: r.execution(WORKSPACE, f"exec_{1:032x}")) for _ in range(64)
            ]
            await asyncio.gather(*query)
        say(f"64 reads at once {(time.perf_counter() - begun) / 3_200 * 1e6:.0f} us each")
        lone = time.perf_counter()
        for _ in range(300):
            await journal.write(lambda tx: tx.wake("none"))
        say(f"lone write {(time.perf_counter() - lone) / 300 * 1e6:.0f} us")
        await journal.close()


if __name__ == "__main__":
    if "--profile" in sys.argv:
        import cProfile
        import threading

        profile = cProfile.Profile()
        run = threading.Thread.run

        def profiled(self: threading.Thread) -> None:
            if self.name == "journal-writer":
                profile.runcall(run, self)
            else:
                run(self)

        threading.Thread.run = profiled  # type: ignore[method-assign]
        asyncio.run(main())
        profile.print_stats("tottime")
    else:
        asyncio.run(main())
