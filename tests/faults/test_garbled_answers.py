"""The answer to a commit that cannot be understood: it was made all the same, and once."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gateway.journal.postgres import PostgresJournal
from gateway.journal.postgres.schema import create_schema
from gateway.model.entry import Entry, EntryType, NewEntry
from gateway.model.ports import Tx
from gateway.model.system import SystemClock
from tests.faults.proxy import Proxy
from tests.postgres import Postgres

pytestmark = [pytest.mark.fault, pytest.mark.timeout(60)]

_COMMITTED = b"C\0\0\0\x0bCOMMIT\0"


@pytest.fixture
def network(postgres: Postgres) -> Iterator[Proxy]:
    made = Proxy(("127.0.0.1", postgres.port))
    yield made
    made.close()


@pytest.mark.parametrize("head", [b"C\0\0\0\0", b"?\0\0\0\x0b"], ids=["no length", "no answer"])
def test_a_unit_is_recorded_once(
    head: bytes, postgres: Postgres, database_url: str, network: Proxy, tmp_path: Path
) -> None:
    url = database_url.replace(f":{postgres.port}/", f":{network.port}/")

    def unit(tx: Tx) -> Entry:
        return tx.append(NewEntry(EntryType.RUN_CLAIMED, "acme", {}, "exec_1"))

    async def written() -> None:
        journal = await PostgresJournal.open(url, data_dir=tmp_path, clock=SystemClock())
        network.garble(_COMMITTED, head + b"COMMIT\0")
        await journal.write(unit)
        await journal.close()

    create_schema(database_url)
    asyncio.run(written())
    with psycopg.connect(database_url) as session:
        assert session.execute("SELECT count(*) FROM entry").fetchone() == (1,)
