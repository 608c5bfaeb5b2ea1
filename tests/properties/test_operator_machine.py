"""Random operators, approvers and service faults: the runtime against a small model of it."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gateway.journal import rebuild_matches, verify_record
from gateway.model.action import ActionCall, ActionOutcome, Answered, Declined, Unknown
from gateway.model.claims import DueRun
from gateway.model.entry import Entry, EntryType
from gateway.model.execution import TRANSITIONS, ExecutionStatus
from gateway.model.ports import Dispatcher, Tx
from gateway.model.problem import ProblemError
from tests.properties.amounts import examples
from tests.properties.operator_model import RunModel
from tests.unit.runtime.loop_world import FRANK, FakeActions, LoopWorld, step

DRAFT = (
    step("a", "plain"),
    step("b", "keyed", ["a"]),
    step("c", "cash", amount=500),
    step("d", "book"),
)
OUTCOMES: dict[str, ActionOutcome] = {
    "refused": Declined("REFUSED", "It was refused.", 409, declared=True),
    "busy": Declined("BUSY", "It is busy.", 503, retryable=True, declared=True),
    "silence": Unknown("The line was cut."),
}


class HeldActions(FakeActions):
    """Attempts that are answered when the machine says so; what undoes is answered at once."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, asyncio.Future[ActionOutcome]] = {}

    async def perform(self, call: ActionCall) -> ActionOutcome:
        self.calls.append(call)
        key = call.input["id"]
        if call.contract.key == "shop.unbook":
            return Answered({"id": key})
        self.held[key] = asyncio.get_running_loop().create_future()
        return await self.held[key]


