"""Units that name the execution that they are about, which a journal may read beforehand, for all
of a batch at once. Whatever it does, each sees what it would see if it ran alone."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.model.execution import ExecutionStatus
from gateway.model.named_unit import NamedUnit, naming
from gateway.model.ports import Journal, Tx
from tests.contract.journal_story import WORKSPACE, Story
from tests.contract.test_journal_claims import FAR, enlisted
from tests.contract.test_journal_turns import together, turn

pytestmark = pytest.mark.anyio


def named(story: Story, whole: Callable[[Tx], Any]) -> NamedUnit[Any]:
    return NamedUnit(story.execution_id, whole)


def status(story: Story, workspace: str = WORKSPACE) -> NamedUnit[Any]:
    def whole(tx: Tx) -> ExecutionStatus | None:
        found = tx.execution(workspace, story.execution_id)
        return found.status if found else None

    return named(story, whole)


async def received(journal: Journal, count: int = 4) -> list[Story]:
    stories = [Story(f"n{number}") for number in range(count)]
    for story in stories:
        await journal.write(lambda tx, story=story: tx.append(story.received()))
    return stories


async def test_units_on_many_executions_see_each_their_own(journal: Journal) -> None:
    stories = await received(journal)
    for story in stories[1:]:
        await journal.write(lambda tx, story=story: tx.append(story.compiled("a", "b")))

    def seen(story: Story) -> NamedUnit[Any]:
        def whole(tx: Tx) -> Any:
            found, plan = tx.execution(WORKSPACE, story.execution_id), tx.plan(story.plan_id)
            return found and (found.id, found.plan_id), plan and plan.plan.id

        return named(story, whole)

    first, *others = stories
    assert await together(journal, *map(seen, stories)) == [
        ((first.execution_id, None), None),
        *(((story.execution_id, story.plan_id), story.plan_id) for story in others),
    ]


async def test_a_unit_sees_what_those_before_it_changed(journal: Journal) -> None:
    (story,) = await received(journal, 1)

    def compiling(tx: Tx) -> int:
        assert tx.execution(WORKSPACE, story.execution_id) is not None
        return tx.append(story.compiled("a")).seq

    def verifying(tx: Tx) -> tuple[str, int]:
        plan = tx.plan(story.plan_id)
        return (plan.plan.id if plan else ""), tx.append(story.verified("a")).seq

    found = await together(
        journal,
        *(status(story), named(story, compiling), status(story)),
        *(named(story, verifying), status(story)),
    )

    assert found == [
        *(ExecutionStatus.RECEIVED, 2, ExecutionStatus.COMPILED),
        *((story.plan_id, 3), ExecutionStatus.VERIFIED),
    ]


async def test_a_plan_that_gave_way_to_another_is_still_the_one_of_its_id(journal: Journal) -> None:
    (story,) = await received(journal, 1)
    await journal.write(lambda tx: tx.append(story.compiled("a")))

    def compiling(tx: Tx) -> Any:
        before = tx.plan(story.plan_id)
        tx.append(story.entry(other.type, **{**other.body, "planId": "plan_other"}))
        return before and before.plan.id

    def plans(tx: Tx) -> Any:
        found = [tx.plan(plan_id) for plan_id in (story.plan_id, "plan_other", "plan_none")]
        return [plan and [step.key for step in plan.plan.steps] for plan in found]

    other = story.compiled("x", "y")
    found = await together(journal, named(story, compiling), named(story, plans))

    assert found == [story.plan_id, [["a"], ["x", "y"], None]]


async def test_a_unit_sees_what_a_turn_of_the_run_changed(journal: Journal) -> None:
    story = await enlisted(journal, "both")
    ending = turn(
        story,
        lambda tx: tx.claim(story.run_id, "one", FAR) and None,
        lambda tx, _: tx.append(story.ended("completed")) and None,
    )

    found = await together(journal, ending, status(story))

    assert found == [None, ExecutionStatus.COMPLETED]


async def test_an_execution_of_another_workspace_is_not_found(journal: Journal) -> None:
    (story,) = await received(journal, 1)

    assert await together(journal, status(story, "elsewhere"), status(story)) == [
        None,
        ExecutionStatus.RECEIVED,
    ]


async def test_an_execution_that_is_not_there_is_not_found(journal: Journal) -> None:
    assert await together(journal, status(Story("nobody"))) == [None]


@pytest.mark.parametrize(
    "odd", ["exec_\0", "\ud800", "", "x" * 65_536], ids=["NUL", "surrogate", "empty", "long"]
)
async def test_an_id_that_no_execution_can_have_spoils_no_unit_beside_it(
    journal: Journal, odd: str
) -> None:
    (story,) = await received(journal, 1)

    def unread(_: Tx) -> str:
        return "not read"

    assert await together(journal, status(story), NamedUnit(odd, unread), status(story)) == [
        ExecutionStatus.RECEIVED,
        "not read",
        ExecutionStatus.RECEIVED,
    ]


def test_only_an_id_is_taken_for_a_name() -> None:
    def unit(_: Tx) -> None:
        return None

    assert naming(unit, None) is unit
    assert naming(unit, 7) is unit
    assert naming(unit, "exec_1") == NamedUnit("exec_1", unit)
