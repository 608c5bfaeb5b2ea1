"""The feed: every event once and in order, to whoever may have it, and to nobody else."""

import asyncio
import time
from typing import Any

import pytest

from gateway.events import feed as feed_module
from gateway.events import follower as follower_module
from gateway.events import ring as ring_module
from gateway.journal import SqliteJournal
from gateway.journal.archives.removal import remove_archived
from gateway.model.entry import EntryType
from gateway.model.event import EventFilter
from gateway.model.principal import ANONYMOUS
from gateway.model.problem import ProblemError, refuse
from gateway.pipeline import CallRecorder
from gateway.runtime import Intent
from tests.unit.events.event_world import (
    ACCESS,
    ELSEWHERE,
    EVERYTHING,
    OLGA,
    RITA,
    ROBOT,
    UMA,
    WATCH,
    EventWorld,
    is_quiet,
    take,
)
from tests.unit.runtime.loop_world import AGENT, VERDICT, step

pytestmark = pytest.mark.anyio

EMAIL = "ada@example.com"


async def run(world: EventWorld, *steps: dict[str, Any]) -> str:
    execution_id = await world.begin(*(steps or [step("a", "plain")]))
    await world.advance(execution_id)
    return execution_id


async def refused(world: EventWorld, *asked: Any) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        await take(world.feed.subscribe(*asked), 1)
    return caught.value


async def test_a_subscription_begins_now_and_gives_what_comes(world: EventWorld) -> None:
    await run(world)
    events = world.feed.subscribe(OLGA, EVERYTHING, None)
    await events.start()
    execution_id = await run(world)

    found = await take(events, 5)

    assert found == await world.everything(executionId=execution_id)
    assert [event["type"].removeprefix("controlPlane.") for event in found] == [
        "intent.received",
        "plan.compiled",
        "execution.step.started",
        "execution.step.completed",
        "execution.completed",
    ]
    assert await is_quiet(events)


async def test_events_come_while_somebody_waits(world: EventWorld) -> None:
    events = world.feed.subscribe(OLGA, EVERYTHING, None)
    await events.start()
    waiting = asyncio.create_task(take(events, 5))
    await asyncio.sleep(0.02)
    assert not waiting.done()
    await run(world)
    assert len(await waiting) == 5


async def test_a_wait_that_is_cancelled_loses_nothing(world: EventWorld) -> None:
    events = world.feed.subscribe(OLGA, EVERYTHING, None)
    await events.start()
    assert await is_quiet(events, 0.02)
    execution_id = await run(world)
    found = await take(events, 5)
    assert found == await world.everything(executionId=execution_id)


async def test_an_event_carries_its_envelope(world: EventWorld) -> None:
    execution_id = await run(world)
    run_id = (await world.execution(execution_id)).run_id
    first, *_, last = await world.everything(executionId=execution_id)
    assert set(first) == {
        *("cursor", "id", "type", "version", "occurredAt", "workspaceId", "executionId", "payload")
    }
    assert last["runId"] == run_id
    assert last["workspaceId"] == "acme"
    assert last["occurredAt"] == last["payload"]["completedAt"]


async def test_every_cursor_resumes_behind_its_event(world: EventWorld) -> None:
    await run(world, step("a", "keyed"), step("b", "mail", email=EMAIL))
    whole = await world.everything()
    for index, event in enumerate(whole[:-1]):
        events = world.feed.subscribe(OLGA, EVERYTHING, event["cursor"])
        assert await take(events, len(whole) - index - 1) == whole[index + 1 :]
        assert await is_quiet(events, 0.01)


async def test_a_cursor_works_after_a_restart(world: EventWorld) -> None:
    await run(world)
    whole = await world.everything()
    await world.journal.close()
    world.journal = await SqliteJournal.open(
        world.folder / "gateway.db", clock=world.clock, writer="writer-1"
    )
    world.recorder = CallRecorder(world.journal, world.sealer, world.clock)
    world.feed = world.new_feed(world.journal)

    events = world.feed.subscribe(OLGA, EVERYTHING, whole[1]["cursor"])

    assert await take(events, len(whole) - 2) == whole[2:]


