"""What only a record can show that several processes write: here, two journals on one database."""

import asyncio
import contextlib
import os
import secrets
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from gateway.journal import FindingKind, as_file, rebuild_record, verify_record
from gateway.journal.postgres import PostgresJournal, create_schema
from gateway.journal.postgres.batch import Batch
from gateway.journal.postgres.errors import PostgresError, unavailable
from gateway.model.entry import EntryType, NewEntry
from gateway.model.execution import Claim
from gateway.model.ports import Tx
from gateway.model.problem import ProblemError
from gateway.model.system import SystemClock
from gateway.model.time import parse
from gateway.model.turn_unit import TurnUnit
from tests.contract.journal_story import Story, call
from tests.contract.test_journal_claims import enlisted
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@contextlib.asynccontextmanager
async def opened(url: str, folder: Path) -> AsyncIterator[PostgresJournal]:
    journal = await PostgresJournal.open(url, data_dir=folder, clock=SystemClock())
    try:
        yield journal
    finally:
        await journal.close()


@pytest.fixture
def url(database_url: str) -> str:
    create_schema(database_url)
    return database_url


@pytest.fixture
async def pair(url: str, tmp_path: Path) -> AsyncIterator[tuple[PostgresJournal, PostgresJournal]]:
    async with opened(url, tmp_path) as one, opened(url, tmp_path) as other:
        yield one, other


@pytest.fixture
def proxy(url: str) -> Iterator[Proxy]:
    made = Proxy(("127.0.0.1", urlsplit(url).port or 0))
    yield made
    made.close()


@pytest.fixture
async def behind(url: str, proxy: Proxy, tmp_path: Path) -> AsyncIterator[PostgresJournal]:
    """A journal that reaches the database through the proxy."""
    port = str(urlsplit(url).port)
    async with opened(url.replace(port, str(proxy.port)), tmp_path) as journal:
        yield journal


def counting(tx: Tx, execution_id: str) -> int:
    seen = len(tx.entries(execution_id))
    tx.append(NewEntry(EntryType.RUN_CLAIMED, "acme", {"seen": seen}, execution_id))
    return seen


async def received(journal: PostgresJournal, name: str) -> str:
    story = Story(name)
    await journal.write(lambda tx: tx.append(story.received()))
    return story.execution_id


async def test_units_of_two_processes_on_one_execution_take_turns(pair) -> None:
    one, other = pair
    execution_id = await received(one, "a")

    writing = [
        journal.write(lambda tx: counting(tx, execution_id)) for _ in range(40) for journal in pair
    ]
    assert sorted(await asyncio.gather(*writing)) == list(range(1, 81))
    entries = await other.read(lambda records: records.entries_after(0, 200))
    assert [entry.position for entry in entries] == list(range(1, 82))


async def test_an_idempotency_key_counts_once_over_processes(pair) -> None:
    answers = await asyncio.gather(
        *(journal.write(lambda tx: tx.append(call("k"))) for journal in pair for _ in range(5)),
        return_exceptions=True,
    )
    problems = [one.problem.code for one in answers if isinstance(one, ProblemError)]
    assert problems == ["CONFLICT"] * 9


async def test_what_may_bear_on_anything_is_recorded_while_nobody_else_decides(pair) -> None:
    one, other = pair
    execution_id = await received(one, "a")
    running: list[str] = []
    begun = threading.Event()

    def slow(tx: Tx) -> None:
        tx.execution("acme", execution_id)
        running.append("ordinary begins")
        begun.set()
        time.sleep(0.3)
        running.append("ordinary ends")
        counting(tx, execution_id)

    def swept(tx: Tx) -> None:
        tx.append(NewEntry(EntryType.RETENTION_SWEPT, "acme", {"cause": "x", "keys": ["k"]}))
        running.append("administration")

    ordinary = asyncio.create_task(one.write(slow))
    await asyncio.to_thread(begun.wait, 10)
    await other.write(swept)
    await ordinary
    # Asked once for what it records, it is run again alone, behind whoever was under way.
    assert running == ["ordinary begins", "ordinary ends", "administration"]


