"""Following the record without a gap, for every journal."""

import asyncio

import pytest

from gateway.model.entry import Entry, EntryType, NewEntry
from gateway.model.ports import Journal, Tx
from gateway.model.problem import ProblemError
from tests.contract.journal_story import WORKSPACE, Story, placed

pytestmark = pytest.mark.anyio


def receiving(name: str, workspace: str = WORKSPACE):
    return lambda tx: tx.append(Story(name, workspace).received())


async def behind(journal: Journal, position: int, limit: int = 1000) -> list[Entry]:
    return await journal.read(lambda records: records.entries_after(position, limit))


async def end(journal: Journal) -> int:
    return await journal.read(lambda records: records.last_position())


async def test_an_empty_record_ends_at_nothing(journal: Journal) -> None:
    assert await end(journal) == 0
    assert await behind(journal, 0) == []


async def test_entries_of_all_chains_come_in_one_order(journal: Journal) -> None:
    written = [
        await journal.write(receiving("a")),
        await journal.write(receiving("b", "other")),
        await journal.write(
            lambda tx: tx.append(NewEntry(EntryType.QUERY_ANSWERED, WORKSPACE, {"n": 1}))
        ),
        await journal.write(receiving("c")),
    ]
    written = placed(written)
    assert await behind(journal, 0) == written
    assert await behind(journal, written[1].position) == written[2:]
    assert await behind(journal, 0, limit=2) == written[:2]
    assert await end(journal) == written[-1].position
    assert await behind(journal, written[-1].position) == []


async def test_the_entries_of_one_execution_can_be_followed_alone(journal: Journal) -> None:
    story = Story("a")
    written = []
    for entry in story.whole("x"):
        written.append(await journal.write(lambda tx, entry=entry: tx.append(entry)))
        await journal.write(receiving(f"other_{len(written)}"))

    async def follow(position: int, limit: int = 1000) -> list[Entry]:
        return await journal.read(
            lambda records: records.entries_after(position, limit, story.execution_id)
        )

    written = [entry._replace(position=2 * n + 1) for n, entry in enumerate(written)]
    assert await follow(0) == written
    assert await follow(written[1].position) == written[2:]
    assert await follow(0, 2) == written[:2]


async def test_whoever_waits_is_told_once_an_entry_is_durable(journal: Journal) -> None:
    before = await end(journal)
    waiting = asyncio.create_task(journal.moved(before))
    await asyncio.sleep(0.02)
    assert not waiting.done()

    written = await journal.write(receiving("a"))

    await asyncio.wait_for(waiting, 25)
    assert await behind(journal, before) == placed([written])


async def test_an_entry_that_is_already_there_is_not_waited_for(journal: Journal) -> None:
    before = await end(journal)
    await journal.write(receiving("a"))
    await asyncio.wait_for(journal.moved(before), 25)


async def test_a_recorded_entry_is_told_too(journal: Journal) -> None:
    waiting = asyncio.create_task(journal.moved(await end(journal)))
    await journal.record(lambda tx: tx.append(Story("a").received()) and None)
    await asyncio.wait_for(waiting, 25)


async def test_a_unit_that_fails_or_appends_nothing_tells_nobody(journal: Journal) -> None:
    def failing(tx: Tx) -> None:
        tx.append(Story("a").received())
        raise LookupError("not this one")

    waiting = asyncio.create_task(journal.moved(await end(journal)))
    with pytest.raises(LookupError):
        await journal.write(failing)
    await journal.write(lambda tx: tx.last_position())
    await asyncio.sleep(0.02)
    assert not waiting.done()
    waiting.cancel()


async def test_everybody_who_waits_is_told(journal: Journal) -> None:
    before = await end(journal)
    waiting = [asyncio.create_task(journal.moved(before)) for _ in range(20)]
    waiting[0].cancel()
    await journal.write(receiving("a"))
    await asyncio.wait_for(asyncio.gather(*waiting[1:]), 25)


async def test_a_follower_sees_every_entry_once_while_many_write(journal: Journal) -> None:
    async def write(name: str) -> None:
        for number in range(20):
            await journal.write(receiving(f"{name}_{number}"))

    async def follow() -> list[str]:
        seen: list[str] = []
        place = 0
        while len(seen) < 100:
            await journal.moved(place)
            entries = await behind(journal, place, limit=7)
            assert entries, "moved told of nothing"
            seen += [entry.execution_id or "" for entry in entries]
            place = entries[-1].position
        return seen

    following = asyncio.create_task(follow())
    await asyncio.gather(*(write(name) for name in "abcde"))
    seen = await asyncio.wait_for(following, 25)

    assert seen == [entry.execution_id for entry in await behind(journal, 0)]
    assert len(set(seen)) == 100


async def test_a_closed_record_lets_go_whoever_waits(journal) -> None:
    waiting = asyncio.create_task(journal.moved(await end(journal)))
    await asyncio.sleep(0)
    await journal.close()
    with pytest.raises(ProblemError) as caught:
        await waiting
    assert caught.value.problem.code == "SERVICE_UNAVAILABLE"
    with pytest.raises(ProblemError):
        await journal.moved(10)
