"""When a failed delivery is tried again, and when it is given up."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gateway.model.delivery import Delivery, DeliveryStatus, delivery_id
from gateway.model.time import after, parse
from gateway.webhooks.schedule import RETRIES, Attempt, Schedule, replayed

NOW = "2026-03-01T09:30:00.000000Z"
DELIVERY = Delivery(
    id="msg_1",
    workspace="acme",
    endpoint="hook",
    event_id="evt_1",
    position=1,
    index=0,
    type="a.b",
    execution_id=None,
    created_at=NOW,
    updated_at=NOW,
    next_at=NOW,
)
STEADY = Schedule(lambda: 0.0)
FAILED = Attempt(500, "The receiver answered 500.")


def pause(settled: Delivery, now: str = NOW) -> float:
    assert settled.next_at is not None
    return (parse(settled.next_at) - parse(now)).total_seconds()


def test_the_pauses_are_those_that_standard_webhooks_suggests() -> None:
    delivery, pauses = DELIVERY, []
    while delivery.status is DeliveryStatus.PENDING:
        delivery = STEADY.settle(delivery, FAILED, NOW)
        if delivery.next_at is not None:
            pauses.append(pause(delivery))
    hours = [hours * 3600 for hours in (2, 5, 10, 14, 20, 24)]
    assert pauses == [5, 300, 1800, *hours]
    assert delivery.status is DeliveryStatus.DEAD
    assert (delivery.attempts, delivery.next_at) == (10, None)
    assert (delivery.last_status, delivery.last_error) == (500, "The receiver answered 500.")


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_2xx_counts_as_delivered(status: int) -> None:
    settled = STEADY.settle(DELIVERY, Attempt(status, None), NOW)
    assert (settled.status, settled.next_at) == (DeliveryStatus.DELIVERED, None)
    assert (settled.attempts, settled.last_status, settled.last_error) == (1, status, None)


@pytest.mark.parametrize("status", [None, 301, 302, 400, 401, 404, 429, 500, 502, 503])
def test_everything_else_is_tried_again(status: int | None) -> None:
    settled = STEADY.settle(DELIVERY, Attempt(status, "It failed."), NOW)
    assert (settled.status, pause(settled)) == (DeliveryStatus.PENDING, 5)


def test_410_gone_is_not_tried_again() -> None:
    settled = STEADY.settle(DELIVERY, Attempt(410, "The receiver answered 410."), NOW)
    assert (settled.status, settled.attempts) == (DeliveryStatus.DEAD, 1)


def test_jitter_adds_up_to_a_fifth() -> None:
    longest = Schedule(lambda: 1.0).settle(DELIVERY, FAILED, NOW)
    assert pause(longest) == pytest.approx(6)
    assert pause(Schedule(lambda: 0.5).settle(DELIVERY, FAILED, NOW)) == pytest.approx(5.5)


def test_the_scale_shortens_every_pause() -> None:
    quick = Schedule(lambda: 0.0, scale=0.01)
    assert pause(quick.settle(replace(DELIVERY, attempts=2), FAILED, NOW)) == pytest.approx(18)


def test_a_receiver_can_put_an_attempt_off_but_not_bring_it_forward() -> None:
    asked = Attempt(503, "The receiver answered 503.", retry_after=60.0)
    assert pause(STEADY.settle(DELIVERY, asked, NOW)) == 60
    assert pause(STEADY.settle(replace(DELIVERY, attempts=1), asked, NOW)) == 300


def test_a_receiver_cannot_put_off_for_ever() -> None:
    delivery = DELIVERY
    asked = Attempt(429, "The receiver answered 429.", retry_after=60.0)
    for _ in range(len(RETRIES) + 1):
        delivery = STEADY.settle(delivery, asked, NOW)
    assert delivery.status is DeliveryStatus.DEAD


MOMENT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 2.0])
def test_no_attempt_is_put_off_beyond_the_latest_moment(scale: float) -> None:
    schedule = Schedule(lambda: 1.0, scale)
    longest = replace(DELIVERY, attempts=len(RETRIES) - 1)
    for attempt in (Attempt(500, "No."), Attempt(503, "No.", 86_400.0)):
        for tried in (DELIVERY, longest):
            assert (schedule.settle(tried, attempt, NOW).next_at or "") <= schedule.latest(NOW)


def test_the_latest_moment_is_within_the_calendar() -> None:
    assert Schedule(lambda: 1.0, 1e9).latest(NOW) == "9999-12-31T23:59:59.999999Z"


def test_a_replayed_delivery_is_due_at_once_with_all_attempts_before_it() -> None:
    dead = replace(DELIVERY, status=DeliveryStatus.DEAD, attempts=10, next_at=None)
    later = after(NOW, 60)
    again = replayed(dead, later)
    assert (again.status, again.attempts, again.next_at) == (DeliveryStatus.PENDING, 0, later)
    assert again.id == dead.id


def test_the_id_of_a_delivery_follows_from_its_event_and_endpoint() -> None:
    assert delivery_id("a", "b", "c") == delivery_id("a", "b", "c")
    ids = {delivery_id(*parts) for parts in (("a", "b", "c"), ("a", "c", "b"), ("ab", "", "c"))}
    assert len(ids) == 3
    assert "." not in delivery_id("a", "b", "evt.1")


def test_names_that_run_into_each_other_give_different_ids() -> None:
    assert delivery_id("a", "b,c", "d") != delivery_id("a,b", "c", "d")
    assert delivery_id("a", 'b","c', "d") != delivery_id('a","b', "c", "d")
