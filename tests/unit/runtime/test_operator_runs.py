"""Runs under an operator's hand while attempts are in flight, by turns on a real record."""

import asyncio

import pytest

from gateway.journal import SqliteJournal, rebuild_matches, rebuild_record, verify_record
from gateway.model.action import ActionCall, ActionOutcome
from gateway.model.entry import EntryType
from gateway.model.execution import StepStatus
from gateway.model.problem import ProblemError
from gateway.model.time import stamp
from gateway.runtime import Loop
from gateway.runtime.slots import Slots
from tests.unit.runtime.loop_world import (
    BUSY,
    FIONA,
    REFUSED,
    SILENCE,
    Gated,
    LoopWorld,
    step,
    until,
)

pytestmark = pytest.mark.anyio


async def in_flight(
    world: LoopWorld, name: str, gated: Gated, *more: dict[str, object]
) -> tuple[str, "asyncio.Task[str | None]"]:
    """A run whose step a is under way; returns its id and the task that advances it."""
    world.actions.will(name, gated)
    execution_id = await world.begin(step("a", name), *more)
    running = asyncio.create_task(world.advance(execution_id))
    await gated.begun.wait()
    return execution_id, running


async def refused(world: LoopWorld, command: str, execution_id: str, *reason: str) -> str:
    with pytest.raises(ProblemError) as found:
        await world.operate(command, execution_id, *reason)
    assert found.value.problem.code == "CONFLICT"
    return found.value.problem.detail


async def statuses(world: LoopWorld, execution_id: str) -> list[str]:
    return [one.status.value for one in (await world.steps(execution_id)).values()]


async def restarted(world: LoopWorld, running: "asyncio.Task[str | None]") -> Loop:
    """The process that advances dies; another one takes over after its lease."""
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    world.clock.forward(31)
    return world.process()


async def test_a_paused_run_records_what_was_in_flight_and_begins_nothing_more(
    world: LoopWorld,
) -> None:
    slow = Gated()
    execution_id, running = await in_flight(world, "plain", slow, step("b", "safe", ["a"]))
    await world.operate("pause", execution_id, "look into it")
    slow.go.set()
    assert await running is None
    assert await statuses(world, execution_id) == ["completed", "planned"]
    assert await world.status(execution_id) == "paused"
    await world.operate("resume", execution_id)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
    kinds = (EntryType.RUN_PAUSED, EntryType.RUN_RESUMED)
    told = [
        (entry.actor, entry.body.get("reason"))
        for entry in await world.entries(execution_id, *kinds)
    ]
    assert told == [("olga", "look into it"), ("olga", None)]


async def test_a_retryable_failure_waits_for_the_resume(world: LoopWorld) -> None:
    busy = Gated(BUSY)
    execution_id, running = await in_flight(world, "plain", busy)
    await world.operate("pause", execution_id, "")
    busy.go.set()
    assert await running is None  # a paused run wants to be woken for expiries only
    state = await world.step(execution_id, "a")
    assert (state.status, state.retry_at is not None) == (StepStatus.READY, True)
    world.clock.forward(60)
    await world.advance(execution_id)
    assert len(world.actions.calls) == 1
    await world.operate("resume", execution_id)
    await world.advance(execution_id)
    assert len(world.actions.calls) == 2
    assert await world.status(execution_id) == "completed"


async def test_approvals_are_decided_while_paused_and_used_after_the_resume(
    world: LoopWorld,
) -> None:
    execution_id = await world.begin(step("a", "cash", amount=500))
    await world.advance(execution_id)
    await world.operate("pause", execution_id, "")
    assert await world.approve(execution_id, "a") == "approved"
    await world.advance(execution_id)
    assert world.actions.calls == []
    await world.operate("resume", execution_id)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"


async def test_approvals_expire_on_time_while_paused(world: LoopWorld) -> None:
    execution_id = await world.begin(step("a", "cash", amount=500))
    await world.advance(execution_id)
    await world.operate("pause", execution_id, "")
    wake_at = await world.advance(execution_id)
    assert wake_at == (await world.approval(execution_id, "a")).expires_at
    world.clock.forward(3600)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "expired"


