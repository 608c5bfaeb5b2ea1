"""Random lives of an execution on a real record: no state that the table does not list."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.journal import rebuild_matches, verify_record
from gateway.model.action import Declined, Unknown
from gateway.model.entry import Entry, EntryType
from gateway.model.execution import TRANSITIONS, Execution, ExecutionStatus, RunMode, StepStatus
from gateway.model.problem import ProblemError
from tests.properties.amounts import examples
from tests.unit.runtime.loop_world import (
    FIONA,
    FRANK,
    VERDICT,
    WORKSPACE,
    LoopWorld,
    step,
)

BUSY = Declined("BUSY", "It is busy.", 503, retryable=True, declared=True)
REFUSED = Declined("REFUSED", "It was refused.", 409, declared=True)
SILENCE = Unknown("The line was cut.")
OTHER_RULES = VERDICT.replace("amount > 100", "amount > 200")

DRAFTS = (
    [step("a", "plain"), step("b", "safe", ["a"])],
    [step("a", "read"), step("b", "cash", ["a"], amount=500), step("c", "keyed")],
    [step("a", "two"), step("b", "cash", amount=150)],
    [step("a", "never")],
)


class Life:
    """One execution, and the moves that anybody might make at any time."""

    def __init__(self, world: LoopWorld, execution_id: str) -> None:
        self.world = world
        self.id = execution_id

    async def now(self) -> Execution:
        return await self.world.execution(self.id)

    async def compile(self, which: int) -> None:
        plan = self.world.loop.compiler.compile(WORKSPACE, {"steps": DRAFTS[which % len(DRAFTS)]})
        execution = await self.now()
        lifecycle = self.world.loop.lifecycle
        await self.world.journal.write(
            lambda tx: lifecycle.compiled(tx, execution, plan, "planner")
        )

    async def verify(self, _: int) -> None:
        execution = await self.now()
        if execution.plan_id is not None:
            await self.world.verify(execution)

    async def start(self, which: int) -> None:
        execution = await self.now()
        mode = list(RunMode)[which % 3]
        revision = self.world.loop.policies.revision
        lifecycle = self.world.loop.lifecycle
        await self.world.journal.write(
            lambda tx: lifecycle.started(tx, execution, mode, "olga", revision)
        )

    async def advance(self, _: int) -> None:
        if (await self.now()).run_id is not None:
            await self.world.advance(self.id)

    async def _asked(self) -> str | None:
        """A step that waits for people, or else any."""
        if (await self.now()).plan_id is None:
            return None
        steps = (await self.world.steps(self.id)).values()
        waiting = [one for one in steps if one.status is StepStatus.WAITING_APPROVAL]
        return (waiting or list(steps))[0].key

    async def approve(self, which: int) -> None:
        key = await self._asked()
        if key is not None:
            await self.world.approve(self.id, key, (FIONA, FRANK)[which % 2])

    async def reject(self, _: int) -> None:
        key = await self._asked()
        if key is not None:
            await self.world.reject(self.id, key)

    async def cancel(self, _: int) -> None:
        await self.world.cancel(self.id)

    async def wait(self, which: int) -> None:
        self.world.clock.forward((1, 31, 3600)[which % 3])

    async def trouble(self, which: int) -> None:
        name = ("plain", "safe", "cash", "keyed")[which % 4]
        self.world.actions.will(name, (BUSY, REFUSED, SILENCE)[which % 3])

    async def restart(self, which: int) -> None:
        await self.world.decide_by((VERDICT, OTHER_RULES)[which % 2])


USUAL = ("compile", "verify", "start", "advance")
MOVES = (*USUAL, *("advance",) * 3, "approve", "approve", "reject", "cancel", "wait", "trouble",
         "restart")  # fmt: skip
lives = st.tuples(
    st.integers(0, len(USUAL)),
    st.integers(0, 11),
    st.lists(st.tuples(st.sampled_from(MOVES), st.integers(0, 11)), max_size=12),
)


def told_status(entry: Entry) -> ExecutionStatus | None:
    if entry.type is EntryType.PLAN_COMPILED:
        return ExecutionStatus.COMPILED
    status = entry.body.get("executionStatus")
    return ExecutionStatus(status) if status else None


def assert_lawful(entries: list[Entry], final: ExecutionStatus) -> None:
    """Every status that the record tells may follow the one before it."""
    current = ExecutionStatus.RECEIVED
    for entry in entries:
        status = told_status(entry)
        if status is not None:
            assert status in TRANSITIONS[current], (entry.seq, entry.type, current, status)
            current = status
    assert current is final


async def live(folder: Path, usual: int, which: int, moves: list[tuple[str, int]]) -> None:
    world = await LoopWorld.open(folder)
    try:
        life = Life(world, (await world.submit()).id)
        for name, choice in [*((name, which) for name in USUAL[:usual]), *moves]:
            before = await life.now()
            make: Callable[[int], Awaitable[Any]] = getattr(life, name)
            try:
                await make(choice)
            except ProblemError as error:
                told = error.problem
                assert told.code in ("CONFLICT", "FORBIDDEN"), told
                if told.code == "CONFLICT":
                    state = before.status.value.upper()
                    assert (told.extra or {})["currentStatus"] == state
                    assert state in told.detail
            after = await life.now()
            if not TRANSITIONS[before.status]:
                assert after.status is before.status, (name, before.status, after.status)
            if before.ended_at is not None and before.status is not ExecutionStatus.UNRESOLVED:
                assert (after.ended_at, after.problem) == (before.ended_at, before.problem)
        assert_lawful(await world.entries(life.id), (await life.now()).status)
    finally:
        await world.journal.close()
    assert rebuild_matches(world.journal.path) == []
    report = verify_record(world.journal.path, [])
    assert report.ok, report.findings


@settings(max_examples=examples(40), deadline=None)
@given(lives)
def test_no_sequence_of_moves_leaves_the_table(
    life: tuple[int, int, list[tuple[str, int]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder), *life))