class HandDispatcher(Dispatcher):
    """Advances runs as tasks; ``quiet`` waits until each is over or only awaits an attempt."""

    def __init__(self, world: LoopWorld) -> None:
        self.world = world
        self.writing = 0
        self.tasks: dict[str, asyncio.Task[str | None]] = {}
        self.woken: dict[str, asyncio.Event] = {}

    def submit(self, run: DueRun) -> None:
        run_id = run.run_id
        woken = self.woken.setdefault(run_id, asyncio.Event())
        task = self.tasks.get(run_id)
        if task is not None and not task.done():
            woken.set()
            return
        woken.clear()
        advance = self.world.loop.runner.advance(run_id, woken)
        self.tasks[run_id] = asyncio.get_running_loop().create_task(advance)

    def schedule(self, wake_at: str) -> None: ...

    async def settled(self, run_id: str) -> None: ...

    async def write(self, unit: Callable[[Tx], Any]) -> Any:
        """The journal of the runtime, counted."""
        self.writing += 1
        try:
            return await self.world.journal.write(unit)
        finally:
            self.writing -= 1

    async def quiet(self) -> None:
        calm = 0
        while calm < 8:
            for run_id, task in list(self.tasks.items()):
                if task.done():
                    task.result()
                    if self.woken[run_id].is_set():
                        self.submit(DueRun(run_id, "acme"))
            pending = [run for run, task in self.tasks.items() if not task.done()]
            waits = any(self.woken[run].is_set() for run in pending)
            calm = 0 if self.writing or waits else calm + 1
            await asyncio.sleep(0.0005 if self.writing else 0)

    async def crash(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        self.tasks.clear()


class OperatorMachine(RuleBasedStateMachine):
    """One run, driven by rules; after each the record must say what the model says."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.events = asyncio.new_event_loop()
        self.world: LoopWorld
        self.model: RunModel

    def run(self, made: Awaitable[Any]) -> Any:
        async def within() -> Any:
            return await made

        return self.events.run_until_complete(within())

    @initialize(undoes_itself=st.booleans())
    def begin(self, undoes_itself: bool) -> None:
        self.model = RunModel(undoes_itself)
        self.run(self._open(undoes_itself))
        self._settle()

    async def _open(self, undoes_itself: bool) -> None:
        self.world = await LoopWorld.open(Path(self.folder.name))
        self.actions = self.world.actions = HeldActions()
        self.dispatcher = HandDispatcher(self.world)
        self.world.dispatcher = self.dispatcher
        self.world.loop = self.world.process(journal=self.dispatcher)
        more = {"onFailure": "compensate"} if undoes_itself else {}
        self.id = await self.world.begin(*DRAFT, **more)

    def _settle(self) -> None:
        self.run(self.dispatcher.quiet())
        self.model.settle()

    def _agree(self, allowed: bool, act: Awaitable[Any], code: str = "CONFLICT") -> None:
        """The runtime does what the model allows, and refuses what it does not."""
        try:
            self.run(act)
            refused = None
        except ProblemError as error:
            refused = error.problem.code
        assert refused == (None if allowed else code)
        self._settle()

    # --- the outside world

    @precondition(lambda self: self.model.in_flight)
    @rule(data=st.data(), outcome=st.sampled_from(["done", "done", "refused", "busy", "silence"]))
    def answer(self, data: st.DataObject, outcome: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.model.in_flight)))
        told = OUTCOMES.get(outcome) or Answered({"id": key})
        self.actions.held.pop(key).set_result(told)
        self.run(asyncio.sleep(0))
        self.model.answer(key, outcome)
        self._settle()

    @rule(seconds=st.sampled_from([1, 5, 3601]))
    def wait(self, seconds: int) -> None:
        self.world.clock.forward(seconds)
        self.model.now += seconds
        self.run(self._look())
        self._settle()

    async def _look(self) -> None:
        self.dispatcher.submit(DueRun((await self.world.execution(self.id)).run_id or "", "acme"))

    @rule()
    def restart(self) -> None:
        self.run(self.dispatcher.crash())
        self.actions.held.clear()
        self.world.clock.forward(31)
        self.model.now += 31
        self.model.crash()
        self.world.loop = self.world.process(journal=self.dispatcher)
        self.run(self._look())
        self._settle()

    # --- people: mostly where it has an effect, and at times where it must be refused

    @precondition(lambda self: self.model.having("waiting_approval"))
    @rule(approved=st.sampled_from([True, True, False]))
    def decide(self, approved: bool) -> None:
        act = self.world.approve if approved else self.world.reject
        self._agree(self.model.decide(approved=approved), act(self.id, "c"))

    @precondition(lambda self: self.model.status in ("running", "waiting_approval"))
    @rule()
    def pause(self) -> None:
        self._steer("pause")

    @precondition(lambda self: self.model.status == "paused")
    @rule()
    def resume(self) -> None:
        self._steer("resume")

    @precondition(lambda self: self.model.status in ("failed", "expired", "unresolved"))
    @rule()
    def retry(self) -> None:
        self._steer("retry")

    @rule(command=st.sampled_from([*[""] * 5, "shutdown", "shutdown", "abort", "abort", "cancel"]))
    def stop(self, command: str) -> None:
        if command:  # else few runs would live to see anything else
            self._steer(command)

    @rule(
        command=st.sampled_from(["pause", "resume", "retry", "reconcile", "compensate", "decide"])
    )
    def anything(self, command: str) -> None:
        if command == "reconcile":
            self._reconcile("a", "failed", 1)
        elif command == "decide":
            self._agree(self.model.decide(approved=True), self.world.approve(self.id, "c", FRANK))
        elif command == "compensate":
            self._compensate()
        else:
            self._steer(command)

    def _steer(self, command: str) -> None:
        reason = () if command in ("resume", "retry") else ("why",)
        allowed = getattr(self.model, command)()
        self._agree(allowed, self.world.operate(command, self.id, *reason))

    @precondition(lambda self: self.model.having("unresolved"))
    @rule(outcome=st.sampled_from(["done", "failed", "repeat"]), off=st.sampled_from([0, 0, 0, 1]))
    def reconcile(self, outcome: str, off: int) -> None:
        key = self.model.having("unresolved")[0]
        self._reconcile(key, outcome, self.model.steps[key].attempt + off)

    def _reconcile(self, key: str, outcome: str, attempt: int) -> None:
        output = {"id": key} if outcome == "done" else {}
        allowed = self.model.reconcile(key, attempt, outcome)
        self._agree(allowed, self.world.reconcile(self.id, key, outcome, attempt, **output))

    @precondition(lambda self: self.model.compensate_refused() is None)
    @rule()
    def undo(self) -> None:
        self._compensate()

    def _compensate(self) -> None:
        code = self.model.compensate_refused()
        if code is None:
            self.model.compensate()
        self._agree(code is None, self.world.compensate(self.id), code or "")

    # --- what must hold

    @invariant()
    def the_record_says_what_the_model_says(self) -> None:
        if not hasattr(self, "model"):
            return
        found = self.run(self.world.execution(self.id))
        told = {key: one.status.value for key, one in self.run(self.world.steps(self.id)).items()}
        assert told == {key: one.status for key, one in self.model.steps.items()}
        assert (found.status.value, found.stopping) == (self.model.status, self.model.stopping)
        assert (found.compensation_id is not None) == self.model.undone
        self._assert_sent()

    def _assert_sent(self) -> None:
        """Each attempt was sent once, and keys change exactly where the model changes them."""
        sent: dict[str, list[str]] = {}
        for call in self.actions.calls:
            if call.contract.key != "shop.unbook":
                sent.setdefault(call.input["id"], []).append(call.idempotency_key)
        for key, keys in sent.items():
            rounds = [number for name, number in self.model.sent if name == key]
            assert len(keys) == len(rounds), key
            assert len(set(zip(keys, rounds, strict=True))) == len(set(keys)) == len(set(rounds))

    def teardown(self) -> None:
        try:
            if hasattr(self, "model"):
                self._close()
        finally:
            self.events.close()
            self.folder.cleanup()

    def _close(self) -> None:
        assert_lawful(self.run(self.world.entries(self.id)), self.model.status)
        self.run(self.dispatcher.crash())
        self.run(self.world.journal.close())
        assert rebuild_matches(self.world.journal.path) == []
        report = verify_record(self.world.journal.path, [])
        assert report.ok, report.findings


def assert_lawful(entries: list[Entry], final: str) -> None:
    """Every status that the record tells may follow the one before it."""
    current = ExecutionStatus.RECEIVED
    for entry in entries:
        told = entry.body.get("executionStatus")
        if entry.type is EntryType.PLAN_COMPILED:
            told = ExecutionStatus.COMPILED
        if told is not None:
            assert told in TRANSITIONS[current], (entry.seq, entry.type, current, told)
            current = ExecutionStatus(told)
    assert current.value == final


def test_no_hand_brings_a_run_where_the_model_does_not() -> None:
    shape = settings(max_examples=examples(30), stateful_step_count=25, deadline=None)
    run_state_machine_as_test(OperatorMachine, settings=shape)  # type: ignore[no-untyped-call]