async def test_the_last_cursor_of_the_list_goes_on_with_what_is_new(world: EventWorld) -> None:
    await run(world)
    cursor = (await world.listed())["cursor"]
    events = world.feed.subscribe(OLGA, EVERYTHING, cursor)
    assert await is_quiet(events, 0.02)
    execution_id = await run(world)
    assert {event["executionId"] for event in await take(events, 5)} == {execution_id}


@pytest.mark.parametrize("after", ["x", "", "-1", "1.", "1.2.3", "9" * 40])
async def test_what_is_no_cursor_is_refused(world: EventWorld, after: str) -> None:
    error = await refused(world, OLGA, EVERYTHING, after)
    assert error.problem.code == "VALIDATION_FAILED"
    assert [(issue.path, issue.code) for issue in error.problem.issues] == [
        ("/after", "INVALID_FORMAT")
    ]


async def test_a_cursor_from_the_future_is_refused(world: EventWorld) -> None:
    end = await world.journal.read(lambda records: records.last_position())
    error = await refused(world, OLGA, EVERYTHING, str(end + 50))
    assert [(issue.path, issue.code) for issue in error.problem.issues] == [
        ("/after", "OUT_OF_RANGE")
    ]


async def test_a_filter_is_told_all_its_faults_at_once(world: EventWorld) -> None:
    which = EventFilter(types=("controlPlane.execution.complete", "shop.*", "*.x", "shop."))
    error = await refused(world, OLGA, which, "x")
    assert [issue.path for issue in error.problem.issues] == [
        *("/filter/types/0", "/filter/types/2", "/filter/types/3", "/after")
    ]


@pytest.mark.parametrize("types", [(), ("*",) * 51])
async def test_a_filter_names_some_types_but_not_too_many(
    world: EventWorld, types: tuple[str, ...]
) -> None:
    error = await refused(world, OLGA, EventFilter(types=types), None)
    assert [issue.path for issue in error.problem.issues] == ["/filter/types"]


async def test_filters_narrow(world: EventWorld) -> None:
    first, second = await run(world, step("a", "keyed")), await run(world)
    run_id = (await world.execution(second)).run_id
    whole = await world.everything()

    async def chosen(**which: Any) -> list[Any]:
        expected = await world.everything(
            **{
                {"execution_id": "executionId", "run_id": "runId"}.get(key, key): value
                for key, value in which.items()
            }
        )
        asked = {key: tuple(v) if isinstance(v, list) else v for key, v in which.items()}
        events = world.feed.subscribe(OLGA, EventFilter(**asked), "0")
        found = await take(events, len(expected))
        assert await is_quiet(events, 0.01)
        assert found == expected
        return found

    assert await chosen(execution_id=first) == [e for e in whole if e["executionId"] == first]
    assert await chosen(run_id=run_id) == [e for e in whole if e.get("runId") == run_id]
    assert [e["type"] for e in await chosen(types=["shop.keyed.done"])] == ["shop.keyed.done"]
    assert [e["type"] for e in await chosen(types=["shop.*"])] == ["shop.keyed.done"]
    assert len(await chosen(types=["controlPlane.execution.step.*"])) == 4
    assert await chosen(types=["*"]) == whole
    assert await chosen(execution_id=second, run_id=run_id, types=["shop.*"]) == []


@pytest.mark.parametrize("who", [RITA, OLGA, WATCH, ROBOT], ids=lambda who: who.subject)
async def test_pii_is_shown_as_policy_has_it(world: EventWorld, who: Any) -> None:
    await run(world, step("a", "mail", email=EMAIL))
    shown = {"rita": EMAIL, "olga": "•••@•••", "watch": None, "robot": "•••@•••"}[who.subject]
    which = EventFilter(types=("shop.mail.sent",))

    (event,) = await take(world.feed.subscribe(who, which, "0"), 1)

    assert event["payload"] == {"id": "a", "email": shown}
    assert (await world.everything(who, types=["shop.mail.sent"])) == [event]


