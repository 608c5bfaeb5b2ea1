"""Deliveries that are settled long since leave the queue, unless the clock is not believed."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gateway.events import announced
from gateway.journal import SqliteJournal
from gateway.model.delivery import Delivery, DeliveryFilter, DeliveryStatus
from gateway.model.ports import Page
from gateway.model.time import after
from gateway.webhooks import WebhookParts, Webhooks
from gateway.webhooks.schedule import Schedule
from gateway.webhooks.service import DAY
from tests.unit.runtime.loop_world import SettableClock

pytestmark = pytest.mark.anyio

LEFT = "2026-03-01T00:00:00.000000Z"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def settled(number: int, status: DeliveryStatus) -> Delivery:
    named = (f"msg_{number}", "acme", "hook", f"evt_{number}", number, 0, "desk.done", None)
    return Delivery(*named, created_at=LEFT, updated_at=LEFT, status=status)


async def left(folder: Path, believed: Any) -> list[str]:
    """The ids of what is left after a pruning, by a clock that is a year past the deliveries."""
    clock = SettableClock()
    journal = await SqliteJournal.open(folder / "gateway.db", clock=clock, writer="w")
    try:
        both = [settled(1, DeliveryStatus.DELIVERED), settled(2, DeliveryStatus.DEAD)]
        await journal.write(lambda tx: tx.queue_deliveries(both))
        clock.forward(365 * DAY)
        nobody: Any = None
        schedule = Schedule(lambda: 0.0)
        parts = WebhookParts(journal, clock, announced, nobody, nobody, schedule, believed)
        await Webhooks((), parts)._prune()
        which = DeliveryFilter("acme")
        found = await journal.read(lambda records: records.deliveries(which, Page(10, 0)))
        return sorted(one.id for one in found[0])
    finally:
        await journal.close()


@pytest.mark.parametrize(
    ("days", "ids"), [(1, ["msg_1", "msg_2"]), (8, ["msg_2"]), (91, []), (9_999, [])]
)
async def test_what_is_removed_goes_by_how_far_the_clock_is_believed(
    tmp_path: Path, days: int, ids: list[str]
) -> None:
    async def believed() -> str:
        return after(LEFT, days * DAY)

    assert await left(tmp_path, believed) == ids


async def test_nothing_is_removed_while_nobody_knows_how_far_it_is_believed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def believed() -> str:
        raise sqlite3.OperationalError

    assert await left(tmp_path, believed) == ["msg_1", "msg_2"]
    assert "pruning webhook deliveries failed: OperationalError" in caplog.text
