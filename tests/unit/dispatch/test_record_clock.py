"""The record's clock, whatever the clock of this process says."""

from datetime import UTC, datetime, timedelta

import pytest

from gateway.dispatch import record_clock
from gateway.dispatch.record_clock import RecordClock
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

    async def write(self, unit: object) -> str:
        self.asked += 1
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
