"""A worker that is told to stop while the database is away does so, soon."""

import asyncio
import time
from pathlib import Path

import psycopg
import pytest

from gateway.dispatch import EmbeddedDispatcher
from gateway.dispatch.procrastinate import ProcrastinateFeed
from gateway.dispatch.procrastinate_tables import create_schema as create_jobs
from gateway.journal.postgres import PostgresJournal, create_schema
from gateway.model.system import SystemClock
from tests.faults.proxy import Proxy
from tests.postgres import Postgres

pytestmark = [pytest.mark.fault, pytest.mark.timeout(90)]


@pytest.mark.parametrize("how", ["cut", "stall"])
def test_the_feed_stops(how: str, postgres: Postgres, database_url: str, tmp_path: Path) -> None:
    network = Proxy(("127.0.0.1", postgres.port))
    try:
        through = database_url.replace(f":{postgres.port}/", f":{network.port}/")
        assert asyncio.run(stopped(database_url, through, network, how, tmp_path)) < 8
    finally:
        network.close()


async def stopped(url: str, through: str, network: Proxy, how: str, folder: Path) -> float:
    """Seconds that the feed takes to stop once the network is gone."""
    create_schema(url)
    with psycopg.connect(url) as connection:
        create_jobs(connection)
    journal = await PostgresJournal.open(url, data_dir=folder, clock=SystemClock())
    feed = ProcrastinateFeed(through, EmbeddedDispatcher(journal, journal.clock))
    try:
        feed.start()
        await asyncio.sleep(2)
        getattr(network, how)()
        await asyncio.sleep(2)
        began = time.monotonic()
        await asyncio.wait_for(feed.stop(), 40)
        return time.monotonic() - began
    finally:
        await journal.close()
