"""What the tests of events share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.events.event_world import EventWorld


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[EventWorld]:
    made = await EventWorld.open(tmp_path)
    yield made
    made.feed.close()
    await made.journal.close()
