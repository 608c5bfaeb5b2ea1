"""Several dispatchers over one record: fairness, caps, and runs for which there was no room."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.dispatch import EmbeddedDispatcher, Limits
from gateway.dispatch.settling import Settling
from gateway.journal import SqliteJournal
from gateway.model.claims import DueRun
from gateway.model.ports import Tx
from gateway.model.system import SystemClock
from gateway.model.time import after
from tests.contract.journal_story import Story

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    opened = await SqliteJournal.open(tmp_path / "gateway.db", clock=SystemClock(), writer="w")
    yield opened
    await opened.close()


class Worker:
    """A dispatcher whose advance claims a run, holds it for a moment and gives it back for good."""

    def __init__(
        self, journal: SqliteJournal, name: str, seconds: float = 0.005, **limits: int
    ) -> None:
        self.journal = journal
        self.name = name
        self.seconds = seconds
        self.done: list[str] = []
        self.held: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.cap = limits.get("per_workspace")
        given = Limits(**{"max_runs": 4, "ahead": 8} | limits)
        self.dispatcher = EmbeddedDispatcher(journal, SystemClock(), limits=given)

    async def advance(self, run_id: str, woken: asyncio.Event) -> str | None:
        claim = await self.journal.write(
            lambda tx: tx.claim(run_id, self.name, after(tx.now, 10), self.cap)
        )
        if claim is None:
            return None
        workspace = claim.execution_id.split("_")[1]
        self.held[workspace] += 1
        self.most[workspace] = max(self.most[workspace], self.held[workspace])
        await asyncio.sleep(self.seconds)
        self.held[workspace] -= 1
        self.done.append(workspace)
        await self.journal.write(lambda tx: tx.release(run_id, claim.epoch, claim.wake_seq, None))
        return None


async def enlist(journal: SqliteJournal, workspace: str, count: int) -> list[DueRun]:
    stories = [Story(f"{workspace}_{number:03}", workspace) for number in range(count)]

    def unit(tx: Tx) -> None:
        for story in stories:
            tx.append(story.received())
            tx.enlist(story.run_id, story.execution_id)

    await journal.write(unit)
    return [DueRun(story.run_id, workspace) for story in stories]


async def until_done(workers: list[Worker], count: int) -> None:
    async with asyncio.timeout(20):
        while sum(len(worker.done) for worker in workers) < count:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.005)


async def test_what_had_no_room_is_found_in_the_record(journal: SqliteJournal) -> None:
    worker = Worker(journal, "one")
    due = await enlist(journal, "noisy", 100)
    worker.dispatcher.start(worker.advance)
    for run in due:
        worker.dispatcher.submit(run)

    await until_done([worker], 100)

    assert worker.done == ["noisy"] * 100
    await worker.dispatcher.stop(1)


async def test_a_noisy_workspace_does_not_starve_another(journal: SqliteJournal) -> None:
    """Four hundred runs of one workspace are due before the four of another: those are done among
    the first."""
    worker = Worker(journal, "one")
    await enlist(journal, "noisy", 400)
    await enlist(journal, "quiet", 4)
    worker.dispatcher.start(worker.advance)

    await until_done([worker], 60)

    assert worker.done[:60].count("quiet") == 4
    await worker.dispatcher.stop(1)


async def test_a_workspace_never_has_more_runs_than_its_cap_over_all_workers(
    journal: SqliteJournal,
) -> None:
    workers = [Worker(journal, name, per_workspace=3) for name in ("one", "two")]
    noisy, quiet = await enlist(journal, "noisy", 40), await enlist(journal, "quiet", 4)
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, sum(worker.held["noisy"] for worker in workers))
            await asyncio.sleep(0.001)

    watching = asyncio.create_task(watch())
    for worker in workers:
        worker.dispatcher.start(worker.advance)
        for run in (*noisy, *quiet):
            worker.dispatcher.submit(run)
    await until_done(workers, 44)
    watching.cancel()
    for worker in workers:
        await worker.dispatcher.stop(1)

    assert most == 3
    assert Counter(worker for each in workers for worker in each.done) == {"noisy": 40, "quiet": 4}


async def test_a_run_that_another_process_advances_is_awaited(journal: SqliteJournal) -> None:
    settling = Settling(journal, SystemClock())
    await enlist(journal, "w", 1)
    claim = await journal.write(lambda tx: tx.claim("run_w_000", "other", after(tx.now, 60)))
    assert claim is not None
    waits = [asyncio.create_task(settling.settled("run_w_000")) for _ in range(3)]
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in waits)

    await journal.write(lambda tx: tx.release("run_w_000", claim.epoch, claim.wake_seq, None))

    async with asyncio.timeout(25):
        await asyncio.gather(*waits)
        await settling.settled("run_w_000")  # and at once for one that does not move
        await settling.settled("run_nobody")
    await settling.stop()


async def test_nobody_waits_for_ever_for_another_process(journal: SqliteJournal) -> None:
    settling = Settling(journal, SystemClock(), patience=0.05)
    await enlist(journal, "w", 1)
    async with asyncio.timeout(25):
        await settling.settled("run_w_000")
    await settling.stop()


async def test_while_the_record_is_late_few_runs_are_under_way_and_all_are_done(
    journal: SqliteJournal,
) -> None:
    worker = Worker(journal, "one", max_runs=64, ahead=256)
    late = True
    worker.dispatcher.pool.is_late = lambda: late
    runs = await enlist(journal, "acme", 100)
    worker.dispatcher.start(worker.advance)
    for run in runs:
        worker.dispatcher.submit(run)
    await until_done([worker], 40)
    assert worker.most["acme"] <= 16
    late = False
    await until_done([worker], 100)
    assert worker.most["acme"] > 16
    await worker.dispatcher.stop()
