"""Denials of anonymous callers are counted, and the counts do not wait for the next denial."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.journal import SqliteJournal
from gateway.model.ports import Tx
from gateway.model.system import SystemClock
from gateway.pipeline import CallRecorder, record
from gateway.privacy import Keyring, KeyringSealer


class Watched(SqliteJournal):
    """A journal that says when something was recorded."""

    recorded: asyncio.Event

    async def record(self, unit: Callable[[Tx], None]) -> None:
        await super().record(unit)
        self.recorded.set()


@pytest.mark.anyio
async def test_a_lone_burst_is_written_after_its_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "_MINUTE", 0.01)
    journal = await Watched.open(tmp_path / "gateway.db", clock=SystemClock(), writer="w")
    journal.recorded = asyncio.Event()
    recorder = CallRecorder(journal, KeyringSealer(Keyring.open(tmp_path)), SystemClock())
    await recorder.refused_token()
    assert not journal.recorded.is_set()

    recorder.start()
    async with asyncio.timeout(25):
        await journal.recorded.wait()

    await recorder.stop()
    await journal.close()


class Full:
    """A journal whose queue is full until that changes."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.recorded = asyncio.Event()

    async def record(self, _unit: Callable[[Tx], None]) -> None:
        await self.may.wait()
        self.recorded.set()


class Stepping:
    """A clock that is a minute further each time."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self.at += timedelta(minutes=1)
        return self.at


@pytest.mark.anyio
async def test_counts_are_recorded_although_whoever_came_upon_them_gives_up(tmp_path: Path) -> None:
    journal = Full()
    sealer = KeyringSealer(Keyring.open(tmp_path))
    recorder = CallRecorder(journal, sealer, Stepping())  # type: ignore[arg-type]  # it only records
    await recorder.refused_token()
    hasty = asyncio.create_task(recorder.refused_token())  # a minute later
    await asyncio.sleep(0)
    hasty.cancel()
    await asyncio.wait({hasty})
    assert hasty.cancelled()
    journal.may.set()
    async with asyncio.timeout(25):
        await journal.recorded.wait()