async def test_the_strictest_operation_decides_what_is_shown(world: EventWorld) -> None:
    await run(world, step("a", "mail", email=EMAIL))
    pii = "p, 50, *, *, *, shop.mail, input.email, drop\np, 900, user, *, *, *, *, raw\n"
    await world.decide_by(VERDICT, pii=pii)
    which = EventFilter(types=("shop.mail.sent",))
    (event,) = await take(world.feed.subscribe(OLGA, which, "0"), 1)
    assert event["payload"] == {"id": "a", "email": None}


async def test_another_workspace_sees_nothing(world: EventWorld) -> None:
    execution_id = await run(world)
    run_id = (await world.execution(execution_id)).run_id
    assert await world.everything(ELSEWHERE) == []
    assert await is_quiet(world.feed.subscribe(ELSEWHERE, EVERYTHING, "0"))
    for which in (
        EventFilter(workspace="acme"),
        EventFilter(execution_id=execution_id),
        EventFilter(run_id=run_id),
    ):
        error = await refused(world, ELSEWHERE, which, None)
        assert error.problem.code == "NOT_FOUND"
    await world.feed.subscribe(ELSEWHERE, EventFilter(workspace="other"), None).start()


@pytest.mark.parametrize("which", [EventFilter(execution_id="exec_0"), EventFilter(run_id="run_0")])
async def test_what_is_not_there_is_not_found(world: EventWorld, which: EventFilter) -> None:
    assert (await refused(world, OLGA, which, None)).problem.code == "NOT_FOUND"


async def test_a_run_of_another_execution_is_not_found(world: EventWorld) -> None:
    first, second = await run(world), await run(world)
    run_id = (await world.execution(first)).run_id
    which = EventFilter(execution_id=second, run_id=run_id)
    assert (await refused(world, OLGA, which, None)).problem.code == "NOT_FOUND"


async def test_users_follow_their_own_executions_alone(world: EventWorld) -> None:
    own = (await world.submit(UMA)).id
    foreign = await run(world)
    later = (await world.submit(UMA)).id

    found = await take(world.feed.subscribe(UMA, EVERYTHING, "0"), 2)

    assert [event["executionId"] for event in found] == [own, later]
    error = await refused(world, UMA, EventFilter(execution_id=foreign), None)
    assert error.problem.code == "NOT_FOUND"
    assert (await take(world.feed.subscribe(UMA, EventFilter(execution_id=own), "0"), 1))[0][
        "executionId"
    ] == own


async def entries(world: EventWorld, kind: EntryType) -> list[Any]:
    await world.journal.write(lambda _: None)  # whatever was queued before is durable then
    found = await world.journal.read(lambda records: records.entries_after(0, 10_000))
    return [entry for entry in found if entry.type is kind]


async def test_whoever_may_not_follow_is_refused_and_recorded(world: EventWorld) -> None:
    nobody = AGENT.__class__(AGENT.type, "mallory", "acme", frozenset())
    error = await refused(world, nobody, EVERYTHING, None)
    assert error.problem.code == "FORBIDDEN"
    (entry,) = await entries(world, EntryType.CALL_DENIED)
    assert entry.actor == "mallory"
    assert entry.body["contract"] == "controlPlane.event.list@1.0.0"
    assert error.problem.extra == {"decisionId": entry.body["decision"]["decisionId"]}


async def test_whoever_has_no_token_is_told_to_come_with_one(world: EventWorld) -> None:
    assert (await refused(world, ANONYMOUS, EVERYTHING, None)).problem.code == "UNAUTHENTICATED"


