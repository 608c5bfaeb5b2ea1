"""What the tests of the rights of people share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.rights.rights_world import RightsWorld


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def rights(tmp_path: Path) -> AsyncIterator[RightsWorld]:
    made = await RightsWorld(tmp_path).start()
    yield made
    await made.stop()
