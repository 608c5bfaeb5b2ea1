"""The ring of the newest announcements: what it holds, and what it says of the rest."""

import pytest

from gateway.events import Page, Selection
from gateway.events import ring as ring_module
from gateway.events.ring import Ring
from gateway.model.event import Announcement, Cursor

ALL = Selection("acme")


def event(position: int, index: int = 0, size: int = 1, workspace: str = "acme") -> Announcement:
    payload = {"x": "x" * size}
    where = (position, index, "a.b", "1.0.0", "2026-03-01T09:30:00.000000Z", workspace)
    return Announcement(f"evt_{position}_{index}", *where, None, None, payload)


def page(*events: Announcement, end: int) -> Page:
    return Page(events, Cursor(end), True, None)


def rest(ring: Ring, after: Cursor, selection: Selection = ALL) -> list[Announcement]:
    found = []
    while (one := ring.first(after, selection)) is not None:
        found.append(one)
        after = one.place
    return found


def test_a_new_ring_holds_nothing() -> None:
    ring = Ring(Cursor(7))
    assert ring.floor == ring.end == Cursor(7)
    assert ring.first(Cursor(7), ALL) is None


def test_events_come_in_order_from_any_place() -> None:
    ring = Ring(Cursor(7))
    events = [event(8, 0), event(8, 1), event(10)]
    ring.add(page(*events, end=12))
    assert ring.end == Cursor(12)
    assert rest(ring, Cursor(7)) == events
    assert rest(ring, Cursor(8, 0)) == events[1:]
    assert rest(ring, Cursor(8)) == events[2:]
    assert rest(ring, Cursor(10, 0)) == []


def test_what_is_not_selected_is_passed_over() -> None:
    ring = Ring(Cursor(0))
    ring.add(page(event(1, workspace="other"), event(2), end=2))
    assert rest(ring, Cursor(0)) == [event(2)]


@pytest.mark.parametrize("per_entry", [1, 3])
def test_the_oldest_go_and_the_floor_says_so(
    monkeypatch: pytest.MonkeyPatch, per_entry: int
) -> None:
    monkeypatch.setattr(ring_module, "MAX_EVENTS", 10)
    ring = Ring(Cursor(0))
    made: list[Announcement] = []
    for position in range(1, 40):
        made += (events := [event(position, index) for index in range(per_entry)])
        ring.add(page(*events, end=position))
        behind = [one for one in made if one.place > ring.floor]
        assert rest(ring, ring.floor) == behind
        assert len(behind) <= 10
    assert ring.floor > Cursor(20)


def test_heavy_payloads_leave_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_module, "MAX_BYTES", 1000)
    ring = Ring(Cursor(0))
    for position in range(1, 9):
        ring.add(page(event(position, size=300), end=position))
    assert 1 <= len(rest(ring, ring.floor)) <= 3


def test_the_newest_page_stays_however_large_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_module, "MAX_EVENTS", 4)
    ring = Ring(Cursor(0))
    ring.add(page(event(1), end=1))
    events = [event(2, index) for index in range(20)]
    ring.add(page(*events, end=2))
    assert rest(ring, ring.floor) == events
    assert ring.floor == Cursor(1, 0)
