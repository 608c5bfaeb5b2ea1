"""How many runs wait in the record: counted now and then, whatever happens meanwhile."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from gateway.dispatch import Backlog
from gateway.journal import SqliteJournal
from gateway.model.ports import Tx
from gateway.model.system import SystemClock
from tests.contract.journal_story import Story

pytestmark = pytest.mark.anyio
UP_TO = 3


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    opened = await SqliteJournal.open(tmp_path / "gateway.db", clock=SystemClock(), writer="w")
    yield opened
    await opened.close()


@pytest.fixture
async def backlog(journal: SqliteJournal) -> AsyncIterator[Backlog]:
    made = Backlog(journal, SystemClock(), UP_TO)
    made.start()
    yield made
    await made.stop()


async def enlist(journal: SqliteJournal, *names: str) -> None:
    def unit(tx: Tx) -> None:
        for story in map(Story, names):
            tx.append(story.received())
            tx.enlist(story.run_id, story.execution_id)

    await journal.write(unit)


async def counted(backlog: Backlog, expected: int) -> None:
    """Wait until that many are counted."""
    async with asyncio.timeout(25):
        while backlog.count != expected:  # noqa: ASYNC110 - a count has no event
            await asyncio.sleep(0.005)


async def test_due_runs_are_counted_and_those_that_are_held_no_more(
    journal: SqliteJournal, backlog: Backlog
) -> None:
    await enlist(journal, "a", "b")
    await counted(backlog, 2)
    await journal.write(lambda tx: tx.claim("run_a", "one", "2999-01-01T00:00:00.000000Z"))
    await counted(backlog, 1)


async def test_they_are_counted_up_to_a_bound(journal: SqliteJournal, backlog: Backlog) -> None:
    await enlist(journal, "a", "b", "c", "d")
    await counted(backlog, UP_TO)
    await asyncio.sleep(0.6)
    assert backlog.count == UP_TO


class Clock(SystemClock):
    """A clock that may not be read yet, as that of a record that has not answered."""

    is_read = True

    def now(self) -> datetime:
        if not self.is_read:
            raise RuntimeError("not read yet")
        return super().now()


async def test_a_count_that_fails_is_made_again(
    journal: SqliteJournal, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    backlog = Backlog(journal, clock, UP_TO)
    backlog.start()
    await enlist(journal, "a")
    await counted(backlog, 1)
    clock.is_read = False
    with caplog.at_level(logging.ERROR):
        async with asyncio.timeout(25):
            while "counting the runs that wait failed" not in caplog.text:  # noqa: ASYNC110 - a log has no event
                await asyncio.sleep(0.005)
    clock.is_read = True
    await enlist(journal, "b")
    await counted(backlog, 2)
    await backlog.stop()