@pytest.mark.parametrize(("outcome", "status"), [(REFUSED, "failed"), (None, "completed")])
async def test_a_paused_run_ends_where_its_steps_end_it(
    world: LoopWorld, outcome: object, status: str
) -> None:
    slow = Gated(outcome)  # type: ignore[arg-type] # an outcome or none
    execution_id, running = await in_flight(world, "plain", slow)
    await world.operate("pause", execution_id, "")
    slow.go.set()
    await running
    assert await world.status(execution_id) == status


async def test_a_rejection_ends_a_paused_run(world: LoopWorld) -> None:
    execution_id = await world.begin(step("a", "cash", amount=500))
    await world.advance(execution_id)
    await world.operate("pause", execution_id, "")
    await world.reject(execution_id, "a")
    await world.advance(execution_id)
    assert await world.status(execution_id) == "rejected"


async def test_a_paused_run_stays_paused_when_its_process_dies(world: LoopWorld) -> None:
    never = Gated()
    execution_id, running = await in_flight(world, "safe", never, step("b", "plain", ["a"]))
    await world.operate("pause", execution_id, "")
    other = await restarted(world, running)
    await world.advance(execution_id, other)
    assert await statuses(world, execution_id) == ["ready", "planned"]
    assert await world.status(execution_id) == "paused"
    await world.operate("resume", execution_id)
    world.clock.forward(60)
    await world.advance(execution_id, other)
    assert await world.status(execution_id) == "completed"


async def test_a_shutdown_finishes_what_runs_and_then_cancels(world: LoopWorld) -> None:
    slow = Gated()
    more = (step("b", "safe", ["a"]), step("c", "cash", amount=500))
    execution_id, running = await in_flight(world, "plain", slow, *more)
    await world.operate("shutdown", execution_id, "maintenance")
    found = await world.execution(execution_id)
    assert (found.status.value, found.stopping) == ("running", True)
    with pytest.raises(ProblemError, match="shut down"):
        await world.approve(execution_id, "c", FIONA)
    for command, *reason in (("shutdown", ""), ("pause", "")):
        assert "being shut down" in await refused(world, command, execution_id, *reason)
    slow.go.set()
    await running
    assert await statuses(world, execution_id) == ["completed", "cancelled", "cancelled"]
    found = await world.execution(execution_id)
    assert (found.status.value, found.stopping, found.problem) == ("cancelled", False, None)
    assert (await world.approval(execution_id, "c")).status.value == "void"
    assert [call.contract.key for call in world.actions.calls] == ["shop.plain"]


@pytest.mark.parametrize(
    ("name", "outcome", "status"),
    [
        ("keyed", BUSY, "failed"),
        ("keyed", SILENCE, "unresolved"),
        ("plain", SILENCE, "unresolved"),
        ("plain", REFUSED, "failed"),
    ],
)
async def test_a_shutdown_tries_nothing_again(
    world: LoopWorld, name: str, outcome: object, status: str
) -> None:
    slow = Gated(outcome)  # type: ignore[arg-type] # an outcome
    execution_id, running = await in_flight(world, name, slow)
    await world.operate("shutdown", execution_id, "")
    slow.go.set()
    await running
    assert await statuses(world, execution_id) == [status]
    assert await world.status(execution_id) == "cancelled"


async def test_a_shutdown_is_finished_by_the_next_process(world: LoopWorld) -> None:
    never = Gated()
    execution_id, running = await in_flight(world, "keyed", never, step("b", "plain", ["a"]))
    await world.operate("pause", execution_id, "")
    await world.operate("shutdown", execution_id, "")
    assert "being shut down" in await refused(world, "resume", execution_id)
    other = await restarted(world, running)
    await world.advance(execution_id, other)
    assert await statuses(world, execution_id) == ["unresolved", "cancelled"]
    assert await world.status(execution_id) == "cancelled"
    assert len(world.actions.calls) == 1


