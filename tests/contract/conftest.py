"""Every journal that exists, for the suites that any of them must pass."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.journal import DurableJournal, SqliteJournal
from gateway.journal.postgres import PostgresJournal, create_schema
from tests.contract.journal_story import SteppingClock
from tests.postgres import Postgres


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def tables(postgres: Postgres) -> str:
    """The name of a database with the tables of the record and nothing in them, to be copied."""
    url = postgres.create()
    create_schema(url)
    return url.rpartition("/")[2]


@pytest.fixture(params=["sqlite", "postgres"])
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DurableJournal]:
    opened: DurableJournal
    if request.param == "sqlite":
        path = tmp_path / "gateway.db"
        opened = await SqliteJournal.open(path, clock=SteppingClock(), writer="writer-1")
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url = server.create(like=request.getfixturevalue("tables"))
        opened = await PostgresJournal.open(url, data_dir=tmp_path, clock=SteppingClock())
    yield opened
    await opened.close()
