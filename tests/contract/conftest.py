"""Every journal that exists, for the suites that any of them must pass."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.journal import DurableJournal, SqliteJournal
from gateway.journal.postgres import PostgresJournal, create_schema
from tests.contract.journal_story import SteppingClock


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["sqlite", "postgres"])
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DurableJournal]:
    opened: DurableJournal
    if request.param == "sqlite":
        path = tmp_path / "gateway.db"
        opened = await SqliteJournal.open(path, clock=SteppingClock(), writer="writer-1")
    else:
        url = request.getfixturevalue("database_url")
        create_schema(url)
        opened = await PostgresJournal.open(url, data_dir=tmp_path, clock=SteppingClock())
    yield opened
    await opened.close()
