"""What the tests of the loop share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.runtime.loop_world import LoopWorld


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[LoopWorld]:
    made = await LoopWorld.open(tmp_path)
    yield made
    await made.journal.close()
