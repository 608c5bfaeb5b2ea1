"""Clocks that jump back and forth between any two looks: nothing loops, waits for a time that is
far away, is done twice or in another order, or goes under a consent that is over."""

import asyncio
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.journal import rebuild_matches, verify_record
from gateway.model.action import Declined, Unknown
from gateway.model.entry import Entry, EntryType
from gateway.model.execution import RunMode, StepStatus
from gateway.model.ports import Records
from gateway.model.problem import ProblemError
from tests.properties.amounts import examples
from tests.unit.runtime.loop_world import FIONA, FRANK, LoopWorld, SettableClock, step

OUTCOMES = {
    "done": None,
    "busy": Declined("BUSY", "It is busy.", 503, retryable=True, declared=True),
    "refused": Declined("REFUSED", "It was refused.", 409, declared=True),
    "silence": Unknown("The line was cut."),
}
DRAFTS = (
    [step("a", "plain"), step("b", "keyed", ["a"]), step("c", "cash", ["b"], amount=500)],
    [step("a", "book"), step("b", "two", ["a"]), step("c", "plain", ["b"])],
    [step("a", "slow"), step("b", "slow"), step("c", "safe", ["a", "b"])],
    [step("a", "cash", amount=500), step("b", "cash", amount=150), step("c", "book", ["a", "b"])],
)
HOUR, YEAR = 3600.0, 365 * 86_400.0
JUMPS = (0.0, 0.0, 0.0, 0.01, 0.3, 5.0, 61.0, -0.3, -5.0, HOUR, -HOUR, YEAR, -YEAR)
MOVES = (*("advance",) * 4, "approve", "approve", "restart", "pause", "resume", "retry", "settle")


class JumpingClock(SettableClock):
    """A clock that jumps before each look at it, as it is told to; then it stands."""

    jumps: list[float]

    def now(self) -> datetime:
        if self.jumps:
            self.moment += timedelta(seconds=self.jumps.pop())
        return self.moment


class Life:
    """A run whose clock jumps."""

    def __init__(self, world: LoopWorld, jumps: Sequence[float]) -> None:
        self.world = world
        self.clock = world.clock
        self.right = world.clock.moment
        self.clock.__class__ = JumpingClock
        self.clock.jumps = list(jumps)  # type: ignore[attr-defined] # of its new class
        self.id = ""

    def trouble(self, script: Sequence[tuple[str, str]]) -> None:
        for name, outcome in script:
            told = OUTCOMES[outcome]
            if told is not None:
                self.world.actions.will(name, told)

    async def make(self, move: str, which: int) -> None:
        refused = None
        try:
            await getattr(self, move)(which)
        except ProblemError as error:
            refused = error.problem.code
        assert refused in (None, "CONFLICT", "FORBIDDEN")

    async def advance(self, _: int) -> None:
        async with asyncio.timeout(30):
            await self.world.advance(self.id)

    async def approve(self, which: int) -> None:
        for one in (await self.world.steps(self.id)).values():
            if one.status is StepStatus.WAITING_APPROVAL:
                await self.world.approve(self.id, one.key, (FIONA, FRANK)[which % 2])

    async def restart(self, _: int) -> None:
        self.world.loop = self.world.process()

    async def pause(self, _: int) -> None:
        await self.world.operate("pause", self.id, "a break")

    async def resume(self, _: int) -> None:
        await self.world.operate("resume", self.id)

    async def retry(self, _: int) -> None:
        await self.world.operate("retry", self.id)

    async def settle(self, which: int) -> None:
        for one in (await self.world.steps(self.id)).values():
            if one.status is StepStatus.UNRESOLVED:
                outcome = ("failed", "repeat")[which % 2]
                await self.world.reconcile(self.id, one.key, outcome, one.attempt)

    async def due(self, *, ahead: bool) -> bool:
        """Whether a sweeper would find the run."""
        now = await self.world.journal.write(lambda tx: tx.now)

        def look(records: Records) -> list[Any]:
            found = records.due_runs(now, 10)
            return found + (records.runs_ahead(now, 10, "") if ahead else [])

        return bool(await self.world.journal.read(look))

    async def ends(self) -> bool:
        """Whether the run comes to its end by itself within some hours, once the clock is right."""
        self.clock.jumps.clear()  # type: ignore[attr-defined] # of its new class
        self.clock.moment = self.right
        await self.make("resume", 0)
        for turn in range(200):
            if await self.due(ahead=turn == 0):
                await self.advance(0)
            for who in range(2):
                await self.make("approve", who)
            if (await self.world.execution(self.id)).ended_at is not None:
                return True
            if await self.world.status(self.id) == "unresolved":
                return True
            self.clock.forward(61)
        return False


def assert_order(
    entries: Sequence[Entry], steps: dict[str, Any], deps: dict[str, list[str]]
) -> None:
    """A step is sent once what it depends on is done; a consent is used while it stands, and by
    one round of attempts."""
    done: set[str] = set()
    asked: dict[str, Entry] = {}
    first_use: set[str] = set()
    for entry in entries:
        body = entry.body
        if entry.type is EntryType.APPROVAL_REQUESTED:
            asked[body["approvalId"]] = entry
        if entry.type is EntryType.STEP_COMPLETED:
            assert body["stepId"] not in done
            done.add(body["stepId"])
        if entry.type is EntryType.STEP_DISPATCHED:
            own = body["stepId"]
            assert own not in done
            assert {steps[key].id for key in deps[steps_key(steps, own)]} <= done
            used = body.get("approvalId")
            if used and used not in first_use:
                first_use.add(used)
                assert entry.at < asked[used].body["expiresAt"]


def steps_key(steps: dict[str, Any], step_id: str) -> str:
    return next(key for key, one in steps.items() if one.id == step_id)


async def live(
    folder: Path,
    draft: list[dict[str, Any]],
    script: Sequence[tuple[str, str]],
    moves: Sequence[tuple[str, int]],
    jumps: Sequence[float],
) -> None:
    world = await LoopWorld.open(folder)
    try:
        life = Life(world, jumps)
        life.trouble(script)
        life.id = await world.begin(*draft, mode=RunMode.AUTONOMOUS)
        for move, which in (("advance", 0), *moves):
            await life.make(move, which)
        assert await life.ends(), await world.steps(life.id)
        steps = await world.steps(life.id)
        deps = {one["key"]: list(one.get("dependsOn", ())) for one in draft}
        entries = await world.entries(life.id)
        assert_order(entries, steps, deps)
        assert len(entries) < 400
    finally:
        await world.journal.close()
    assert rebuild_matches(world.journal.path) == []
    report = verify_record(world.journal.path, [])
    assert report.ok, report.findings


lives = {
    "draft": st.sampled_from(DRAFTS),
    "script": st.lists(
        st.tuples(
            st.sampled_from(["plain", "keyed", "cash", "book", "two", "slow", "safe"]),
            st.sampled_from(sorted(OUTCOMES)),
        ),
        max_size=8,
    ),
    "moves": st.lists(st.tuples(st.sampled_from(MOVES), st.integers(0, 3)), max_size=14),
    "jumps": st.builds(
        lambda later, first: [*later, first],
        st.lists(st.sampled_from(JUMPS), max_size=60),
        st.sampled_from((YEAR, HOUR, 0.0, -YEAR)),
    ),
}


@settings(max_examples=examples(60), deadline=None)
@given(**lives)
def test_no_jump_of_the_clock_makes_a_run_loop_or_wait_for_ever(
    draft: list[dict[str, Any]],
    script: list[tuple[str, str]],
    moves: list[tuple[str, int]],
    jumps: list[float],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder), draft, script, moves, jumps))
