"""What a subscriber was shown of personal data is recorded: now and then, and at the end."""

import asyncio

import pytest

from gateway.events import shown as shown_module
from gateway.model.entry import Entry, EntryType
from gateway.model.ports import Records
from tests.unit.events.event_world import EVERYTHING, OLGA, EventWorld, take
from tests.unit.runtime.loop_world import step

pytestmark = pytest.mark.anyio

EMAIL = "ada@example.com"
MAILED = "shop.mail.sent@1.0.0 payload.email"


async def entries(world: EventWorld, kind: EntryType) -> list[Entry]:
    def query(records: Records) -> list[Entry]:
        return [one for one in records.entries_after(0, 10_000) if one.type is kind]

    await world.journal.write(lambda _: None)
    return await world.journal.read(query)


async def mailed(world: EventWorld) -> str:
    execution_id = await world.begin(step("a", "mail", email=EMAIL))
    await world.advance(execution_id)
    return execution_id


async def test_the_end_of_a_stream_records_what_it_showed(world: EventWorld) -> None:
    events = world.feed.subscribe(OLGA, EVERYTHING, None)
    await events.start()
    first, second = await mailed(world), await mailed(world)
    await take(events, 12)
    assert await entries(world, EntryType.EVENTS_SHOWN) == []
    await events.aclose()

    (entry,) = await entries(world, EntryType.EVENTS_SHOWN)
    assert (entry.actor, entry.workspace) == ("olga", "acme")
    assert entry.body["contract"] == "controlPlane.event.list@1.0.0"
    assert entry.body["seen"]["fields"] == {MAILED: "mask"}
    assert set(entry.body["seen"]["executions"]) == {first, second}
    assert entry.body["counts"] == {MAILED: {"mask": 2}}
    assert entry.body["last"] is True
    assert EMAIL not in str(entry.body)
    (start,) = await entries(world, EntryType.QUERY_ANSWERED)
    assert start.body["seen"] is None  # told later


async def test_a_long_stream_records_now_and_then(
    world: EventWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown_module, "TELL_EVERY", 0.05)
    events = world.feed.subscribe(OLGA, EVERYTHING, None)
    await events.start()
    await mailed(world)
    await take(events, 6)
    await asyncio.sleep(0.3)
    (entry,) = await entries(world, EntryType.EVENTS_SHOWN)
    assert entry.body["last"] is False
    await events.aclose()
    assert len(await entries(world, EntryType.EVENTS_SHOWN)) == 1  # nothing was shown since


async def test_a_stream_without_personal_data_records_nothing_more(world: EventWorld) -> None:
    events = world.feed.subscribe(OLGA, EVERYTHING, None)
    await events.start()
    await world.advance(await world.begin(step("a", "plain")))
    await take(events, 5)
    await events.aclose()
    assert await entries(world, EntryType.EVENTS_SHOWN) == []
