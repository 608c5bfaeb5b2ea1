"""What waits in the record: counted now and then, while somebody asks."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.dispatch import ElsewhereDispatcher, EmbeddedDispatcher, Limits
from gateway.dispatch.backlog import EVERY, STALE, Backlog
from gateway.journal import SqliteJournal
from gateway.model.ports import Dispatcher, Tx
from gateway.model.system import SystemClock
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


class Seconds:
    """A clock that stands until it is set."""

    at = 100.0

    def __call__(self) -> float:
        return self.at


async def enlist(journal: SqliteJournal, *names: str) -> None:
    def unit(tx: Tx) -> None:
        for story in map(Story, names):
            tx.append(story.received())
            tx.enlist(story.run_id, story.execution_id)

    await journal.write(unit)


async def counted(backlog: Backlog | Dispatcher, expected: int) -> None:
    """Wait until that many are counted."""
    async with asyncio.timeout(5):
        while backlog.waiting() != expected:  # noqa: ASYNC110 - a count has no event
            await asyncio.sleep(0.005)


async def test_due_runs_are_counted_once_somebody_has_asked(journal: SqliteJournal) -> None:
    await enlist(journal, "a", "b", "c")
    backlog = Backlog(journal, SystemClock(), most=10, seconds=Seconds())
    assert backlog.waiting() == 0  # nothing is known yet
    await counted(backlog, 3)
    await backlog.stop()


async def test_they_are_counted_up_to_a_bound(journal: SqliteJournal) -> None:
    await enlist(journal, "a", "b", "c")
    backlog = Backlog(journal, SystemClock(), most=2, seconds=Seconds())
    await counted(backlog, 2)
    await backlog.stop()


async def test_a_count_stands_for_a_second(journal: SqliteJournal) -> None:
    seconds = Seconds()
    backlog = Backlog(journal, SystemClock(), most=10, seconds=seconds)
    await enlist(journal, "a")
    await counted(backlog, 1)
    await enlist(journal, "b")
    seconds.at += EVERY / 2
    for _ in range(20):
        assert backlog.waiting() == 1
        await asyncio.sleep(0.005)
    seconds.at += EVERY / 2
    await counted(backlog, 2)
    await backlog.stop()


async def test_an_old_count_is_not_believed_and_does_no_harm_where_the_record_is_away(
    journal: SqliteJournal,
) -> None:
    seconds = Seconds()
    backlog = Backlog(journal, SystemClock(), most=10, seconds=seconds)
    await enlist(journal, "a")
    await counted(backlog, 1)
    await journal.close()
    seconds.at += EVERY
    for _ in range(5):
        assert backlog.waiting() == 1
        await asyncio.sleep(0.01)
    seconds.at += STALE
    assert backlog.waiting() == 0
    await backlog.stop()


@pytest.mark.parametrize("kind", ["elsewhere", "beside others"])
async def test_a_process_beside_others_knows_what_waits_for_all(
    journal: SqliteJournal, kind: str
) -> None:
    """Neither advances anything here: one leaves it to workers, the other has not begun."""
    dispatcher: ElsewhereDispatcher | EmbeddedDispatcher
    if kind == "elsewhere":
        dispatcher = ElsewhereDispatcher(journal, SystemClock(), 10.0, most_waiting=10)
    else:
        limits = Limits(most_waiting=10)
        dispatcher = EmbeddedDispatcher(journal, SystemClock(), limits=limits, is_alone=False)
    await enlist(journal, "a", "b")
    await counted(dispatcher, 2)
    await dispatcher.stop()