async def test_a_start_is_recorded_with_the_contract_that_allowed_it(world: EventWorld) -> None:
    for who in (OLGA, UMA):
        await world.feed.subscribe(who, EVERYTHING, None).start()
    found = await entries(world, EntryType.QUERY_ANSWERED)
    assert [(entry.actor, entry.body["contract"]) for entry in found] == [
        ("olga", "controlPlane.event.list@1.0.0"),
        ("uma", "controlPlane.execution.mine@1.0.0"),
    ]


async def ends(events: Any) -> str:
    with pytest.raises(ProblemError) as caught:
        await take(events, 1)
    with pytest.raises(StopAsyncIteration):
        await anext(events)
    return caught.value.problem.code


async def test_access_that_is_lost_ends_the_subscription_at_once(world: EventWorld) -> None:
    events = world.feed.subscribe(WATCH, EVERYTHING, None)
    await events.start()
    waiting = asyncio.create_task(ends(events))
    await asyncio.sleep(0.02)
    await world.decide_by(VERDICT, access=ACCESS)
    assert await asyncio.wait_for(waiting, 25) == "FORBIDDEN"
    (entry,) = await entries(world, EntryType.CALL_DENIED)
    assert entry.actor == "watch"


async def test_nothing_behind_the_loss_of_access_is_given(world: EventWorld) -> None:
    first = await run(world)
    events = world.feed.subscribe(WATCH, EVERYTHING, "0")
    assert (await take(events, 1))[0]["executionId"] == first
    await world.decide_by(VERDICT, access=ACCESS)
    assert await ends(events) == "FORBIDDEN"


async def test_access_that_stays_goes_on_under_the_new_policy(world: EventWorld) -> None:
    events = world.feed.subscribe(OLGA, EVERYTHING, None)
    await events.start()
    await world.decide_by(VERDICT, pii="p, 900, user, *, *, *, *, drop\n")
    await run(world, step("a", "mail", email=EMAIL))
    found = await take(events, 6)
    shown = next(event for event in found if event["type"] == "shop.mail.sent")
    assert shown["payload"]["email"] is None


async def test_a_policy_that_this_process_has_not_got_ends_the_subscription(
    world: EventWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "GRACE", 0.05)
    events = world.feed.subscribe(OLGA, EVERYTHING, None)
    await events.start()
    waiting = asyncio.create_task(ends(events))
    await asyncio.sleep(0.02)
    await world.activate("sha256:of-another-process")
    assert await asyncio.wait_for(waiting, 25) == "PRECONDITION_FAILED"
    assert (await refused(world, OLGA, EVERYTHING, None)).problem.code == "PRECONDITION_FAILED"


@pytest.mark.parametrize("record_first", [True, False])
async def test_a_live_change_of_policy_is_followed_in_either_order(
    world: EventWorld, record_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "GRACE", 25.0)  # however long the change takes here
    staying = world.feed.subscribe(OLGA, EVERYTHING, None)
    leaving = world.feed.subscribe(WATCH, EVERYTHING, None)
    await asyncio.gather(staying.start(), leaving.start())
    losing = asyncio.create_task(ends(leaving))
    await asyncio.sleep(0.02)
    old = world.loop
    revision = (await world.decide_by(VERDICT, access=ACCESS, in_force=False)).revision
    new = world.loop
    world.loop = old if record_first else new
    if record_first:
        await world.activate(revision)
    world.feed.recheck()
    given = asyncio.create_task(take(staying, 5))
    await world.submit()
    await asyncio.sleep(0.03)
    assert not given.done()
    assert not losing.done()

    if not record_first:
        await world.activate(revision)
    world.loop = new
    world.feed.recheck()
    await run(world)

    assert await asyncio.wait_for(losing, 25) == "FORBIDDEN"
    assert len(await given) == 5


