"""However writers and readers interleave, everybody gets every event once and in order."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.events import Subscription, feed, follower, ring
from gateway.model.event import Cursor, EventFilter
from gateway.model.json import JsonObject
from gateway.model.ports import Tx
from gateway.runtime import Intent
from tests.properties.amounts import examples
from tests.unit.events.event_world import ELSEWHERE, OLGA, UMA, EventWorld
from tests.unit.runtime.loop_world import AGENT, step

TYPES: tuple[tuple[str, ...] | None, ...] = (
    None,
    ("controlPlane.execution.*", "shop.*"),
    ("controlPlane.intent.received",),
)
WHO = {"olga": OLGA, "uma": UMA, "eve": ELSEWHERE}
WORK = ("submit", "mine", "other", "run", "many", "fail")


@dataclass
class Reader:
    """Somebody who follows: takes some events, goes away in some manner, and comes back.

    ``began`` are two positions between which the first subscription started.
    """

    who: str
    types: tuple[str, ...] | None
    after: str | None
    turns: list[tuple[int, str]]
    slow: bool
    seen: list[JsonObject] = field(default_factory=list)
    began: tuple[int, int] = (0, 0)


READERS = st.builds(
    Reader,
    who=st.sampled_from(sorted(WHO)),
    types=st.sampled_from(TYPES),
    after=st.sampled_from([None, "0"]),
    turns=st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from(["close", "forget", "cancel"])), max_size=4
    ),
    slow=st.booleans(),
)


async def write(world: EventWorld, tasks: list[str]) -> None:
    for what in tasks:
        await do(world, what)
        await asyncio.sleep(0)


async def do(world: EventWorld, what: str) -> None:
    """One thing that a writer may do."""

    def many(tx: Tx) -> None:
        for _ in range(3):
            world.loop.lifecycle.receive(tx, OLGA, Intent("x"))

    def fail(tx: Tx) -> None:
        many(tx)
        raise LookupError("this unit is undone")

    match what:
        case "submit":
            await world.submit(AGENT)
        case "mine":
            await world.submit(UMA)
        case "other":
            await world.submit(ELSEWHERE)
        case "many":
            await world.journal.write(many)
        case "fail":
            with pytest.raises(LookupError):
                await world.journal.write(fail)
        case "run":
            execution_id = await world.begin(step("a", "keyed"), step("b", "read"))
            await world.advance(execution_id)


async def subscribe(world: EventWorld, reader: Reader) -> Subscription:
    after = reader.seen[-1]["cursor"] if reader.seen else reader.after
    events = world.feed.subscribe(WHO[reader.who], EventFilter(types=reader.types), after)
    before = await end(world)
    await events.start()
    if not reader.seen and after is None:
        reader.began = (before, await end(world))
    return events


async def end(world: EventWorld) -> int:
    return await world.journal.read(lambda records: records.last_position())


async def try_take(reader: Reader, events: Subscription, seconds: float) -> bool:
    """Take an event if one comes; whoever gives up has lost nothing and may ask again."""
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.wait([waiting], timeout=seconds)
    if not waiting.done():
        waiting.cancel()
        await asyncio.wait([waiting])
    if waiting.cancelled():
        return False
    reader.seen.append(waiting.result())
    return True


async def follow(world: EventWorld, reader: Reader, written: asyncio.Event) -> None:
    """Follow with interruptions while others write, and then to the end."""
    for count, parting in reader.turns:
        events = await subscribe(world, reader)
        for _ in range(count):
            await try_take(reader, events, 0.002)
        if parting == "cancel":
            await try_take(reader, events, 0)
        if parting != "forget":
            await events.aclose()
    events = await subscribe(world, reader)
    if reader.slow:
        await written.wait()
    while not written.is_set() or await is_behind(world, reader):
        await try_take(reader, events, 0.01)
    assert not await try_take(reader, events, 0.02) or not await is_behind(world, reader)
    await events.aclose()


async def listed(world: EventWorld, reader: Reader) -> list[JsonObject]:
    """What controlPlane.event.list gives of what this reader may have."""
    asked = {} if reader.types is None else {"types": list(reader.types)}
    if reader.who != "uma":
        return await world.everything(WHO[reader.who], **asked)
    own = {
        event["executionId"]
        for event in await world.everything(types=["controlPlane.intent.received"])
        if event["payload"]["actorId"] == "uma"
    }
    return [event for event in await world.everything(**asked) if event["executionId"] in own]


def position(event: JsonObject) -> int:
    return Cursor.parse(event["cursor"]).position


async def is_behind(world: EventWorld, reader: Reader) -> bool:
    everything = await listed(world, reader)
    if not everything or position(everything[-1]) <= reader.began[1]:
        return False
    return not reader.seen or reader.seen[-1] != everything[-1]


async def check(world: EventWorld, reader: Reader) -> None:
    """What was seen is what is listed from the beginning on: no gap, no repeat, no other order."""
    everything = await listed(world, reader)
    first, last = (sum(position(event) <= limit for event in everything) for limit in reader.began)
    assert any(reader.seen == everything[start:] for start in range(first, last + 1))


@contextmanager
def small(page: int, held: int) -> Iterator[None]:
    """Pages and a ring so small that everybody is behind at times."""
    with (
        patch.object(follower, "PAGE", page),
        patch.object(feed, "PAGE", page),
        patch.object(ring, "MAX_EVENTS", held),
    ):
        yield


async def play(folder: Path, writers: list[list[str]], readers: list[Reader]) -> None:
    world = await EventWorld.open(folder)
    try:
        written = asyncio.Event()
        async with asyncio.timeout(60):
            following = [asyncio.create_task(follow(world, one, written)) for one in readers]
            await asyncio.gather(*(write(world, tasks) for tasks in writers))
            written.set()
            await asyncio.gather(*following)
        for reader in readers:
            await check(world, reader)
    finally:
        world.feed.close()
        await world.journal.close()


@settings(
    max_examples=examples(30),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    writers=st.lists(st.lists(st.sampled_from(WORK), max_size=5), min_size=1, max_size=4),
    readers=st.lists(READERS, min_size=1, max_size=4),
    page=st.integers(1, 9),
    held=st.integers(2, 12),
)
def test_every_subscriber_sees_what_is_listed_without_gap_or_repeat(
    writers: list[list[str]], readers: list[Reader], page: int, held: int
) -> None:
    fresh = [Reader(one.who, one.types, one.after, one.turns, one.slow) for one in readers]
    with tempfile.TemporaryDirectory() as folder, small(page, held):
        asyncio.run(play(Path(folder), writers, fresh))
