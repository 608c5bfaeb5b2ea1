"""The record's clock, whatever the clock of this process says."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.model import record_clock
from gateway.model.record_clock import RecordClock
from gateway.model.time import stamp

pytestmark = pytest.mark.anyio
LONG_AGO = datetime(2001, 2, 3, tzinfo=UTC)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Record:
    """A record of which only the time is asked."""

    def __init__(self) -> None:
        self.moment = LONG_AGO
        self.asked = 0
        self.answering = lambda: None

    async def write(self, unit: object) -> str:
        self.asked += 1
        self.answering()
        return stamp(self.moment)


async def test_it_goes_on_from_what_the_record_said(monkeypatch: pytest.MonkeyPatch) -> None:
    record, elapsed = Record(), [100.0]
    monkeypatch.setattr(record_clock, "elapsed", lambda: elapsed[0])
    clock = RecordClock(record)  # type: ignore[arg-type] # only write is used
    with pytest.raises(RuntimeError):
        clock.now()

    await clock.keep_right()
    elapsed[0] += 20
    await clock.keep_right()
    assert clock.now() == LONG_AGO + timedelta(seconds=20)
    assert record.asked == 1

    record.moment = LONG_AGO + timedelta(hours=1)
    elapsed[0] += 20
    await clock.keep_right()
    assert clock.now() == LONG_AGO + timedelta(hours=1)
    assert record.asked == 2


@pytest.mark.parametrize("before", [0.0, 0.8])
async def test_an_answer_that_took_long_makes_it_neither_late_nor_early(
    before: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows when in the meantime it was read. Of a clock that is late whoever waits for a
    run that was begun just now is told that it stands still."""
    record, elapsed = Record(), [100.0]
    monkeypatch.setattr(record_clock, "elapsed", lambda: elapsed[0])
    clock = RecordClock(record)  # type: ignore[arg-type] # only write is used
    await clock.keep_right()

    def slow() -> None:
        elapsed[0] += 0.8

    record.answering = slow
    elapsed[0] += 40
    record.moment = LONG_AGO + timedelta(seconds=40 + before)
    await clock.keep_right()

    assert record.asked == 2
    assert abs(clock.now() - (LONG_AGO + timedelta(seconds=40.8))) < timedelta(seconds=0.01)


async def test_a_first_answer_that_took_long_is_not_counted_on_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was given at its beginning, and came when a busy process looked."""
    record, elapsed = Record(), [100.0]
    monkeypatch.setattr(record_clock, "elapsed", lambda: elapsed[0])
    clock = RecordClock(record)  # type: ignore[arg-type] # only write is used

    def late() -> None:
        elapsed[0] += 20

    record.answering = late
    await clock.keep_right()
    assert clock.now() == LONG_AGO + timedelta(seconds=10)

    record.answering = lambda: None
    record.moment = LONG_AGO + timedelta(seconds=21.1)
    elapsed[0] += 1.1
    await clock.keep_right()
    assert clock.now() == record.moment
    elapsed[0] += 20
    await clock.keep_right()
    assert record.asked == 2
