"""How long work has to wait for the writer: what tells a queue."""

import asyncio
import threading
from pathlib import Path

import pytest

from gateway.journal import SqliteJournal
from gateway.journal.waits import FEW, HUNG, Waits
from gateway.model.system import SystemClock


class Writer:
    """A writer whose queue and clock are set by hand."""

    def __init__(self) -> None:
        self.at = 100.0
        self.queued = 0
        self.waits = Waits(lambda: self.queued, lambda: self.at)

    def batch(self, works: int, seconds: float) -> None:
        """Perform a batch."""
        self.waits.took(works)
        self.at += seconds
        self.waits.done()


@pytest.fixture
def writer() -> Writer:
    return Writer()


def test_nothing_waits_where_nothing_comes(writer: Writer) -> None:
    assert writer.waits.expected() == 0.0
    writer.batch(100, 0.1)
    writer.at += 60
    assert writer.waits.expected() == 0.0


def test_a_queue_waits_as_long_as_batches_take_for_it(writer: Writer) -> None:
    writer.batch(100, 0.1)
    writer.queued = 500
    assert writer.waits.expected() == pytest.approx(0.5)
    writer.waits.took(200)
    writer.queued = 300
    assert writer.waits.expected() == pytest.approx(0.5)  # what is being written is waited for too


def test_the_rate_is_that_of_the_last_batches(writer: Writer) -> None:
    writer.batch(100, 0.1)
    for _ in range(20):
        writer.batch(100, 0.5)
    writer.queued = 100
    assert writer.waits.expected() == pytest.approx(0.5, rel=0.01)


def test_small_batches_tell_nothing_of_a_queue(writer: Writer) -> None:
    for _ in range(20):
        writer.batch(1, 0.1)
    writer.queued = 500
    assert writer.waits.expected() == 0.0  # as far as is known yet
    writer.batch(100, 0.1)
    assert writer.waits.expected() == pytest.approx(0.5)


def test_few_that_wait_are_slow_and_no_queue(writer: Writer) -> None:
    writer.batch(20, 1.5)
    writer.queued = FEW - 1
    assert writer.waits.expected() == 0.0
    writer.queued = FEW
    assert writer.waits.expected() > 1.0


def test_a_batch_that_does_not_end_is_waited_for(writer: Writer) -> None:
    writer.waits.took(1)
    writer.at += HUNG
    assert writer.waits.expected() == 0.0
    writer.at += 5
    assert writer.waits.expected() == HUNG + 5
    writer.waits.done()
    assert writer.waits.expected() == 0.0


def test_after_one_that_hung_one_caller_at_a_time_may_try(writer: Writer) -> None:
    writer.batch(1, HUNG + 3)
    assert writer.waits.expected() == 0.0
    writer.queued = 1
    assert writer.waits.expected() == HUNG + 3
    writer.queued = 0
    writer.waits.took(1)
    assert writer.waits.hung() == HUNG + 3
    writer.at += 0.1
    writer.waits.done()
    writer.queued = 1
    assert writer.waits.expected() == 0.0


@pytest.mark.anyio
async def test_a_journal_tells_that_its_writer_is_held_up(tmp_path: Path) -> None:
    clock = SystemClock()
    journal = await SqliteJournal.open(tmp_path / "gateway.db", clock=clock, writer="writer-1")
    release = threading.Event()
    first = [journal.write(lambda _: None) for _ in range(FEW)]
    await asyncio.gather(*first)
    begun = threading.Event()

    def hold(_: object) -> None:
        begun.set()
        release.wait(30)

    held = asyncio.create_task(journal.write(hold))
    try:
        assert journal.delay() == 0.0
        assert await asyncio.to_thread(begun.wait, 10)
        await asyncio.sleep(HUNG + 0.2)
        assert journal.delay() > HUNG
    finally:
        release.set()
        await held
    await journal.write(lambda _: None)
    assert journal.delay() < HUNG
    await journal.close()