@pytest.mark.parametrize("command", ["cancel", "abort"])
async def test_cancel_and_abort_end_a_run_that_is_being_shut_down(
    world: LoopWorld, command: str
) -> None:
    slow = Gated()
    execution_id, running = await in_flight(world, "plain", slow)
    await world.operate("shutdown", execution_id, "")
    await world.operate(command, execution_id, "now")
    assert await world.status(execution_id) == {"cancel": "cancelled", "abort": "aborted"}[command]
    slow.go.set()
    await running
    assert await statuses(world, execution_id) == ["completed"]


async def test_an_abort_leaves_attempts_unresolved_until_their_outcome_comes(
    world: LoopWorld,
) -> None:
    slow = Gated()
    more = (step("b", "safe", ["a"]), step("c", "cash", amount=500))
    execution_id, running = await in_flight(world, "plain", slow, *more)
    await world.operate("abort", execution_id, "wrong customer")
    assert await world.status(execution_id) == "aborted"
    steps = await world.steps(execution_id)
    assert [steps[key].status.value for key in "abc"] == ["unresolved", "cancelled", "cancelled"]
    assert (steps["a"].problem or {})["code"] == "OUTCOME_UNKNOWN"
    assert (await world.approval(execution_id, "c")).status.value == "void"
    slow.go.set()
    await running
    done = await world.step(execution_id, "a")
    assert (done.status, done.output, done.problem) == (StepStatus.COMPLETED, {"id": "a"}, None)
    assert await world.status(execution_id) == "aborted"
    for command in ("resume", "retry"):
        assert "ABORTED" in await refused(world, command, execution_id)
    assert rebuild_matches(world.journal.path) == []


@pytest.mark.parametrize(
    ("outcome", "status"), [(REFUSED, "failed"), (BUSY, "failed"), (SILENCE, "unresolved")]
)
async def test_a_late_outcome_of_an_aborted_run_settles_its_step(
    world: LoopWorld, outcome: object, status: str
) -> None:
    slow = Gated(outcome)  # type: ignore[arg-type] # an outcome
    execution_id, running = await in_flight(world, "keyed", slow)
    await world.operate("abort", execution_id, "")
    slow.go.set()
    await running
    assert await statuses(world, execution_id) == [status]
    assert await world.status(execution_id) == "aborted"


async def test_a_refusal_that_comes_late_settles_no_earlier_attempt(world: LoopWorld) -> None:
    world.actions.will("safe", SILENCE)
    execution_id = await world.begin(step("a", "safe"))
    world.clock.forward(1)
    await world.advance(execution_id)
    slow = Gated(REFUSED)
    world.actions.will("safe", slow)
    world.clock.forward(1)
    running = asyncio.create_task(world.advance(execution_id))
    await slow.begun.wait()
    await world.operate("abort", execution_id, "")
    slow.go.set()
    await running
    assert await statuses(world, execution_id) == ["unresolved"]


@pytest.mark.parametrize("settled", ["done", "failed"])
async def test_a_late_outcome_never_overwrites_what_an_operator_settled(
    world: LoopWorld, settled: str
) -> None:
    slow = Gated()
    execution_id, running = await in_flight(world, "plain", slow)
    await world.operate("abort", execution_id, "")
    output = {"id": "by hand"} if settled == "done" else {}
    await world.reconcile(execution_id, "a", settled, **output)
    before = await world.step(execution_id, "a")
    slow.go.set()
    await running
    assert await world.step(execution_id, "a") == before
    (late,) = await world.entries(execution_id, EntryType.STEP_LATE)
    assert (late.body["attempt"], late.body["output"]) == (1, {"id": "a"})


async def test_an_attempt_that_waits_for_its_turn_is_not_sent_after_the_end(
    world: LoopWorld,
) -> None:
    loop = world.process()
    loop.runner._slots = Slots(1)
    slow = Gated()
    world.actions.will("plain", slow)
    execution_id = await world.begin(step("a", "plain"), step("b", "plain"))
    woken = asyncio.Event()
    run_id = (await world.execution(execution_id)).run_id
    running = asyncio.create_task(loop.runner.advance(run_id or "", woken))
    await slow.begun.wait()
    await until(world, execution_id, "b", StepStatus.DISPATCHED)
    await world.cancel(execution_id)
    woken.set()
    while woken.is_set():  # noqa: ASYNC110 - the runner takes it when it looks
        await asyncio.sleep(0.005)
    await world.journal.write(lambda tx: None)  # after what the runner wrote when it looked
    slow.go.set()
    await running
    assert len(world.actions.calls) == 1
    assert await statuses(world, execution_id) == ["completed", "failed"]