async def test_closing_ends_everybody_and_lets_nobody_in(world: EventWorld) -> None:
    await run(world)
    idle = [
        asyncio.create_task(ends(world.feed.subscribe(OLGA, EVERYTHING, None))) for _ in range(5)
    ]
    busy = world.feed.subscribe(OLGA, EVERYTHING, "0")
    await take(busy, 1)
    world.feed.close()
    world.feed.close()
    assert {await asyncio.wait_for(task, 25) for task in idle} == {"SERVICE_UNAVAILABLE"}
    assert await ends(busy) == "SERVICE_UNAVAILABLE"
    error = await refused(world, OLGA, EVERYTHING, None)
    assert error.problem.code == "SERVICE_UNAVAILABLE"


async def test_a_record_that_cannot_be_read_ends_the_subscriptions(world: EventWorld) -> None:
    journal = Watched(world.journal)
    feed = world.new_feed(journal)
    events = feed.subscribe(OLGA, EVERYTHING, None)
    await events.start()
    waiting = asyncio.create_task(ends(events))
    await asyncio.sleep(0.02)
    journal.refusals = 1
    await world.submit()
    assert await asyncio.wait_for(waiting, 25) == "SERVICE_UNAVAILABLE"

    again = feed.subscribe(OLGA, EVERYTHING, "0")
    assert len(await take(again, 1)) == 1
    feed.close()


class Watched:
    """A journal that counts how often it is read, and refuses the next reads when told to."""

    def __init__(self, journal: SqliteJournal) -> None:
        self._journal = journal
        self.moved: Any = journal.moved
        self.reads = 0
        self.refusals = 0

    async def read(self, query: Any) -> Any:
        self.reads += 1
        if self.refusals:
            self.refusals -= 1
            raise refuse("SERVICE_UNAVAILABLE", "The disk is gone.")
        return await self._journal.read(query)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)


async def test_idle_subscriptions_cost_nothing(world: EventWorld) -> None:
    journal = Watched(world.journal)
    feed = world.new_feed(journal)
    subscribed = [feed.subscribe(OLGA, EVERYTHING, None) for _ in range(50)]
    await asyncio.gather(*(events.start() for events in subscribed))
    waiting = [asyncio.create_task(anext(events)) for events in subscribed]
    await asyncio.sleep(0.1)
    await world.journal.write(lambda _: None)
    end = await world.journal.read(lambda records: records.last_position())
    async with asyncio.timeout(25):
        while feed.follower.ring.end.position != end:  # noqa: ASYNC110 - a ring has no event
            await asyncio.sleep(0.005)
    before = journal.reads
    await asyncio.sleep(0.2)
    assert journal.reads == before

    await world.submit()
    found = await asyncio.gather(*waiting)
    assert len({event["id"] for event in found}) == 1
    assert journal.reads - before <= 2, "each reads for himself what one could read for all"
    feed.close()


async def test_an_entry_that_nobody_was_told_of_is_found_in_the_end(
    world: EventWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower_module, "LOOK_AGAIN", 0.02)
    journal = Watched(world.journal)
    journal.moved = never
    feed = world.new_feed(journal)
    events = feed.subscribe(OLGA, EVERYTHING, None)
    await events.start()
    await world.submit()
    assert len(await take(events, 1)) == 1
    feed.close()


async def never(_: int) -> None:
    await asyncio.Event().wait()


async def test_nobody_reads_when_nobody_follows(world: EventWorld) -> None:
    journal = Watched(world.journal)
    feed = world.new_feed(journal)
    events = feed.subscribe(OLGA, EVERYTHING, None)
    await events.start()
    await events.aclose()
    forgotten = feed.subscribe(OLGA, EVERYTHING, None)
    await forgotten.start()
    del forgotten
    await run(world)
    assert feed.follower._task is not None
    await asyncio.wait_for(feed.follower._task, 25)  # it sees at the first news that it may end
    before = journal.reads
    await run(world)
    await asyncio.sleep(0.02)
    assert journal.reads == before
    feed.close()


