"""Turns of runs in which much becomes ready at once: each takes a portion of it."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.journal.records import SqlRecords
from gateway.model.action import Answered
from gateway.model.entry import EntryType
from gateway.model.ports import Tx
from gateway.runtime import portion
from gateway.runtime.turn import Turn, Turns
from tests.unit.runtime.loop_world import FIONA, VERDICT, LoopWorld, step

pytestmark = pytest.mark.anyio

LARGE = {"id": "src", "amount": 1.0, "extra": "x" * 1_000}
ASKED = f"p, 9, *, *, shop.keyed, *, true, assist, approver, 1, 1h, -\n{VERDICT}"


@pytest.fixture(autouse=True)
def _two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portion, "MOST_BYTES", 2_500)


class Seen:
    """The turns that were taken, and what is done in the unit of one of them by others."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.turns: list[Turn] = []
        self.others: dict[int, Callable[[Tx], object]] = {}
        really = Turns._advance

        def advance(turns: Turns, tx: Tx, *given: Any, **more: Any) -> Turn:
            turn = really(turns, tx, *given, **more)
            self.turns.append(turn)
            if other := self.others.pop(len(self.turns), None):
                other(tx)
            return turn

        monkeypatch.setattr(Turns, "_advance", advance)

    def attempts(self) -> list[int]:
        """How many attempts each turn made."""
        return [len(turn.attempts) for turn in self.turns]


async def fans_out(world: LoopWorld, count: int) -> str:
    """A run in which one large answer goes into many steps."""
    world.actions.will("read", Answered(LARGE))
    refers = {"extra": {"$from": "src.extra"}}
    many = [step(f"s{number}", "keyed", ["src"], **refers) for number in range(count)]
    return await world.begin(step("src", "read"), *many)


async def test_what_becomes_ready_at_once_is_dispatched_in_portions(
    world: LoopWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Seen(monkeypatch)
    execution_id = await fans_out(world, 7)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
    assert max(seen.attempts()) == 2
    assert sum(seen.attempts()) == 8
    assert len(world.actions.made("keyed")) == 7


async def test_one_step_that_is_larger_than_a_portion_is_dispatched_by_itself(
    world: LoopWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portion, "MOST_BYTES", 10)
    seen = Seen(monkeypatch)
    execution_id = await fans_out(world, 3)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
    assert max(seen.attempts()) == 1


async def test_those_that_wait_for_people_hold_up_none_of_the_others(world: LoopWorld) -> None:
    await world.decide_by(ASKED)
    execution_id = await fans_out(world, 7)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "waiting_approval"
    assert len(await world.entries(execution_id, EntryType.APPROVAL_REQUESTED)) == 7
    await world.advance(execution_id)
    for number in range(7):
        await world.approve(execution_id, f"s{number}")
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"


async def test_what_is_approved_while_others_are_left_is_dispatched_too(
    world: LoopWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.decide_by(ASKED)
    seen = Seen(monkeypatch)
    execution_id = await fans_out(world, 7)
    first = (await world.step(execution_id, "s0")).id

    def approve(tx: Tx) -> None:
        execution = tx.execution("acme", execution_id)
        assert execution is not None
        world.loop.consent.approve(tx, execution, first, FIONA, None)

    seen.others[3] = approve  # after src, and after those that were asked for first
    await world.advance(execution_id)
    assert seen.others == {}
    assert [call.input["id"] for call in world.actions.made("keyed")] == ["s0"]


async def test_a_turn_reads_no_inputs(world: LoopWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may be as large as an answer, and there may be hundreds of them."""
    execution_id = await fans_out(world, 3)
    monkeypatch.setattr(SqlRecords, "steps", lambda *_: pytest.fail("read whole steps"))
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
