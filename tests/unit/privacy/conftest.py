"""Clocks and keyrings for the tests of keys."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.privacy import Keyring


class SetClock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def advance(self, **by: float) -> None:
        self.moment += timedelta(**by)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def keyring(tmp_path: Path, clock: SetClock) -> Iterator[Keyring]:
    keyring = Keyring.open(tmp_path / "keys", clock=clock)
    yield keyring
    keyring.data.close()
