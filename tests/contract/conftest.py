"""Every journal that exists, for the suites that any of them must pass."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.journal import SqliteJournal
from tests.contract.journal_story import SteppingClock


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["sqlite"])
async def journal(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    assert request.param == "sqlite"
    opened = await SqliteJournal.open(
        tmp_path / "gateway.db", clock=SteppingClock(), writer="writer-1"
    )
    yield opened
    await opened.close()
