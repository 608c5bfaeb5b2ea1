"""What metrics say of how the record is signed, and what the shipped rule makes of it."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.anchoring import Destinations
from gateway.health import record_state
from gateway.journal import Checkpointer, SqliteJournal
from gateway.measuring import how_signed
from gateway.model.time import stamp
from tests.contract.journal_story import call
from tests.unit.journal.conftest import KeySigner
from tests.unit.test_observability_files import rules

pytestmark = pytest.mark.anyio

LATE = "GatewayCheckpointsLate"
MINUTE = timedelta(minutes=1)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def journal(tmp_path: Path, clock: Clock) -> AsyncIterator[SqliteJournal]:
    opened = await SqliteJournal.open(tmp_path / "gateway.db", clock=clock, writer="w")
    yield opened
    await opened.close()


async def tell(journal: SqliteJournal) -> None:
    await journal.write(lambda tx: tx.append(call(None)))


async def fires(journal: SqliteJournal, clock: Clock) -> bool:
    """Whether the rule's expression, which is ``max(NAME) > NUMBER``, holds at this moment.

    As Prometheus has it: of what is not told, nothing is true.
    """
    (rule,) = [one for one in rules() if one["alert"] == LATE]
    found = re.fullmatch(r"max\((\w+)\) > (\d+)", rule["expr"])
    assert found is not None
    record = await journal.read(lambda records: record_state(records, Destinations()))
    told = {one.gauge.name: one.value for one in how_signed(record, stamp(clock.now()))}
    return told.get(found[1], 0.0) > float(found[2])


async def test_a_record_that_was_never_signed_is_late(journal: SqliteJournal, clock: Clock) -> None:
    assert not await fires(journal, clock)
    await tell(journal)
    clock.moment += 15 * MINUTE
    assert not await fires(journal, clock)
    clock.moment += MINUTE
    await tell(journal)  # the oldest counts
    assert await fires(journal, clock)


async def test_entries_behind_the_last_checkpoint_are_late_by_their_own_age(
    journal: SqliteJournal, clock: Clock
) -> None:
    await tell(journal)
    await Checkpointer(journal, KeySigner()).checkpoint()
    clock.moment += 60 * MINUTE  # in which nothing came, so that nothing waits
    assert not await fires(journal, clock)
    await tell(journal)
    assert not await fires(journal, clock)
    clock.moment += 16 * MINUTE
    assert await fires(journal, clock)


async def test_an_entry_of_a_clock_that_was_ahead_waits_no_negative_time(
    journal: SqliteJournal, clock: Clock
) -> None:
    await tell(journal)
    clock.moment -= MINUTE
    record = await journal.read(lambda records: record_state(records, Destinations()))
    assert [one.value for one in how_signed(record, stamp(clock.now()))] == [1, 0.0]
