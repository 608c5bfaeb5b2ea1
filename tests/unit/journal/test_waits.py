"""How long work waits for the writer: what tells a queue that stands."""

import asyncio
import threading
from pathlib import Path

import pytest

from gateway.journal import SqliteJournal
from gateway.journal.waits import FEW, HUNG, WINDOW, Waits
from gateway.model.system import SystemClock


class Clock:
    """A clock that goes forward when it is told to."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def batches(
    waits: Waits, clock: Clock, wait: float, seconds: float, each: float = 0.02, works: int = FEW
) -> None:
    """Batches of ``works`` whose first waited ``wait``, one every ``each`` seconds."""
    until = clock.at + seconds
    while clock.at < until:
        waits.took(wait, works)
        clock.at += each
        waits.done()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def waits(clock: Clock) -> Waits:
    return Waits(clock)


def test_nothing_waits_where_nothing_comes(waits: Waits, clock: Clock) -> None:
    assert waits.standing() == 0.0
    clock.at += 60
    assert waits.standing() == 0.0


def test_a_queue_that_stands_is_told_by_its_shortest_wait(waits: Waits, clock: Clock) -> None:
    batches(waits, clock, 0.5, 3 * WINDOW)
    assert waits.standing() == 0.5
    batches(waits, clock, 0.3, 3 * WINDOW)
    assert waits.standing() == 0.3


def test_one_short_wait_tells_that_no_queue_stands(waits: Waits, clock: Clock) -> None:
    batches(waits, clock, 0.5, 3 * WINDOW)
    batches(waits, clock, 0.001, 0.02)
    assert waits.standing() == 0.001
    batches(waits, clock, 0.5, WINDOW)
    assert waits.standing() == 0.001  # it is of the last moments yet
    batches(waits, clock, 0.5, 2 * WINDOW)
    assert waits.standing() == 0.5


def test_a_burst_alone_is_no_queue_that_stands(waits: Waits, clock: Clock) -> None:
    batches(waits, clock, 0.5, WINDOW / 2)
    assert waits.standing() == 0.0


def test_few_that_wait_are_slow_and_no_queue(waits: Waits, clock: Clock) -> None:
    batches(waits, clock, 0.5, 3 * WINDOW, works=FEW - 1)
    assert waits.standing() == 0.0


def test_what_was_long_ago_is_forgotten(waits: Waits, clock: Clock) -> None:
    batches(waits, clock, 0.5, 3 * WINDOW)
    clock.at += 2 * WINDOW
    assert waits.standing() == 0.0
    batches(waits, clock, 0.5, WINDOW / 2)
    assert waits.standing() == 0.0  # a new burst, as far as is known


def test_a_batch_that_does_not_end_is_waited_for(waits: Waits, clock: Clock) -> None:
    waits.took(0.0, 1)
    clock.at += HUNG
    assert waits.standing() == 0.0
    clock.at += 7 - HUNG
    assert waits.standing() == 7.0
    waits.done()
    assert waits.standing() == 0.0


@pytest.mark.anyio
async def test_a_journal_tells_that_its_writer_is_held_up(tmp_path: Path) -> None:
    clock = SystemClock()
    journal = await SqliteJournal.open(tmp_path / "gateway.db", clock=clock, writer="writer-1")
    release = threading.Event()
    held = asyncio.create_task(journal.write(lambda _: release.wait(10)))
    try:
        async with asyncio.timeout(5):
            while journal.delay() <= HUNG:  # noqa: ASYNC110 - what is looked for is time itself
                await asyncio.sleep(0.01)
    finally:
        release.set()
        await held
    await journal.write(lambda _: None)
    assert journal.delay() < WINDOW
    await journal.close()