async def test_a_slow_consumer_holds_a_page_at_most(
    world: EventWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ring_module, "MAX_EVENTS", 8)
    slow = world.feed.subscribe(OLGA, EVERYTHING, "0")
    quick = world.feed.subscribe(OLGA, EVERYTHING, None)
    await slow.start()
    await quick.start()
    for _ in range(10):
        await run(world)
        await take(quick, 5)
    assert len(world.feed.follower.ring._events) <= 8 + 5
    monkeypatch.setattr(feed_module, "PAGE", 7)
    whole = await world.everything()
    assert len(whole) == 50
    found = []
    for _ in whole:
        found += await take(slow, 1)
        assert len(slow._page) <= 7
    assert found == whole


@pytest.mark.parametrize("entries", [1_000, pytest.param(10_000, marks=pytest.mark.soak)])
async def test_thousands_of_entries_are_replayed_in_a_few_seconds(
    world: EventWorld, entries: int
) -> None:
    def unit(tx: Any) -> None:
        for _ in range(500):
            world.loop.lifecycle.receive(tx, OLGA, Intent("x"))

    for _ in range(entries // 500):
        await world.journal.write(unit)
    started = time.process_time()  # what else the machine does costs this process nothing
    events = world.feed.subscribe(OLGA, EVERYTHING, "0")
    found = await take(events, entries)
    took = time.process_time() - started
    assert len({event["id"] for event in found}) == entries
    assert took < 8, f"{took:.1f} s"


async def test_who_begins_long_ago_holds_up_nobody_who_follows_what_comes(
    world: EventWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await run(world)
    last = await world.journal.read(lambda records: records.last_position())
    read, places = follower_module.read_page, []

    def noted(records: Any, after: Any, *given: Any) -> Any:
        places.append(after.position)
        return read(records, after, *given)

    monkeypatch.setattr(follower_module, "read_page", noted)
    behind = world.feed.subscribe(OLGA, EVERYTHING, "0")
    assert (await take(behind, 1))[0]["cursor"] == "2.0"
    live = world.feed.subscribe(OLGA, EVERYTHING, None)
    await live.start()
    execution_id = await run(world)

    assert (await take(live, 1))[0]["executionId"] == execution_id
    assert min(places) >= last
    assert [event["cursor"] for event in await take(behind, 9)] == [
        event["cursor"] for event in (await world.everything())[1:10]
    ]


async def test_who_is_behind_is_told_that_what_comes_next_was_archived(
    world: EventWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL gateways go on while entries go to the archive."""
    monkeypatch.setattr(feed_module, "PAGE", 4)
    await run(world)
    ahead = world.feed.subscribe(OLGA, EVERYTHING, None)
    await ahead.start()
    behind = world.feed.subscribe(OLGA, EVERYTHING, "0")
    own = world.feed.subscribe(OLGA, EventFilter(execution_id=await run(world)), "0")
    first = await take(behind, 1)
    last = await world.journal.read(lambda records: records.last_position())
    told = {"first": 1, "last": last, "file": "a", "sha256": "b", "absent": f"1-{last}"}
    await world.append(EntryType.RECORD_ARCHIVED, told, workspace="")

    with pytest.raises(ProblemError) as caught:
        await take(behind, 100)

    assert first[0]["cursor"] == "2.0"
    assert caught.value.problem.code == "GONE"
    assert len(await take(own, 5)) == 5


async def test_who_is_behind_in_one_execution_is_told_that_it_was_archived(
    world: EventWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "PAGE", 4)
    execution_id = await run(world)
    ahead = world.feed.subscribe(OLGA, EVERYTHING, None)
    await ahead.start()
    behind = world.feed.subscribe(OLGA, EventFilter(execution_id=execution_id), "0")
    await take(behind, 1)
    last = await world.journal.read(lambda records: records.last_position())
    removed = await world.journal.run(lambda unit: remove_archived(unit._session, last))

    with pytest.raises(ProblemError) as caught:
        await take(behind, 100)

    assert removed.executions == 1
    assert caught.value.problem.code == "GONE"
    assert execution_id in caught.value.problem.detail
