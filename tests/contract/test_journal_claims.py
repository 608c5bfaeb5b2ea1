"""Claims: one owner at a time, no lost wake-up, for every journal."""

import asyncio

import pytest

from gateway.journal.postgres import PostgresJournal
from gateway.model.execution import Claim
from gateway.model.ports import Journal, Tx
from gateway.model.time import after
from tests.contract.journal_story import Story

pytestmark = pytest.mark.anyio

FAR = "2999-01-01T00:00:00.000000Z"


async def enlisted(journal: Journal, name: str = "a") -> Story:
    story = Story(name)

    def unit(tx: Tx) -> None:
        for entry in story.until_started("x"):
            tx.append(entry)
        tx.enlist(story.run_id, story.execution_id)

    await journal.write(unit)
    return story


async def due(journal: Journal, limit: int = 10) -> list[str]:
    now = await journal.write(lambda tx: tx.now)
    return await journal.read(lambda records: records.due_runs(now, limit))


async def claimed(journal: Journal, owner: str, until: str = FAR) -> Claim | None:
    return await journal.write(lambda tx: tx.claim("run_a", owner, until))


async def test_a_new_run_is_due_at_once_and_held_by_nobody(journal: Journal) -> None:
    await enlisted(journal)

    assert await due(journal) == ["run_a"]
    claim = await claimed(journal, "one")
    assert claim is not None
    assert (claim.execution_id, claim.owner, claim.epoch) == ("exec_a", "one", 1)
    assert (claim.lease_until, claim.wake_seq) == (FAR, 1)
    assert await due(journal) == []


async def test_a_held_run_is_taken_by_nobody_else(journal: Journal) -> None:
    await enlisted(journal)
    await claimed(journal, "one")

    assert await claimed(journal, "two") is None
    again = await claimed(journal, "one")
    assert again is not None
    assert again.epoch == 2


async def test_of_two_owners_that_come_together_one_gets_the_run(journal: Journal) -> None:
    await enlisted(journal)

    claims = await asyncio.gather(*(claimed(journal, f"owner-{n}") for n in range(16)))

    assert [claim.epoch for claim in claims if claim] == [1]


async def test_a_lapsed_lease_lets_another_in_and_fences_the_first_out(journal: Journal) -> None:
    await enlisted(journal)
    now = await journal.write(lambda tx: tx.now)
    first = await claimed(journal, "one", after(now, 0.002))
    assert first is not None
    await asyncio.sleep(0.01)
    for _ in range(5):  # the clock moves on
        await journal.write(lambda tx: None)

    assert await due(journal) == ["run_a"]
    second = await claimed(journal, "two")
    assert second is not None
    assert second.epoch == 2
    assert await journal.write(lambda tx: tx.fence("run_a", 1, FAR)) is None
    assert await journal.write(lambda tx: tx.release("run_a", 1, 1, None)) is False
    held = await journal.write(lambda tx: tx.fence("run_a", 2, FAR))
    assert held is not None
    assert held.owner == "two"


async def test_a_fence_prolongs_the_lease(journal: Journal) -> None:
    await enlisted(journal)
    now = await journal.write(lambda tx: tx.now)
    await claimed(journal, "one", after(now, 0.002))

    prolonged = await journal.write(lambda tx: tx.fence("run_a", 1, FAR))

    assert prolonged is not None
    assert prolonged.lease_until == FAR
    assert await due(journal) == []


async def test_a_released_run_is_due_when_it_wanted_to_wake(journal: Journal) -> None:
    await enlisted(journal)
    await claimed(journal, "one")
    now = await journal.write(lambda tx: tx.now)
    soon = after(now, 3600)

    assert await journal.write(lambda tx: tx.release("run_a", 1, 1, soon)) is True

    assert await due(journal) == []
    assert await journal.read(lambda r: r.next_wake()) == soon
    assert await journal.read(lambda r: r.due_runs(after(soon, 1), 10)) == ["run_a"]
    assert await journal.write(lambda tx: tx.fence("run_a", 1, FAR)) is None


async def test_a_run_released_for_ever_is_never_due(journal: Journal) -> None:
    await enlisted(journal)
    await claimed(journal, "one")
    await journal.write(lambda tx: tx.release("run_a", 1, 1, None))

    assert await journal.read(lambda r: r.due_runs(FAR, 10)) == []
    assert await journal.read(lambda r: r.next_wake()) is None


async def test_a_wake_up_before_the_release_is_not_lost(journal: Journal) -> None:
    await enlisted(journal)
    await claimed(journal, "one")
    await journal.write(lambda tx: tx.wake("run_a"))

    assert await journal.write(lambda tx: tx.release("run_a", 1, 1, None)) is False
    claim = await journal.write(lambda tx: tx.fence("run_a", 1, FAR))
    assert claim is not None
    assert claim.wake_seq == 2
    assert await journal.write(lambda tx: tx.release("run_a", 1, 2, None)) is True


async def test_a_wake_up_after_the_release_makes_the_run_due(journal: Journal) -> None:
    await enlisted(journal)
    await claimed(journal, "one")
    await journal.write(lambda tx: tx.release("run_a", 1, 1, None))

    await journal.write(lambda tx: tx.wake("run_a"))

    assert await due(journal) == ["run_a"]


async def test_a_run_that_was_ended_from_outside_is_due_until_it_is_given_back(
    journal: Journal,
) -> None:
    story = await enlisted(journal)
    await journal.write(lambda tx: tx.append(story.ended("cancelled", x="cancelled")))
    await journal.write(lambda tx: tx.wake("run_a"))
    assert await due(journal) == ["run_a"]

    await claimed(journal, "one")
    assert await journal.write(lambda tx: tx.release("run_a", 1, 2, None)) is True

    assert await due(journal) == []
    assert await journal.read(lambda r: r.next_wake()) is None


async def test_the_longest_overdue_run_comes_first(journal: Journal) -> None:
    for name in ("a", "b", "c"):
        await enlisted(journal, name)
    await journal.write(lambda tx: tx.wake("run_a"))

    assert await due(journal) == ["run_b", "run_c", "run_a"]
    assert await due(journal, limit=2) == ["run_b", "run_c"]


async def test_the_next_wake_is_the_earliest_of_wakes_and_leases(journal: Journal) -> None:
    for name in ("a", "b"):
        await enlisted(journal, name)
    now = await journal.write(lambda tx: tx.now)
    await claimed(journal, "one", after(now, 50))
    await journal.write(lambda tx: tx.claim("run_b", "one", FAR))
    await journal.write(lambda tx: tx.release("run_b", 1, 1, after(now, 90)))
    assert await journal.read(lambda r: r.next_wake()) == after(now, 50)

    await journal.write(lambda tx: tx.fence("run_a", 1, after(now, 200)))
    assert await journal.read(lambda r: r.next_wake()) == after(now, 90)


async def test_adopting_frees_what_an_earlier_process_held(journal) -> None:
    for name in ("a", "b"):
        await enlisted(journal, name)
    await claimed(journal, "dead")

    if isinstance(journal, PostgresJournal):
        assert await journal.adopt() == 0  # whoever holds it may live: its lease says how long
        return
    assert await journal.adopt() == 1

    assert sorted(await due(journal)) == ["run_a", "run_b"]
    claim = await claimed(journal, "alive")
    assert claim is not None
    assert claim.epoch == 2
