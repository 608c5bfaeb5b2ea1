"""Turns of runs: units in two parts, which a journal may run together, and whose rows it may read
ahead. Whatever it does, each sees what it would see if it ran alone."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from gateway.model.execution import Claim, ExecutionStatus, StepStatus
from gateway.model.ports import Journal, Tx
from gateway.model.turn_unit import TurnUnit
from tests.contract.journal_story import Story
from tests.contract.test_journal_claims import FAR, enlisted

pytestmark = pytest.mark.anyio


def turn(
    story: Story,
    first: Callable[[Tx], Any],
    rest: Callable[[Tx, Any], Any] = lambda _, known: known,
    *,
    opens_plan: bool = False,
) -> TurnUnit[Any, Any]:
    return TurnUnit(story.run_id, first, rest, opens_plan)


def claiming(story: Story, owner: str = "one", cap: int | None = None) -> TurnUnit[Any, Any]:
    return turn(story, lambda tx: tx.claim(story.run_id, owner, FAR, cap))


async def many(journal: Journal, count: int = 12) -> list[Story]:
    return [await enlisted(journal, f"s{number}") for number in range(count)]


async def together(journal: Journal, *units: Callable[[Tx], Any]) -> list[Any]:
    """What came of units that were all there when the journal took the next ones."""
    begun, go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def waiting(_: Tx) -> None:
        loop.call_soon_threadsafe(begun.set)
        assert go.wait(10)

    first = asyncio.create_task(journal.write(waiting))
    await begun.wait()
    others = [asyncio.create_task(journal.write(unit)) for unit in units]
    await asyncio.sleep(0)
    go.set()
    await first
    return await asyncio.gather(*others, return_exceptions=True)


async def claim_of(journal: Journal, story: Story) -> Claim | None:
    return await journal.read(lambda records: records.claim_of(story.run_id))


async def test_turns_of_many_runs_are_each_of_their_own(journal: Journal) -> None:
    stories = await many(journal)

    def seen(story: Story) -> TurnUnit[Any, Any]:
        def first(tx: Tx) -> Any:
            return tx.claim(story.run_id, story.name, FAR), tx.execution_of_run(story.run_id)

        def rest(tx: Tx, known: Any) -> Any:
            tx.append(story.dispatched("x"))
            return *known, tx.plan(story.plan_id), tx.steps(story.plan_id)

        return turn(story, first, rest, opens_plan=True)

    found = await together(journal, *map(seen, stories))
    for story, (claim, execution, plan, steps) in zip(stories, found, strict=True):
        assert claim == await claim_of(journal, story)
        assert (claim.owner, claim.epoch, claim.lease_until) == (story.name, 1, FAR)
        assert (execution.id, execution.run_id) == (story.execution_id, story.run_id)
        assert plan == await journal.read(lambda records, one=story: records.plan(one.plan_id))
        assert steps == await journal.read(lambda records, one=story: records.steps(one.plan_id))
        assert [step.status for step in steps] == [StepStatus.DISPATCHED]


async def test_the_rest_sees_what_the_first_part_has_changed(journal: Journal) -> None:
    stories = await many(journal, 3)

    def recording(story: Story) -> TurnUnit[Any, Any]:
        def first(tx: Tx) -> str:
            tx.execution_of_run(story.run_id)
            tx.append(story.dispatched("x"))
            tx.append(story.completed("x"))
            return tx.now

        def rest(tx: Tx, now: str) -> Any:
            (step,) = tx.steps(story.plan_id)
            execution = tx.execution_of_run(story.run_id)
            assert execution is not None
            return now, step.status, execution.updated_at

        return turn(story, first, rest)

    for now, status, updated_at in await together(journal, *map(recording, stories)):
        assert status is StepStatus.COMPLETED
        assert updated_at == now


async def test_of_two_who_come_for_one_run_together_one_gets_it(journal: Journal) -> None:
    (story,) = await many(journal, 1)
    units = [claiming(story, f"owner-{number}") for number in range(8)]
    claims = await together(journal, *units)
    (won,) = [claim for claim in claims if claim is not None]
    assert won.epoch == 1
    assert await claim_of(journal, story) == won


async def test_a_claim_is_had_by_its_owner_again_and_by_others_when_it_is_over(
    journal: Journal,
) -> None:
    (story,) = await many(journal, 1)
    over = "2000-01-01T00:00:00.000000Z"
    short = turn(story, lambda tx: tx.claim(story.run_id, "one", over))
    assert (await journal.write(short)).epoch == 1
    assert (await journal.write(claiming(story, "two"))).epoch == 2
    assert await journal.write(claiming(story, "three")) is None
    assert (await journal.write(claiming(story, "two"))).epoch == 3


async def test_a_workspace_holds_no_more_runs_than_it_may(journal: Journal) -> None:
    one, other = await many(journal, 2)
    assert await journal.write(claiming(one, cap=1)) is not None
    assert await journal.write(claiming(other, cap=1)) is None
    assert await journal.write(claiming(other, cap=2)) is not None


@pytest.mark.parametrize("cap", [None, 5])
async def test_a_run_is_taken_and_given_back_in_one_turn(journal: Journal, cap: int | None) -> None:
    stories = await many(journal, 3)

    def ending(story: Story) -> TurnUnit[Any, Any]:
        def rest(tx: Tx, claim: Claim) -> bool:
            return tx.release(story.run_id, claim.epoch, claim.wake_seq, None)

        return turn(story, lambda tx: tx.claim(story.run_id, "one", FAR, cap), rest)

    assert await together(journal, *map(ending, stories)) == [True, True, True]
    for story in stories:
        claim = await claim_of(journal, story)
        assert claim is not None
        assert (claim.owner, claim.lease_until, claim.wake_at) == (None, None, None)


async def test_a_lease_is_prolonged_under_its_epoch_only(journal: Journal) -> None:
    stories = await many(journal, 3)
    await together(journal, *map(claiming, stories))
    until = "2998-01-01T00:00:00.000000Z"

    def prolonging(story: Story, epoch: int) -> TurnUnit[Any, Any]:
        return turn(story, lambda tx: tx.fence(story.run_id, epoch, until))

    units = [prolonging(story, epoch) for story, epoch in zip(stories, (1, 1, 7), strict=True)]
    found = await together(journal, *units)
    assert [claim and claim.lease_until for claim in found] == [until, until, None]
    assert [(await claim_of(journal, story)).lease_until for story in stories] == [  # type: ignore[union-attr] # each has one
        *(until, until, FAR)
    ]


async def test_a_turn_that_fails_prolongs_nothing(journal: Journal) -> None:
    stories = await many(journal, 3)
    await together(journal, *map(claiming, stories))
    until = "2998-01-01T00:00:00.000000Z"

    def prolonging(story: Story, *, fails: str) -> TurnUnit[Any, Any]:
        def first(tx: Tx) -> None:
            assert tx.fence(story.run_id, 1, until) is not None
            if fails == "first":
                raise LookupError

        def rest(tx: Tx, _: None) -> str:
            if fails == "rest":
                raise LookupError
            return tx.now

        return turn(story, first, rest)

    which = ("first", "rest", "never")
    units = [prolonging(story, fails=fails) for story, fails in zip(stories, which, strict=True)]
    found = await together(journal, *units)
    assert [isinstance(one, LookupError) for one in found] == [True, True, False]
    leases = [(await claim_of(journal, story)).lease_until for story in stories]  # type: ignore[union-attr] # each has one
    assert leases == [FAR, FAR, until]


async def test_a_run_is_given_back_unless_it_was_woken_meanwhile(journal: Journal) -> None:
    one, other = await many(journal, 2)
    claims = await together(journal, claiming(one), claiming(other))
    await journal.write(lambda tx: tx.wake(other.run_id))

    def giving_back(story: Story, claim: Claim) -> TurnUnit[Any, Any]:
        def first(tx: Tx) -> Any:
            return tx.fence(story.run_id, claim.epoch, FAR)

        def rest(tx: Tx, _: Any) -> bool:
            return tx.release(story.run_id, claim.epoch, claim.wake_seq, None)

        return turn(story, first, rest)

    units = map(giving_back, (one, other), claims)
    assert await together(journal, *units) == [True, False]
    free, held = await claim_of(journal, one), await claim_of(journal, other)
    assert free is not None
    assert (free.owner, free.lease_until, free.wake_at) == (None, None, None)
    assert held is not None
    assert (held.owner, held.lease_until) == ("one", FAR)


async def test_a_turn_that_fails_leaves_nothing_and_harms_no_other(journal: Journal) -> None:
    stories = await many(journal, 4)

    def failing(story: Story) -> TurnUnit[Any, Any]:
        def rest(tx: Tx, _: Any) -> None:
            tx.append(story.dispatched("x"))
            raise LookupError(story.name)

        return turn(story, lambda tx: tx.claim(story.run_id, "one", FAR), rest)

    units = [failing(stories[0]), *map(claiming, stories[1:3]), failing(stories[3])]
    found = await together(journal, *units)
    assert [isinstance(one, LookupError) for one in found] == [True, False, False, True]
    for story in (stories[0], stories[3]):
        claim = await claim_of(journal, story)
        assert claim is not None
        assert claim.owner is None
        (step,) = await journal.read(lambda records, one=story: records.steps(one.plan_id))
        assert step.status is StepStatus.PLANNED


@pytest.mark.parametrize("cap", [None, 5])
async def test_a_unit_that_fails_after_it_took_a_run_has_not_taken_it(
    journal: Journal, cap: int | None
) -> None:
    stories = await many(journal, 2)

    def take(tx: Tx, story: Story) -> None:
        assert tx.claim(story.run_id, "one", FAR, cap) is not None

    def fail(*_: Any) -> None:
        raise LookupError

    def plainly(tx: Tx) -> None:
        take(tx, stories[1])
        fail()

    in_turn = turn(stories[0], lambda tx: take(tx, stories[0]), fail)
    for unit in (in_turn, plainly):
        with pytest.raises(LookupError):
            await journal.write(unit)
    for story in stories:
        claim = await claim_of(journal, story)
        assert claim is not None
        assert (claim.owner, claim.epoch) == (None, 0)


async def test_turns_that_change_each_other_s_runs_come_one_after_the_other(
    journal: Journal,
) -> None:
    one, other = await many(journal, 2)

    def meddling(own: Story, with_: Story) -> TurnUnit[Any, Any]:
        def rest(tx: Tx, _: Any) -> Any:
            (step,) = tx.steps(own.plan_id)
            tx.append(with_.dispatched("x"))
            return step.status.value

        return turn(own, lambda tx: tx.execution_of_run(own.run_id), rest)

    seen = await together(journal, meddling(one, other), meddling(other, one))
    assert sorted(seen) == ["dispatched", "planned"]


async def test_a_run_that_a_turn_of_another_wakes_is_not_given_back(journal: Journal) -> None:
    one, other = await many(journal, 2)
    claim, _ = await together(journal, claiming(one), claiming(other))

    def giving_back(tx: Tx, _: Any) -> bool:
        return tx.release(one.run_id, claim.epoch, claim.wake_seq, None)

    released, _ = await together(
        journal,
        turn(one, lambda tx: tx.fence(one.run_id, claim.epoch, FAR), giving_back),
        turn(other, lambda tx: tx.wake(one.run_id)),
    )
    left = await claim_of(journal, one)
    assert left is not None
    # Given back before, it is due again; woken before, it is still held.
    assert left.wake_seq == 2
    assert (left.owner, left.wake_at is not None) == ((None if released else "one"), True)


async def test_turns_and_other_units_on_one_execution_see_one_another(journal: Journal) -> None:
    stories = await many(journal, 6)

    def ending(story: Story) -> Callable[[Tx], ExecutionStatus]:
        def unit(tx: Tx) -> ExecutionStatus:
            execution = tx.execution("acme", story.execution_id)
            assert execution is not None
            tx.append(story.dispatched("x"))
            return execution.status

        return unit

    def deciding(story: Story) -> TurnUnit[Any, Any]:
        def rest(tx: Tx, _: Any) -> StepStatus:
            (step,) = tx.steps(story.plan_id)
            if step.status is StepStatus.PLANNED:
                tx.append(story.dispatched("x"))
            return step.status

        return turn(story, lambda tx: tx.claim(story.run_id, "one", FAR), rest)

    units = [unit for story in stories for unit in (ending(story), deciding(story))]
    found = await together(journal, *units)
    assert not any(isinstance(one, Exception) for one in found)
    for story in stories:
        entries = await journal.read(lambda records, one=story: records.entries(one.execution_id))
        assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))


async def test_a_turn_of_a_run_that_is_not_there_finds_nothing(journal: Journal) -> None:
    nobody = Story("nobody")
    assert await journal.write(claiming(nobody)) is None
