"""A process that stops: which runs it still takes."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest

from gateway.advancing import Advancing, Role
from gateway.journal import SqliteJournal
from gateway.model.claims import DueRun
from gateway.model.system import SystemClock
from gateway.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Runs:
    """What a loop is to whoever has runs advanced: this one gives each run back at once, due."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.runner = self.keeper = self

    async def advance(self, run_id: str, woken: asyncio.Event) -> str | None:
        self.taken.append(run_id)
        return None

    def leave(self) -> None: ...

    def start(self) -> None: ...

    async def stop(self) -> None: ...


class Engine:
    """An engine that takes its time to part, and brings word of a run meanwhile."""

    def __init__(self, advancing: Advancing) -> None:
        self._advancing = advancing

    def start(self) -> None: ...

    async def stop(self) -> None:
        self._advancing.dispatcher.submit(DueRun("run_late", "acme"))
        for _ in range(10):
            await asyncio.sleep(0)


async def test_no_run_is_taken_while_a_process_that_stops_parts_from_its_engine(
    tmp_path: Path,
) -> None:
    journal = await SqliteJournal.open(tmp_path / "gateway.db", clock=SystemClock(), writer="w")
    advancing: Any = Advancing(Settings(), journal, Role.GATEWAY)
    advancing._feed = Engine(advancing)
    runs: Any = Runs()
    async with contextlib.AsyncExitStack() as stack:
        await advancing.start(runs, stack)
        advancing.dispatcher.submit(DueRun("run_early", "acme"))
        await advancing.dispatcher.settled("run_early")
    assert runs.taken == ["run_early"]
    await journal.close()
