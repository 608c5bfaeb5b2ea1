"""What the writer on PostgreSQL makes of a commit that nobody answered."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from gateway.journal import read_record
from gateway.journal.alone import alone
from gateway.journal.postgres import PostgresJournal, create_schema
from gateway.journal.postgres.batch import Batch
from gateway.journal.postgres.errors import LostConnectionError, PostgresError
from gateway.journal.postgres.link import Link
from gateway.journal.postgres.session import PostgresSession
from gateway.journal.postgres.unanswered import LOCKED_HASH
from gateway.model.entry import EntryType, NewEntry
from gateway.model.ports import Tx
from gateway.model.problem import ProblemError
from gateway.model.system import SystemClock
from tests.contract.journal_story import Story
from tests.postgres import Postgres
from tests.unit.journal.conftest import KeySigner

pytestmark = pytest.mark.anyio


@pytest.fixture
def next_commit(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Batch], None]], None]:
    """Has the next commit done by somebody else, whose answer is then lost with the connection."""
    commit = Batch.commit

    def replace(by: Callable[[Batch], None]) -> None:
        def unanswered(batch: Batch) -> None:
            monkeypatch.setattr(Batch, "commit", commit)
            by(batch)
            batch._session._wire.close()
            raise LostConnectionError

        monkeypatch.setattr(Batch, "commit", unanswered)

    return replace


async def received(journal: PostgresJournal) -> str:
    story = Story("a")
    await journal.write(lambda tx: tx.append(story.received()))
    return story.execution_id


def counting(tx: Tx, execution_id: str) -> int:
    seen = len(tx.entries(execution_id))
    tx.append(NewEntry(EntryType.RUN_CLAIMED, "acme", {"seen": seen}, execution_id))
    return seen


async def length(journal: PostgresJournal, execution_id: str) -> int:
    return len(await journal.read(lambda records: records.entries(execution_id)))


async def test_a_commit_that_the_server_is_still_at_is_waited_for(
    journal: PostgresJournal, next_commit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a slow disk: nothing ends the server's process, and what it does may still land."""
    execution_id = await received(journal)
    halted: list[int] = []
    came: list[str] = []
    begin = Link._begin

    def halting(batch: Batch) -> None:
        link = batch._session._wire._link
        halted.append(link.backend_pid)
        os.kill(link.backend_pid, signal.SIGSTOP)
        batch._session.command("COMMIT")
        link.pipeline_sync()
        link.flush()

    def watched(link: Link, fresh: Any) -> None:
        try:
            begin(link, fresh)
            came.append("a connection")
        except LostConnectionError:
            came.append("none")
            raise
        finally:
            if halted:
                os.kill(halted.pop(), signal.SIGCONT)

    next_commit(halting)
    monkeypatch.setattr(Link, "_begin", watched)
    assert await journal.write(lambda tx: counting(tx, execution_id)) == 1
    assert came[0] == "none"
    assert await length(journal, execution_id) == 2


