"""A connection of which nothing comes back any more, as through a proxy that lost its other side:
whoever asks goes on with a new one, and whoever stops does so."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gateway.blobs import postgres as postgres_blobs
from gateway.blobs.postgres import PostgresBlobs
from gateway.blobs.tables import BLOB_TABLES
from gateway.dispatch import ElsewhereDispatcher, EmbeddedDispatcher, Pace
from gateway.dispatch.procrastinate import REMINDER, ProcrastinateFeed
from gateway.dispatch.procrastinate import feed as procrastinate_feed
from gateway.dispatch.procrastinate_tables import create_schema as create_jobs
from gateway.duties.duties import INTERVAL
from gateway.duties.postgres_leadership import SILENCE, PostgresLeadership
from gateway.journal.postgres import PostgresJournal, create_schema
from gateway.model.contract import RateKey
from gateway.model.problem import ProblemError
from gateway.model.rate import Budget, Holder
from gateway.model.system import SystemClock
from gateway.pipeline import postgres_limits
from gateway.pipeline.postgres_limits import PostgresRateLimits
from gateway.pipeline.rate_tables import RATE_TABLES
from gateway.postgres import Connection
from gateway.privacy import postgres_key_store
from gateway.privacy.postgres_key_store import PostgresKeyStore
from tests.contract.dispatch_house import House
from tests.faults.proxy import Proxy
from tests.postgres import Postgres

pytestmark = [pytest.mark.fault, pytest.mark.timeout(60)]


@pytest.fixture
def network(postgres: Postgres) -> Iterator[Proxy]:
    made = Proxy(("127.0.0.1", postgres.port))
    yield made
    made.close()


@pytest.fixture
def through(postgres: Postgres, database_url: str, network: Proxy) -> str:
    return database_url.replace(f":{postgres.port}/", f":{network.port}/")


def test_keys_are_had_again(network: Proxy, through: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_key_store, "_SILENCE", 1.0)
    store = PostgresKeyStore(through)
    assert store.signing_keys() == []
    network.lose()
    assert store.signing_keys() == []
    store.close()


def test_keys_are_changed_again_after_a_change_that_was_lost(
    network: Proxy, through: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_key_store, "_SILENCE", 1.0)
    monkeypatch.setattr(postgres_key_store, "_STANDSTILL", "2s")
    lost, other = PostgresKeyStore(through), PostgresKeyStore(database_url)

    def cut_off() -> None:
        network.lose()
        lost.signing_keys()

    with pytest.raises(ProblemError), lost.transaction():
        cut_off()
    with other.transaction():
        assert other.signing_keys() == []
    lost.close()
    other.close()


def test_a_blob_is_kept_again_after_one_that_was_lost(
    network: Proxy, through: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"lock_timeout": "10s", "idle_in_transaction_session_timeout": "2s"}
    monkeypatch.setattr(postgres_blobs, "_SILENCE", 1.0)
    monkeypatch.setattr(
        postgres_blobs, "_SETTINGS", {name: settings[name] for name in postgres_blobs._SETTINGS}
    )
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute(BLOB_TABLES)

    def pieces() -> Iterator[bytes]:
        yield bytes(postgres_blobs.PIECE)
        network.lose()
        yield bytes(postgres_blobs.PIECE)

    lost, other = PostgresBlobs(through, "evidence"), PostgresBlobs(database_url, "evidence")
    with pytest.raises(ProblemError):
        lost.put("one", pieces())
    other.put("one", [b"content"])
    lost.close()
    other.close()


def test_destroyed_keys_are_removed_again(
    network: Proxy, through: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_key_store, "_CLEANING", 1.0)
    is_clean, asked = postgres_key_store._is_clean, []

    def lost(cleaner: Connection) -> bool:
        if not asked:
            asked.append(cleaner.rows("SELECT 1"))
            network.lose()
        return is_clean(cleaner)

    monkeypatch.setattr(postgres_key_store, "_is_clean", lost)
    store = PostgresKeyStore(through)
    store.forget_log()
    assert asked
    store.close()


def test_blobs_are_had_again(
    network: Proxy, through: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_blobs, "_SILENCE", 1.0)
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute(BLOB_TABLES)
    blobs = PostgresBlobs(through, "evidence")
    blobs.put("one", [b"content"])
    network.lose()
    assert blobs.get("one") == b"content"
    blobs.close()


def test_calls_are_counted_again(
    network: Proxy, through: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_limits, "_SILENCE", 1.0)
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute(RATE_TABLES)
    budget = Budget(Holder("shop.one@1.0.0", RateKey.USER, "acme", "alice"), 60)
    limits = PostgresRateLimits(through)
    asyncio.run(limits.take(budget))
    network.lose()
    assert asyncio.run(limits.take(budget)) >= 0
    limits.close()


def test_jobs_are_taken_again(
    network: Proxy,
    through: str,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(procrastinate_feed, "_SILENCE", 1.0)
    create_schema(database_url)
    with psycopg.connect(database_url) as session:
        create_jobs(session)

    async def working() -> None:
        given = {"data_dir": tmp_path, "clock": SystemClock(), "reminders": (REMINDER,)}
        journal = await PostgresJournal.open(database_url, **given)
        pace = Pace(every=60.0, busy=60.0)  # nobody looks for what a job brings no word of
        here = EmbeddedDispatcher(journal, SystemClock(), pace=pace, is_alone=False)
        told = ElsewhereDispatcher(journal, SystemClock(), 60.0)
        house = House(journal, told, here, ProcrastinateFeed(through, here))
        await house.start()
        for lost in (False, True):
            if lost:
                network.lose()
            run_id = await house.begin()
            await house.until(lambda run_id=run_id: house.advances[run_id] == 1, 30)
        await house.stop()
        await journal.close()

    asyncio.run(working())


@pytest.mark.parametrize("of_all", [False, True])
def test_a_leader_gives_up_before_the_server_lets_another_lead(
    network: Proxy, through: str, *, of_all: bool
) -> None:
    async def leading() -> None:
        leadership = PostgresLeadership(through)
        assert await leadership.holds()
        heard = time.monotonic()
        (network.stall if of_all else network.lose)()
        assert not await leadership.holds()
        assert time.monotonic() - heard + INTERVAL < SILENCE

    asyncio.run(leading())
