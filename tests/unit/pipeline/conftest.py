"""What the tests of the governed call share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.pipeline.desk import Desk


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = await Desk.open(tmp_path)
    yield made
    await made.journal.close()