def claiming(run_id: str, owner: str, ran: list[str]) -> TurnUnit[Claim | None, Claim | None]:
    def first(tx: Tx) -> Claim | None:
        ran.append(run_id)
        return tx.claim(run_id, owner, "2999-01-01T00:00:00.000000Z")

    return TurnUnit(run_id, first, lambda _, claim: claim)


async def test_a_run_that_another_process_is_at_holds_up_no_turn_of_others(pair) -> None:
    one, other = pair
    runs = [(await enlisted(one, name)).run_id for name in "abcd"]
    holding, go, ran = threading.Event(), threading.Event(), []

    def slow(tx: Tx) -> None:
        tx.wake(runs[0])
        tx.claim_of(runs[0])  # whatever was sent is done
        holding.set()
        assert go.wait(60)

    waking = asyncio.create_task(one.write(slow))
    await asyncio.to_thread(holding.wait, 10)
    turns = [asyncio.create_task(other.write(claiming(run, "other", ran))) for run in runs]
    done, pending = await asyncio.wait(turns[1:], timeout=30)
    assert (len(done), pending) == (3, set())
    assert not turns[0].done()
    go.set()
    await waking
    claim = await turns[0]
    assert claim is not None
    assert (claim.owner, claim.wake_seq) == ("other", 2)
    assert sorted(ran) == runs  # none was begun before its run was to be had


async def test_each_run_goes_to_one_of_two_processes_that_come_for_all_of_them(pair) -> None:
    runs = [(await enlisted(pair[0], f"r{number}")).run_id for number in range(30)]
    ran: list[str] = []
    claims = await asyncio.gather(
        *(
            journal.write(claiming(run, owner, ran))
            for run in runs
            for owner, journal in zip(("one", "other"), pair, strict=True)
        )
    )
    assert sorted(claim.run_id for claim in claims if claim is not None) == sorted(runs)


