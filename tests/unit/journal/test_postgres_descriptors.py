"""The journal on PostgreSQL in a process that has more than a thousand descriptors open."""

import asyncio
import contextlib
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.journal.postgres import PostgresJournal, create_schema
from gateway.model.system import SystemClock
from gateway.postgres import await_any
from tests.contract.journal_story import Story

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def crowd() -> Iterator[None]:
    """As many descriptors as clients may have; what is opened behind them has a higher number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 4096 if hard == resource.RLIM_INFINITY else min(4096, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
    with contextlib.ExitStack() as held:
        held.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        while (descriptor := os.dup(0)) < 1100:
            held.callback(os.close, descriptor)
        held.callback(os.close, descriptor)
        yield


async def test_a_journal_writes_reads_and_hears_of_others(
    crowd: None, database_url: str, tmp_path: Path
) -> None:
    create_schema(database_url)
    async with contextlib.AsyncExitStack() as opened:
        journals = []
        for _ in range(2):
            journal = await PostgresJournal.open(
                database_url, data_dir=tmp_path, clock=SystemClock()
            )
            opened.push_async_callback(journal.close)
            journals.append(journal)
        one, other = journals
        await one.write(lambda tx: tx.append(Story("a").received()))
        await asyncio.wait_for(other.moved(0), 30)
        assert await other.read(lambda records: records.last_position()) == 1


def test_what_may_be_read_or_written_is_told_apart(crowd: None) -> None:
    receiving, sending = os.pipe()
    try:
        assert receiving > 1024
        assert await_any(0, receiving) == (frozenset(), False)
        assert await_any(30, receiving, writing=sending) == (frozenset(), True)
        os.write(sending, b"!")
        assert await_any(30, receiving) == ({receiving}, False)
        os.read(receiving, 1)
    finally:
        os.close(sending)
    try:
        assert await_any(30, receiving) == ({receiving}, False)  # it has ended
    finally:
        os.close(receiving)
    with pytest.raises(OSError, match="closed"):
        await_any(0, receiving)
