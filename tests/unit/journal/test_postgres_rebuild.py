"""A rebuild of a record that is in PostgreSQL."""

import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.journal import rebuild_record
from gateway.journal.postgres import PostgresJournal, create_schema
from gateway.journal.postgres.session import PostgresSession
from gateway.journal.postgres.wire import Wire
from gateway.journal.statement import Statement
from gateway.journal.unit import fold_in
from gateway.model.entry import NewEntry
from gateway.model.system import SystemClock
from tests.contract.journal_story import Story

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def written(url: str, data_dir: Path, *stories: Story) -> list[NewEntry]:
    """The entries of stories, in a new record."""
    create_schema(url)
    journal = await PostgresJournal.open(url, data_dir=data_dir, clock=SystemClock())
    entries = [entry for story in stories for entry in story.whole("x")]
    for entry in entries:
        await journal.write(lambda tx, entry=entry: tx.append(entry))
    await journal.close()
    return entries


async def test_tables_of_any_size_are_emptied_by_statements_that_answer_in_time(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stories = [Story(f"a{number}") for number in range(8)]
    entries = await written(database_url, tmp_path, *stories)
    with psycopg.connect(database_url) as server:  # so that they lie on several pages
        server.execute("UPDATE execution SET text = to_json(repeat('x', 1500))::text")
        before = server.execute("SELECT id FROM execution ORDER BY id").fetchall()
    emptied: list[int] = []
    change = PostgresSession.change

    def counted(self: PostgresSession, statement: Statement, /, **values: Any) -> int:
        hit = change(self, statement, **values)
        if statement.postgres.sql.startswith("DELETE FROM execution"):
            emptied.append(hit)
        return hit

    monkeypatch.setattr(PostgresSession, "change", counted)
    monkeypatch.setattr("gateway.journal.postgres.rebuilding._PAGES", 1)
    assert rebuild_record(database_url, SystemClock()) == len(entries)
    assert (sum(emptied), max(emptied) < len(stories)) == (len(stories), True)
    with psycopg.connect(database_url) as server:
        after = server.execute("SELECT id, length(text) < 1000 FROM execution ORDER BY id")
        assert after.fetchall() == [(own, True) for (own,) in before]


async def test_folding_may_take_longer_than_a_transaction_may_stand_still(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = await written(database_url, tmp_path, Story("a"))

    def slowly(*given: Any) -> None:
        time.sleep(0.4)
        fold_in(*given)

    monkeypatch.setattr("gateway.journal.refold.fold_in", slowly)
    monkeypatch.setattr("gateway.journal.postgres.rebuilding._FOLDED", 1)
    monkeypatch.setitem(Wire.__init__.__kwdefaults__, "idle_timeout", 1_500)

    assert rebuild_record(database_url, SystemClock()) == len(entries)
