"""The queue of webhook deliveries, for every journal."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.journal import (
    SqliteJournal,
    as_file,
    open_journal,
    rebuild_matches,
    rebuild_record,
)
from gateway.journal.postgres import PostgresJournal
from gateway.model.delivery import Delivery, DeliveryFilter, DeliveryStatus, delivery_id
from gateway.model.ports import Journal, Page, Records, Tx
from gateway.model.problem import ProblemError, refuse
from gateway.model.time import after
from tests.contract.journal_story import SteppingClock, Story

pytestmark = pytest.mark.anyio

NOW = "2026-03-01T09:30:00.000000Z"
LATER = after(NOW, 60)
WHOLE = Page(50)


def delivery(
    number: int, endpoint: str = "hook", workspace: str = "acme", next_at: str | None = NOW
) -> Delivery:
    event = f"evt_{number}"
    return Delivery(
        id=delivery_id(workspace, endpoint, event),
        workspace=workspace,
        endpoint=endpoint,
        event_id=event,
        position=number,
        index=0,
        type="a.b",
        execution_id="exec_a",
        created_at=NOW,
        updated_at=NOW,
        next_at=next_at,
    )


async def queue(journal: Journal, *deliveries: Delivery) -> None:
    await journal.write(lambda tx: tx.queue_deliveries(deliveries))


async def listed(journal: Journal, **which: str) -> list[Delivery]:
    chosen = DeliveryFilter(**{"workspace": "acme"} | which)
    found, total = await journal.read(lambda records: records.deliveries(chosen, WHOLE))
    assert total == len(found)
    return found


async def test_a_delivery_is_read_as_it_was_queued(journal: Journal) -> None:
    one = replace(delivery(1), execution_id=None, last_status=500, last_error="No.", attempts=3)
    await queue(journal, one)
    assert await journal.read(lambda records: records.delivery("acme", one.id)) == one
    assert await journal.read(lambda records: records.delivery("globex", one.id)) is None
    assert await journal.read(lambda records: records.delivery("acme", "msg_none")) is None


async def test_queueing_an_event_twice_changes_nothing(journal: Journal) -> None:
    one = delivery(1)
    done = replace(one, status=DeliveryStatus.DELIVERED, attempts=1, next_at=None)
    await queue(journal, one)
    assert await journal.write(lambda tx: tx.change_delivery(one, done))
    await queue(journal, one, delivery(2))
    assert await listed(journal) == [delivery(2), done]


async def test_due_are_the_pending_ones_of_an_endpoint_whose_time_has_come(
    journal: Journal,
) -> None:
    late, overdue = delivery(1, next_at=LATER), delivery(2, next_at=after(NOW, -60))
    others = [delivery(4, "other"), delivery(5, workspace="globex")]
    await queue(journal, late, overdue, delivery(3), *others)

    due = await journal.read(lambda records: records.due_deliveries("acme", "hook", NOW, 10))
    assert due == [overdue, delivery(3)]
    first = await journal.read(lambda records: records.due_deliveries("acme", "hook", NOW, 1))
    assert first == [overdue]
    upcoming = await journal.read(lambda records: records.next_delivery("acme", "hook", NOW))
    assert upcoming == LATER
    assert await journal.read(lambda records: records.next_delivery("acme", "hook", LATER)) is None


async def test_what_waits_beyond_any_pause_is_due_behind_the_others(journal: Journal) -> None:
    ahead, late = delivery(1, next_at=after(NOW, 365 * 86_400)), delivery(2, next_at=LATER)
    await queue(journal, ahead, late, delivery(3))

    def due(limit: int) -> Callable[[Records], list[Delivery]]:
        return lambda records: records.due_deliveries("acme", "hook", NOW, limit, LATER)

    assert await journal.read(due(10)) == [delivery(3), ahead]
    assert await journal.read(due(1)) == [delivery(3)]
    for latest, upcoming in ((LATER, LATER), (NOW, None)):
        found = await journal.read(
            lambda records, latest=latest: records.next_delivery("acme", "hook", NOW, latest)
        )
        assert found == upcoming


async def test_what_is_settled_is_never_due(journal: Journal) -> None:
    one, two = delivery(1), delivery(2)
    dead = replace(one, status=DeliveryStatus.DEAD, attempts=10, next_at=None)
    done = replace(two, status=DeliveryStatus.DELIVERED, attempts=1, next_at=None)
    await queue(journal, one, two)
    await journal.write(lambda tx: [tx.change_delivery(one, dead), tx.change_delivery(two, done)])
    due = await journal.read(lambda records: records.due_deliveries("acme", "hook", LATER, 10))
    assert due == []


async def test_a_change_counts_only_for_what_was_read(journal: Journal) -> None:
    one = delivery(1)
    once = replace(one, attempts=1, next_at=LATER, last_status=500, updated_at=LATER)
    await queue(journal, one)
    assert await journal.write(lambda tx: tx.change_delivery(one, once))
    assert not await journal.write(lambda tx: tx.change_delivery(one, once))
    assert await listed(journal) == [once]


async def test_what_came_of_an_attempt_before_a_replay_does_not_settle_it(
    journal: Journal,
) -> None:
    """Two processes sent the same message, and it was replayed before the slower one had ended."""
    one = delivery(1)
    done = replace(one, status=DeliveryStatus.DELIVERED, attempts=1, next_at=None, updated_at=LATER)
    again = replace(done, status=DeliveryStatus.PENDING, attempts=0, next_at=LATER)
    await queue(journal, one)
    assert await journal.write(lambda tx: tx.change_delivery(one, done))
    assert await journal.write(lambda tx: tx.change_delivery(done, again))
    assert not await journal.write(lambda tx: tx.change_delivery(one, done))
    assert await listed(journal) == [again]


async def test_lists_are_of_one_workspace_newest_first_and_can_be_narrowed(
    journal: Journal,
) -> None:
    mine = [delivery(number) for number in (1, 2, 3)]
    other = delivery(4, "other")
    await queue(journal, *mine, other, delivery(5, workspace="globex"))
    dead = replace(mine[1], status=DeliveryStatus.DEAD, next_at=None)
    await journal.write(lambda tx: tx.change_delivery(mine[1], dead))

    assert await listed(journal) == [other, mine[2], dead, mine[0]]
    assert await listed(journal, status="dead") == [dead]
    assert await listed(journal, endpoint="other") == [other]
    assert await listed(journal, status="pending", endpoint="hook") == [mine[2], mine[0]]
    which = DeliveryFilter("acme")
    found, total = await journal.read(lambda records: records.deliveries(which, Page(2, 1)))
    assert (found, total) == ([mine[2], dead], 4)


async def test_an_endpoint_begins_where_it_was_opened_and_moves_only_from_there(
    journal: Journal,
) -> None:
    async def position() -> int | None:
        return await journal.read(lambda records: records.webhook_position("acme", "hook"))

    assert await position() is None
    await journal.write(lambda tx: tx.open_webhook("acme", "hook", 7))
    await journal.write(lambda tx: tx.open_webhook("acme", "hook", 99))
    assert await position() == 7
    assert await journal.write(lambda tx: tx.move_webhook("acme", "hook", 7, 12))
    assert not await journal.write(lambda tx: tx.move_webhook("acme", "hook", 7, 20))
    assert not await journal.write(lambda tx: tx.move_webhook("globex", "hook", 12, 20))
    assert await position() == 12


async def test_every_endpoint_that_there_ever_was_is_known(journal: Journal) -> None:
    assert await journal.read(lambda records: records.webhook_places()) == []
    places = [("acme", "a"), ("acme", "b"), ("globex", "a")]

    def unit(tx: Tx) -> None:
        for workspace, endpoint in reversed(places):
            tx.open_webhook(workspace, endpoint, 7)

    await journal.write(unit)
    assert await journal.read(lambda records: records.webhook_places()) == places


async def test_position_and_deliveries_are_stored_as_one(journal: Journal) -> None:
    await journal.write(lambda tx: tx.open_webhook("acme", "hook", 0))

    def unit(tx: Tx) -> None:
        tx.queue_deliveries([delivery(1)])
        tx.move_webhook("acme", "hook", 0, 1)
        raise refuse("CONFLICT", "It fails after all.")

    with pytest.raises(ProblemError):
        await journal.write(unit)
    assert await listed(journal) == []
    assert await journal.read(lambda records: records.webhook_position("acme", "hook")) == 0


async def test_pruning_takes_old_ones_of_a_status_and_no_more_than_told(journal: Journal) -> None:
    old = [replace(delivery(n), status=DeliveryStatus.DELIVERED) for n in (1, 2, 3)]
    fresh = replace(delivery(4), status=DeliveryStatus.DELIVERED, updated_at=LATER)
    dead = replace(delivery(5), status=DeliveryStatus.DEAD)
    await queue(journal, *old, fresh, dead, delivery(6))

    def prune(tx: Tx) -> int:
        return tx.prune_deliveries(DeliveryStatus.DELIVERED, LATER, 2)

    assert [await journal.write(prune) for _ in range(3)] == [2, 1, 0]
    assert await listed(journal) == [delivery(6), dead, fresh]


async def test_a_rebuild_leaves_the_queue_alone(
    journal: SqliteJournal | PostgresJournal, tmp_path: Path
) -> None:
    def unit(tx: Tx) -> None:
        for entry in Story("a").whole("x"):
            tx.append(entry)
        tx.open_webhook("acme", "hook", 3)
        tx.queue_deliveries([delivery(1)])

    await journal.write(unit)
    await journal.close()
    place = journal.url if isinstance(journal, PostgresJournal) else journal.path
    assert rebuild_record(place, SteppingClock()) == len(Story("a").whole("x"))
    with as_file(place) as path:
        assert rebuild_matches(path) == []
    again = await open_journal(place, tmp_path, clock=SteppingClock())
    try:
        assert await listed(again) == [delivery(1)]
        assert await again.read(lambda records: records.webhook_position("acme", "hook")) == 3
    finally:
        await again.close()