async def test_a_process_hears_at_once_what_another_made_durable(
    pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair
    monkeypatch.setattr("gateway.journal.postgres.told._LOOK", 3600.0)  # nobody looks by himself
    await asyncio.sleep(1.1)  # no longer, that is: who began to wait before does so once more
    end = await other.read(lambda records: records.last_position())
    waiting = asyncio.create_task(other.moved(end))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await received(one, "a")
    await asyncio.wait_for(waiting, 60)
    assert len(await other.read(lambda records: records.entries_after(end, 10))) == 1


@pytest.mark.parametrize("told", ["", "soon", "7, or 8"])
async def test_what_strangers_tell_on_the_channel_of_the_tail_ends_nothing(
    pair, url: str, told: str
) -> None:
    """Any session of the database may."""
    one, other = pair
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_notify('gateway_tail', %s)", (told,))
    await asyncio.sleep(0.1)
    await received(one, "a")

    async with asyncio.timeout(10):
        await other.moved(0)


async def test_moments_go_by_the_clock_of_the_database(url: str, tmp_path: Path) -> None:
    class Wrong(SystemClock):
        def now(self):
            return parse("2001-01-01T00:00:00Z")

    journal = await PostgresJournal.open(url, data_dir=tmp_path, clock=Wrong())
    now = await journal.write(lambda tx: tx.now)
    await journal.close()
    assert abs((parse(now) - SystemClock().now()).total_seconds()) < 5


async def test_a_character_that_the_database_cannot_hold_is_refused(pair) -> None:
    entry = NewEntry(EntryType.QUERY_ANSWERED, "acme", {"n": 1}, None, "al\0ice")
    with pytest.raises(ProblemError, match="VALIDATION_FAILED"):
        await pair[0].write(lambda tx: tx.append(entry))
    assert await pair[0].read(lambda records: records.last_position()) == 0


def test_a_limit_of_the_server_is_no_mistake_of_the_caller() -> None:
    """It tells transaction ids that run out by the same code as a text that is too long."""
    told = unavailable(PostgresError("54000")).problem
    assert (told.code, told.retry_after) == ("SERVICE_UNAVAILABLE", 1.0)
    assert "look at the log of the database server" in told.detail


async def test_a_text_that_is_too_long_to_be_found_by_is_refused(pair) -> None:
    ours, _ = pair
    key = secrets.token_hex(3_000)  # one that repeats itself is stored in less
    with pytest.raises(ProblemError) as caught:
        await ours.write(lambda tx: tx.append(call(key)))
    assert (caught.value.problem.code, caught.value.problem.retry_after) == (
        "VALIDATION_FAILED",
        None,
    )
    assert await ours.write(lambda tx: tx.append(call("short")).seq) == 1


@pytest.mark.parametrize("lands", [True, False], ids=["landed", "did not land"])
async def test_a_commit_whose_answer_was_lost_is_looked_up(
    behind: PostgresJournal, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, lands: bool
) -> None:
    execution_id = await received(behind, "a")
    commit = Batch.commit

    def cutting(self: Batch) -> None:
        monkeypatch.setattr(Batch, "commit", commit)
        if lands:
            self._session.command("COMMIT")
            self._session._wire._link.pipeline_sync()
            self._session._wire._link.flush()
            with socket.socket(fileno=os.dup(self._session._wire._link.socket)) as connection:
                connection.shutdown(socket.SHUT_RDWR)  # what was sent arrives, no answer does
            time.sleep(0.3)
        proxy.cut()
        proxy.heal()
        commit(self)

    monkeypatch.setattr(Batch, "commit", cutting)
    assert await behind.write(lambda tx: counting(tx, execution_id)) == 1
    entries = await behind.read(lambda records: records.entries(execution_id))
    assert [entry.seq for entry in entries] == [1, 2]


async def test_callers_of_a_database_that_is_away_are_refused_in_time_and_served_again(
    behind: PostgresJournal, proxy: Proxy
) -> None:
    execution_id = await received(behind, "a")
    proxy.cut()
    began = time.monotonic()
    for asking in (
        behind.write(lambda tx: counting(tx, execution_id)),
        behind.read(lambda records: records.last_position()),
    ):
        with pytest.raises(ProblemError, match="SERVICE_UNAVAILABLE"):
            await asking
    assert time.monotonic() - began < 60
    proxy.heal()
    assert await behind.write(lambda tx: counting(tx, execution_id)) == 1
    assert await behind.read(lambda records: records.last_position()) == 2


async def test_whoever_is_gone_in_the_midst_of_a_batch_holds_nobody_up(
    url: str, proxy: Proxy, behind: PostgresJournal, tmp_path: Path
) -> None:
    """A network that swallows everything leaves the server with an open transaction."""
    async with opened(url, tmp_path) as other:
        execution_id = await received(other, "a")
        stalled = threading.Event()

        def hanging(tx: Tx) -> int:
            seen = counting(tx, execution_id)
            tx.execution("acme", execution_id)  # the head is locked by now
            if not stalled.is_set():
                stalled.set()
                proxy.stall()
            return seen

        lost = asyncio.create_task(behind.write(hanging))
        await asyncio.to_thread(stalled.wait, 10)
        proxy.cut()
        proxy.heal()
        counted = await asyncio.wait_for(other.write(lambda tx: counting(tx, execution_id)), 10)
        assert sorted([counted, await asyncio.wait_for(lost, 10)]) == [1, 2]


async def test_a_rebuild_mends_what_does_not_follow_from_the_entries(
    url: str, tmp_path: Path
) -> None:
    async with opened(url, tmp_path) as journal:
        for entry in Story("a").whole("x"):
            await journal.write(lambda tx, entry=entry: tx.append(entry))
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE step SET status = 'skipped'")
    with as_file(url) as path:
        (found,) = verify_record(path, []).findings
    assert found.kind is FindingKind.PROJECTION

    rebuild_record(url, SystemClock())

    with as_file(url) as path:
        assert verify_record(path, []).findings == ()