async def test_of_many_commands_at_once_each_finds_what_the_one_before_left(
    world: LoopWorld,
) -> None:
    slow = Gated()
    execution_id, running = await in_flight(world, "plain", slow, step("b", "safe", ["a"]))
    commands = [
        ("pause", ""),
        ("resume",),
        ("shutdown", ""),
        ("pause", ""),
        ("abort", ""),
        ("cancel", ""),
        ("retry",),
        ("resume",),
    ] * 5
    results = await asyncio.gather(
        *(world.operate(command, execution_id, *reason) for command, *reason in commands),
        return_exceptions=True,
    )
    told = [result.problem.code for result in results if isinstance(result, ProblemError)]
    assert len(told) == len([result for result in results if result is not None])
    assert set(told) == {"CONFLICT"}
    slow.go.set()
    await running
    kinds = [entry.type for entry in await world.entries(execution_id)]
    assert kinds.count(EntryType.RUN_ENDED) == 1
    assert kinds.count(EntryType.RUN_PAUSED) == kinds.count(EntryType.RUN_RESUMED)
    assert await world.status(execution_id) == "aborted"
    assert await statuses(world, execution_id) == ["completed", "cancelled"]
    assert rebuild_matches(world.journal.path) == []
    assert verify_record(world.journal.path, []).ok


async def test_a_rebuild_wakes_a_paused_run_for_what_it_waits_for(world: LoopWorld) -> None:
    execution_id = await world.begin(step("a", "cash", amount=500))
    await world.advance(execution_id)
    await world.operate("pause", execution_id, "")
    await world.advance(execution_id)
    run_id = (await world.execution(execution_id)).run_id
    await world.journal.close()
    rebuild_record(world.journal.path, world.clock)
    world.journal = await SqliteJournal.open(
        world.journal.path, clock=world.clock, writer="writer-2"
    )
    now = stamp(world.clock.now())
    (due,) = await world.journal.read(lambda records: records.due_runs(now, 9))
    assert due.run_id == run_id
    expires_at = (await world.approval(execution_id, "a")).expires_at
    assert await world.advance(execution_id, world.process()) == expires_at
    assert await world.status(execution_id) == "paused"


async def test_a_run_that_cannot_be_opened_leaves_no_attempt_behind(world: LoopWorld) -> None:
    never = Gated()
    more = {"email": "ada@example.com"}
    world.actions.will("keyed", never)
    execution_id = await world.begin(step("a", "keyed", **more))
    running = asyncio.create_task(world.advance(execution_id))
    await never.begun.wait()
    other = await restarted(world, running)

    class Lost:
        def unseal(self, workspace: str, envelope: object) -> object:
            raise ValueError("the key is gone")

    other.runner._sealer = Lost()  # type: ignore[assignment] # only unseal is used
    await world.advance(execution_id, other)
    assert await world.status(execution_id) == "failed"
    assert await statuses(world, execution_id) == ["unresolved"]


async def test_an_attempt_that_waits_to_be_sent_is_held_back_once_its_run_was_aborted(
    world: LoopWorld,
) -> None:
    begun, woken = asyncio.Event(), asyncio.Event()

    async def waits_for_a_connection(call: ActionCall) -> ActionOutcome:
        begun.set()
        while (told := call.held_back()) is None:  # noqa: ASYNC110 - the turn tells nobody
            await asyncio.sleep(0.001)
        return told

    world.actions.will("plain", waits_for_a_connection)
    execution_id = await world.begin(step("a", "plain"))
    run_id = (await world.execution(execution_id)).run_id or ""
    running = asyncio.create_task(world.loop.runner.advance(run_id, woken))
    await begun.wait()
    await world.operate("abort", execution_id, "wrong customer")
    woken.set()
    await running
    assert await statuses(world, execution_id) == ["failed"]
    assert await world.status(execution_id) == "aborted"