async def test_a_database_that_cannot_tell_of_a_commit_is_asked_again(
    journal: PostgresJournal,
    next_commit: Any,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    execution_id = await received(journal)
    one, refused = PostgresSession.one, []

    def behind_a_lock(session: PostgresSession, statement: Any, /, **values: Any) -> Any:
        if statement is not LOCKED_HASH or values["of_position"] != 2 or refused:
            return one(session, statement, **values)
        refused.append(statement)
        with psycopg.connect(database_url) as other:
            other.execute("LOCK TABLE entry IN ACCESS EXCLUSIVE MODE")
            return one(session, statement, **values)

    next_commit(Batch.commit)
    monkeypatch.setattr(PostgresSession, "one", behind_a_lock)
    assert await journal.write(lambda tx: counting(tx, execution_id)) == 1
    assert refused
    assert await length(journal, execution_id) == 2


@pytest.fixture
def replicated() -> Iterator[Postgres]:
    """A server of its own, which may be made to wait for a standby."""
    server = Postgres({"fsync": "off"})
    server.start()
    yield server
    server.remove()


def await_standbys(url: str, names: str) -> None:
    """From now on commits wait for these standbys."""
    with psycopg.connect(url, autocommit=True) as connection:
        setting = sql.SQL("ALTER SYSTEM SET synchronous_standby_names TO {}")
        connection.execute(setting.format(sql.Literal(names)))
        connection.execute("SELECT pg_reload_conf()")
        shown = "SELECT current_setting('synchronous_standby_names')"
        while connection.execute(shown).fetchone() != (names,):
            pass


async def test_a_commit_that_no_standby_has_is_not_answered_for_being_there(
    replicated: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts as lost after a while, and ending its session makes it durable on one server."""
    monkeypatch.setattr("gateway.journal.postgres.wire.PATIENCE", 1.0)
    url = replicated.create()
    create_schema(url)
    journal = await PostgresJournal.open(url, data_dir=tmp_path, clock=SystemClock())
    execution_id = await received(journal)

    await_standbys(url, "one_that_is_away")
    writing = asyncio.create_task(journal.write(lambda tx: counting(tx, execution_id)))
    done, _ = await asyncio.wait({writing}, timeout=5)
    await_standbys(url, "")

    assert not done
    assert await asyncio.wait_for(writing, 20) == 1
    assert await length(journal, execution_id) == 2
    await journal.close()


async def test_an_answer_that_cannot_be_read_is_none(
    journal: PostgresJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution_id = await received(journal)
    commit = Batch.commit

    def surprised(batch: Batch) -> None:
        monkeypatch.setattr(Batch, "commit", commit)
        commit(batch)
        raise MemoryError

    monkeypatch.setattr(Batch, "commit", surprised)
    assert await journal.write(lambda tx: counting(tx, execution_id)) == 1
    assert await length(journal, execution_id) == 2


async def test_what_nobody_foresaw_while_looking_leaves_the_outcome_open(
    journal: PostgresJournal, next_commit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.journal.postgres.unanswered.PATIENCE", 0.0)
    execution_id = await received(journal)

    def fails(*_: Any) -> None:
        raise MemoryError

    def landing(batch: Batch) -> None:
        commit(batch)
        monkeypatch.setattr("gateway.journal.postgres.unanswered.PostgresSession", fails)

    commit = Batch.commit
    next_commit(landing)
    with pytest.raises(ProblemError, match="may have been recorded"):
        await journal.write(lambda tx: counting(tx, execution_id))
    assert await length(journal, execution_id) == 2


async def test_nobody_waits_for_ever_for_a_database_that_was_restored(
    journal: PostgresJournal, next_commit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lacks earlier entries too, so it will never tell of this one."""
    monkeypatch.setattr("gateway.journal.postgres.unanswered.PATIENCE", 0.0)
    monkeypatch.setattr("gateway.journal.postgres.unanswered._TRY", 0.0)
    execution_id = await received(journal)

    def lacking(_: Batch) -> None:
        commits: Any = journal._writer._perform
        commits.__self__._continuity.reached(7, "what the database lacks")

    next_commit(lacking)
    with pytest.raises(ProblemError, match="may have been recorded"):
        await asyncio.wait_for(journal.write(lambda tx: counting(tx, execution_id)), 20)


def refreshed(url: str, folder: Path) -> None:
    """What a command does that writes while no gateway does."""
    with alone(url, folder, SystemClock(), KeySigner()) as record:
        record.append(NewEntry(EntryType.RECORD_RESTORED, "", {"before": record.now}))


def restorations(url: str) -> int:
    return read_record(url, lambda records: records.restorations())


def test_a_command_looks_up_a_commit_that_was_not_answered(
    database_url: str, next_commit: Any, tmp_path: Path
) -> None:
    create_schema(database_url)

    next_commit(Batch.commit)
    refreshed(database_url, tmp_path)
    assert restorations(database_url) == 1

    next_commit(lambda _: None)
    with pytest.raises(ProblemError, match="cannot be reached"):
        refreshed(database_url, tmp_path)
    assert restorations(database_url) == 1


def test_a_command_tells_of_a_commit_of_which_nobody_knows(
    database_url: str, next_commit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_schema(database_url)
    monkeypatch.setattr("gateway.journal.postgres.alone._LOOK", 0.0)

    def away(link: Link) -> None:
        raise LostConnectionError

    def lost(batch: Batch) -> None:
        monkeypatch.setattr(Link, "wire", away)

    next_commit(lost)
    with pytest.raises(ProblemError, match="may have been recorded"):
        refreshed(database_url, tmp_path)


@pytest.mark.parametrize("sqlstate", ["08006", "25P03", "25P04", "57P01"])
def test_a_session_that_the_server_ended_is_lost(sqlstate: str) -> None:
    """Also where that is the answer to a commit."""
    assert PostgresError(sqlstate).is_lost
