"""Failings known of other systems of this kind, shown to be impossible in the loop itself.

docs/known-failings.md lists them all with their tests.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.journal import SqliteJournal, rebuild_matches
from gateway.model.action import ActionCall, ActionOutcome, Answered
from gateway.model.entry import EntryType
from gateway.model.evidence import EvidenceKind
from gateway.model.execution import Execution
from gateway.model.ports import Tx
from gateway.model.problem import ProblemError, refuse
from gateway.runtime import Attachment
from tests.unit.runtime.loop_world import (
    SILENCE,
    WORKSPACE,
    Gated,
    LoopWorld,
    person,
    step,
    usual_output,
)

pytestmark = pytest.mark.anyio

WHILE = ("before anything", "in flight", "waiting", "paused", "unresolved")


async def brought(world: LoopWorld, moment: str) -> str:
    """A run at this moment of its life."""
    if moment == "before anything":
        return await world.begin(step("a", "plain"))
    if moment == "in flight":
        gated = Gated()
        world.actions.will("plain", gated)
        execution_id = await world.begin(step("a", "plain"), step("b", "plain", ["a"]))
        task = asyncio.create_task(world.advance(execution_id))
        await gated.begun.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return execution_id
    world.actions.will("plain", SILENCE)
    wanted = step("a", "plain") if moment == "unresolved" else step("a", "cash", amount=500)
    execution_id = await world.begin(wanted)
    await world.advance(execution_id)
    if moment == "paused":
        await world.operate("pause", execution_id, "a break")
    return execution_id


@pytest.mark.parametrize("moment", WHILE)
async def test_known_failing_a_resume_after_an_abort(world: LoopWorld, moment: str) -> None:
    execution_id = await brought(world, moment)
    await world.operate("abort", execution_id, "enough")
    before, sent = await world.entries(execution_id), len(world.actions.calls)
    for command, *reason in (("resume",), ("retry",), ("pause", "x"), ("shutdown", "x")):
        with pytest.raises(ProblemError) as refused:
            await world.operate(command, execution_id, *reason)
        assert (refused.value.problem.code, "ABORTED" in refused.value.problem.detail) == (
            "CONFLICT",
            True,
        )
    assert await world.entries(execution_id) == before
    world.clock.forward(86_400)
    await world.advance(execution_id, world.process())
    assert await world.status(execution_id) == "aborted"
    assert len(world.actions.calls) == sent


async def test_known_failing_operator_actions_that_overwrite_each_other(world: LoopWorld) -> None:
    """The clock stands still: all of it happens at one and the same instant."""
    execution_id = await world.begin(step("a", "cash", amount=500))
    await world.advance(execution_id)
    moment = world.clock.now()
    for _ in range(5):
        await world.operate("pause", execution_id, "a break")
        await world.operate("resume", execution_id)
    ids = await asyncio.gather(*(attached(world, execution_id) for _ in range(10)))
    assert world.clock.now() == moment
    kinds = (EntryType.RUN_PAUSED, EntryType.RUN_RESUMED, EntryType.EVIDENCE_ATTACHED)
    kept = await world.entries(execution_id, *kinds)
    assert len({entry.at for entry in kept}) == 1
    assert len({entry.seq for entry in kept}) == 20
    assert [entry.type for entry in kept[:10]] == [EntryType.RUN_PAUSED, EntryType.RUN_RESUMED] * 5
    assert {entry.body["evidenceId"] for entry in kept[10:]} == set(ids)
    assert len(set(ids)) == 10
    assert rebuild_matches(world.journal.path) == []


async def attached(world: LoopWorld, execution_id: str) -> str:
    item = Attachment(EvidenceKind.EVIDENCE, "x", uri="https://files.example/1")

    def unit(tx: Tx) -> str:
        execution = tx.execution(WORKSPACE, execution_id)
        assert execution is not None
        return world.loop.lanes.attach(tx, execution, item, "olga")

    return await world.journal.write(unit)


async def test_known_failing_votes_read_and_written_back_that_lose_one(world: LoopWorld) -> None:
    """Each of two people decides on a state that both read before either wrote."""
    execution_id = await world.begin(step("a", "two"))
    await world.advance(execution_id)
    read = await world.execution(execution_id)
    step_id = (await world.step(execution_id, "a")).id

    async def vote(name: str) -> None:
        def unit(tx: Tx, execution: Execution = read) -> Any:
            who = person(name, "approver")
            return world.loop.consent.approve(tx, execution, step_id, who, None)

        await world.journal.write(unit)

    await asyncio.gather(vote("fiona"), vote("frank"))
    approval = await world.approval(execution_id, "a")
    assert {vote["by"] for vote in approval.votes} == {"fiona", "frank"}
    assert approval.status.value == "approved"


class DiesAfterCommit:
    """A journal of a process that dies between a commit and whatever comes next."""

    def __init__(self, journal: SqliteJournal) -> None:
        self._journal = journal

    async def write(self, unit: Callable[[Tx], Any]) -> Any:
        await self._journal.write(unit)
        raise asyncio.CancelledError


@pytest.mark.parametrize(("name", "sent"), [("keyed", 1), ("plain", 0)])
async def test_known_failing_a_crash_between_the_claim_and_the_send(
    world: LoopWorld, name: str, sent: int
) -> None:
    """The attempt is on record and nothing was sent: it is made up for, or a human is asked."""
    execution_id = await world.begin(step("a", name))
    with pytest.raises(asyncio.CancelledError):
        await world.advance(execution_id, world.process(journal=DiesAfterCommit(world.journal)))
    assert (await world.step(execution_id, "a")).status.value == "dispatched"
    assert world.actions.calls == []
    for _ in range(2):
        world.clock.forward(31)
        await world.advance(execution_id, world.process())
    assert len(world.actions.calls) == sent
    assert await world.status(execution_id) == ("completed" if sent else "unresolved")
    if not sent:
        await world.reconcile(execution_id, "a", "repeat")
        await world.advance(execution_id)
        assert await world.status(execution_id) == "completed"
        assert len(world.actions.calls) == 1


class DiskFull:
    """A journal that writes no more from some moment on."""

    def __init__(self, journal: SqliteJournal) -> None:
        self._journal = journal
        self.full = asyncio.Event()

    async def write(self, unit: Callable[[Tx], Any]) -> Any:
        if self.full.is_set():
            raise refuse("SERVICE_UNAVAILABLE", "The disk is full.")
        return await self._journal.write(unit)


async def test_known_failing_a_failed_write_after_a_send_that_sends_again(
    world: LoopWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where the process dies before the record can be written again."""
    monkeypatch.setattr("gateway.runtime.runner._RETRY_WRITE", 0.01)
    disk = DiskFull(world.journal)

    async def answer(call: ActionCall) -> ActionOutcome:
        disk.full.set()
        return Answered(usual_output(call))

    world.actions.will("plain", answer)
    execution_id = await world.begin(step("a", "plain"))
    task = asyncio.create_task(world.advance(execution_id, world.process(journal=disk)))
    await disk.full.wait()
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    for _ in range(3):
        world.clock.forward(3600)
        await world.advance(execution_id, world.process())
    assert len(world.actions.calls) == 1
    assert await world.status(execution_id) == "unresolved"
