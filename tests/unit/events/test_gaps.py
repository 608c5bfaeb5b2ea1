"""Whoever follows the record tells of entries that were removed from it, and of nothing else."""

import logging
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.events import announced, gaps, read_page
from gateway.journal import Archiving, Checkpointer, SqliteJournal, Until
from gateway.model.event import Cursor
from gateway.telemetry import metrics
from gateway.telemetry.instruments import switch
from gateway.webhooks import Endpoint
from gateway.webhooks.endpoint import Roster
from gateway.webhooks.intake import Intake
from tests.contract.journal_story import WORKSPACE, SteppingClock, Story
from tests.unit.journal.conftest import KeySigner

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(gaps, "_told", set())
    switch(on=True)
    yield
    switch(on=False)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    opened = await SqliteJournal.open(tmp_path / "gateway.db", clock=SteppingClock(), writer="w")
    await opened.write(lambda tx: [tx.append(entry) for entry in Story("a").whole("x")])
    yield opened
    await opened.close()


def remove(journal: SqliteJournal, *positions: int) -> None:
    """By hand, behind the gateway's back."""
    with closing(sqlite3.connect(journal.path)) as connection:
        for position in positions:
            connection.execute("DELETE FROM entry WHERE position = ?", (position,))
        connection.commit()


async def follow(journal: SqliteJournal, after: int, limit: int = 100) -> None:
    await journal.read(lambda records: read_page(records, Cursor(after), limit))


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [one for one in caplog.records if "lacks" in one.message]
    assert all(one.levelno == logging.ERROR for one in found)
    return [one.message.partition(":")[0].rpartition("entries ")[2] for one in found]


async def test_each_gap_is_told_once_in_the_log_and_in_metrics(
    journal: SqliteJournal, caplog: pytest.LogCaptureFixture
) -> None:
    before = metrics.gaps.counts()[()]
    await follow(journal, 0)
    assert told(caplog) == []
    remove(journal, 1, 3, 4, 6)
    for _ in range(2):
        await follow(journal, 0, limit=2)
        await follow(journal, 2)
    assert told(caplog) == ["1 to 1", "3 to 4", "6 to 6"]
    assert metrics.gaps.counts()[()] == before + 3


async def test_webhooks_tell_of_it_and_go_on(
    journal: SqliteJournal, caplog: pytest.LogCaptureFixture
) -> None:
    own = Endpoint("hook", WORKSPACE, "https://h.example.com", (), ("*",))
    intake = Intake(journal, Roster((own,)), announced, lambda: None)
    await journal.write(lambda tx: tx.open_webhook(WORKSPACE, "hook", 1))
    last = await journal.read(lambda records: records.last_position())
    remove(journal, 2)
    assert await intake.take() == last
    assert told(caplog) == ["2 to 2"]


async def test_what_was_archived_is_no_gap_and_what_was_removed_behind_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, signer, clock = tmp_path / "data" / "gateway.db", KeySigner(), SteppingClock()
    journal = await SqliteJournal.open(path, clock=clock, writer="w")
    stories = [*Story("a").whole("x"), *Story("live").until_started("x")]
    await journal.write(lambda tx: [tx.append(entry) for entry in stories])
    await Checkpointer(journal, signer).checkpoint()
    await journal.close()
    done = Archiving(path, tmp_path / "archive", signer, clock).run(Until(through=100))
    assert done.entries
    journal = await SqliteJournal.open(path, clock=clock, writer="w")
    try:
        await journal.write(lambda tx: [tx.append(entry) for entry in Story("b").whole("x")])
        await follow(journal, 0)
        assert told(caplog) == []
        last = await journal.read(lambda records: records.last_position())
        remove(journal, last - 2)
        await follow(journal, 0)
        assert told(caplog) == [f"{last - 2} to {last - 2}"]
    finally:
        await journal.close()
