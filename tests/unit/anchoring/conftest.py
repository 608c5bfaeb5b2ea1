"""Fixtures of anchors."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.answering import Answering
from tests.unit.anchoring.anchor_world import AnchorWorld


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[AnchorWorld]:
    made = await AnchorWorld.open(tmp_path / "record")
    yield made
    await made.close()


@pytest.fixture
def server() -> Iterator[Answering]:
    made = Answering().start()
    yield made
    made.stop()
