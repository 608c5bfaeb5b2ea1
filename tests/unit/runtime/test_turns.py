"""Turns of a run, driven by hand over a real record."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.journal import SqliteJournal, rebuild_matches
from gateway.model.action import ActionCall, ActionOutcome, Answered, Declined
from gateway.model.entry import EntryType
from gateway.model.execution import RunMode, StepStatus
from gateway.model.pii import Owner
from gateway.model.ports import Tx
from gateway.model.problem import ProblemError, refuse
from gateway.model.time import parse
from tests.unit.runtime.loop_world import (
    BUSY,
    REFUSED,
    SILENCE,
    VERDICT,
    Gated,
    LoopWorld,
    step,
    until,
    usual_output,
)

pytestmark = pytest.mark.anyio


async def test_a_run_flows_outputs_into_inputs_and_completes(world: LoopWorld) -> None:
    execution_id = await world.begin(
        step("order", "read"),
        step("act", "keyed", amount={"$from": "order.amount"}, email={"$from": "order.email"}),
    )
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
    (made,) = world.actions.made("keyed")
    assert made.input == {"id": "act", "amount": 80.5, "email": "ada@example.com"}
    (done,) = [
        entry
        for entry in await world.entries(execution_id, EntryType.STEP_COMPLETED)
        if entry.body["output"] == {"id": "act"}
    ]
    assert done.body["events"] == [
        {"event": "shop.keyed.done@1.0.0", "payload": {"id": "act", "amount": 80.5}}
    ]
    told = str([entry.body for entry in await world.entries(execution_id)])
    assert "ada@example.com" not in told
    assert rebuild_matches(world.journal.path) == []


async def test_ready_steps_run_in_parallel_and_joins_wait_for_both(world: LoopWorld) -> None:
    left, right = Gated(), Gated()
    world.actions.will("keyed", left, right)
    execution_id = await world.begin(
        step("a", "keyed"), step("b", "keyed"), step("c", "plain", ["a", "b"])
    )
    running = asyncio.create_task(world.advance(execution_id))
    await asyncio.gather(left.begun.wait(), right.begun.wait())
    assert not world.actions.made("plain")
    left.go.set()
    await until(world, execution_id, "a", StepStatus.COMPLETED)
    assert not world.actions.made("plain")
    right.go.set()
    await running
    assert len(world.actions.made("plain")) == 1
    assert await world.status(execution_id) == "completed"


async def test_a_declined_attempt_is_tried_again_with_back_off_and_one_key(
    world: LoopWorld,
) -> None:
    world.actions.will("plain", BUSY, BUSY, BUSY)
    execution_id = await world.begin(step("a", "plain"))
    waits = []
    for _ in range(3):
        wake_at = await world.advance(execution_id)
        state = await world.step(execution_id, "a")
        assert (state.status, state.retry_at) == (StepStatus.READY, wake_at)
        assert await world.advance(execution_id) == wake_at  # too early: nothing is sent
        waits.append((parse(wake_at or "") - world.clock.moment).total_seconds())
        world.clock.forward(waits[-1])
    await world.advance(execution_id)
    assert waits == [0.25, 1.0, 4.0]
    assert await world.status(execution_id) == "completed"
    assert len({call.idempotency_key for call in world.actions.calls}) == 1
    assert [
        entry.body["attempt"]
        for entry in await world.entries(execution_id, EntryType.STEP_DISPATCHED)
    ] == [1, 2, 3, 4]


async def exhaust(world: LoopWorld, execution_id: str) -> None:
    for _ in range(5):
        await world.advance(execution_id)
        world.clock.forward(60)


async def test_a_step_that_is_always_declined_fails_after_four_attempts(world: LoopWorld) -> None:
    world.actions.will("plain", *[BUSY] * 9)
    execution_id = await world.begin(step("a", "plain"), step("b", "plain", ["a"]))
    await exhaust(world, execution_id)
    assert await world.status(execution_id) == "failed"
    assert len(world.actions.calls) == 4
    assert (await world.step(execution_id, "b")).status is StepStatus.CANCELLED
    assert (await world.execution(execution_id)).problem["code"] == "BUSY"  # type: ignore[index] # it has one


async def test_a_run_ends_with_the_problem_of_the_step_that_failed(world: LoopWorld) -> None:
    world.actions.will("keyed", BUSY)
    world.actions.will("plain", REFUSED)
    execution_id = await world.begin(step("a", "keyed"), step("b", "plain"))
    await world.advance(execution_id)
    found = await world.execution(execution_id)
    assert (found.status.value, (found.problem or {})["code"]) == ("failed", "REFUSED")


async def test_a_failure_lets_what_is_in_flight_end_and_starts_nothing_more(
    world: LoopWorld,
) -> None:
    slow = Gated()
    world.actions.will("keyed", slow)
    world.actions.will("plain", REFUSED)
    execution_id = await world.begin(
        step("a", "keyed"), step("b", "plain"), step("c", "safe", ["a"])
    )
    running = asyncio.create_task(world.advance(execution_id))
    await until(world, execution_id, "b", StepStatus.FAILED)
    assert await world.status(execution_id) == "running"
    slow.go.set()
    await running
    steps = await world.steps(execution_id)
    assert [steps[key].status.value for key in "abc"] == ["completed", "failed", "cancelled"]
    assert await world.status(execution_id) == "failed"


@pytest.mark.parametrize(
    ("name", "statuses"),
    [("plain", ["unresolved"]), ("safe", ["completed"]), ("keyed", ["completed"])],
)
async def test_an_unknown_outcome_is_repeated_only_where_that_does_no_harm(
    world: LoopWorld, name: str, statuses: list[str]
) -> None:
    world.actions.will(name, SILENCE)
    execution_id = await world.begin(step("a", name))
    await exhaust(world, execution_id)
    assert [state.status.value for state in (await world.steps(execution_id)).values()] == statuses
    assert await world.status(execution_id) == statuses[0]


async def test_an_invalid_answer_of_a_command_is_unresolved_and_never_repeated(
    world: LoopWorld,
) -> None:
    world.actions.will("keyed", Answered({"other": 1}))
    execution_id = await world.begin(step("a", "keyed"))
    await exhaust(world, execution_id)
    assert await world.status(execution_id) == "unresolved"
    assert len(world.actions.calls) == 1


async def test_an_action_that_raises_is_of_unknown_outcome(world: LoopWorld) -> None:
    world.actions.will("plain", RuntimeError("boom"))
    execution_id = await world.begin(step("a", "plain"))
    await world.advance(execution_id)
    state = await world.step(execution_id, "a")
    assert state.status is StepStatus.UNRESOLVED
    assert "boom" not in str(state.problem)


@pytest.mark.parametrize(
    ("name", "last", "status"),
    [
        ("safe", [BUSY, BUSY, BUSY], "unresolved"),
        ("safe", [REFUSED], "unresolved"),
        ("keyed", [Declined("BAD_GATEWAY", "No connection.", 502, True)] * 3, "unresolved"),
        ("keyed", [Declined("BUSY", "No connection.", 503, True)] * 3, "unresolved"),
        ("keyed", [REFUSED], "failed"),
        ("keyed", [BUSY, Answered({"id": "a"})], "completed"),
    ],
)
async def test_a_refusal_after_an_unknown_outcome_does_not_undo_the_doubt(
    world: LoopWorld, name: str, last: list[Any], status: str
) -> None:
    world.actions.will(name, SILENCE, *last)
    execution_id = await world.begin(step("a", name))
    await exhaust(world, execution_id)
    assert (await world.step(execution_id, "a")).status.value == status
    assert await world.status(execution_id) == status


async def test_a_step_in_doubt_that_may_not_run_any_more_is_unresolved(world: LoopWorld) -> None:
    world.actions.will("keyed", SILENCE)
    execution_id = await world.begin(step("a", "keyed"))
    await world.advance(execution_id)
    await world.decide_by("p, 1, *, *, *, *, true, blocked, -, -, -, -\n")
    await exhaust(world, execution_id)
    state = await world.step(execution_id, "a")
    assert (state.status, (state.problem or {})["code"]) == (
        StepStatus.UNRESOLVED,
        "OUTCOME_UNKNOWN",
    )
    assert len(world.actions.calls) == 1


async def test_cancelling_a_run_leaves_a_step_in_doubt_unresolved(world: LoopWorld) -> None:
    world.actions.will("keyed", SILENCE)
    execution_id = await world.begin(step("a", "keyed"), step("b", "plain", ["a"]))
    await world.advance(execution_id)
    await world.cancel(execution_id)
    steps = await world.steps(execution_id)
    assert [steps[key].status.value for key in "ab"] == ["unresolved", "cancelled"]
    assert await world.status(execution_id) == "cancelled"


@pytest.mark.parametrize(
    ("name", "status"), [("plain", "unresolved"), ("safe", "completed"), ("read", "completed")]
)
async def test_an_attempt_of_a_process_that_died_is_settled_by_the_next(
    world: LoopWorld, name: str, status: str
) -> None:
    never = Gated()
    world.actions.will(name, never)
    execution_id = await world.begin(step("a", name))
    first = asyncio.create_task(world.advance(execution_id))
    await never.begun.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    other = world.process()
    assert await world.advance(execution_id, other) is None  # the lease still stands
    assert len(world.actions.calls) == 1
    world.clock.forward(31)
    await world.advance(execution_id, other)
    world.clock.forward(31)
    await world.advance(execution_id, other)
    assert (await world.step(execution_id, "a")).status.value == status
    assert len({call.idempotency_key for call in world.actions.calls}) == 1


async def test_a_process_that_lost_its_claim_writes_nothing(world: LoopWorld) -> None:
    late = Gated()
    world.actions.will("plain", late)
    execution_id = await world.begin(step("a", "plain"))
    first = asyncio.create_task(world.advance(execution_id))
    await late.begun.wait()
    world.clock.forward(31)
    await world.advance(execution_id, world.process())
    before = await world.entries(execution_id)
    late.go.set()
    assert await first is None
    assert await world.entries(execution_id) == before
    assert await world.status(execution_id) == "unresolved"


class Failing:
    """A journal that refuses the next writes when told to."""

    def __init__(self, journal: SqliteJournal) -> None:
        self._journal = journal
        self.refusals = 0

    async def write(self, unit: Callable[[Tx], Any]) -> Any:
        if self.refusals:
            self.refusals -= 1
            raise refuse("SERVICE_UNAVAILABLE", "The disk is full.")
        return await self._journal.write(unit)


async def test_an_outcome_is_kept_until_the_record_can_be_written(
    world: LoopWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.runtime.runner._RETRY_WRITE", 0.01)
    failing = Failing(world.journal)

    async def answer(call: ActionCall) -> ActionOutcome:
        failing.refusals = 3
        return Answered(usual_output(call))

    world.actions.will("plain", answer)
    execution_id = await world.begin(step("a", "plain"))
    await world.advance(execution_id, world.process(journal=failing))
    assert failing.refusals == 0
    assert await world.status(execution_id) == "completed"
    assert len(world.actions.calls) == 1


async def test_cancelling_sends_nothing_more_and_records_what_was_in_flight(
    world: LoopWorld,
) -> None:
    slow = Gated()
    world.actions.will("plain", slow)
    execution_id = await world.begin(step("a", "plain"), step("b", "safe", ["a"]))
    running = asyncio.create_task(world.advance(execution_id))
    await slow.begun.wait()
    await world.cancel(execution_id)
    assert world.quiet.submitted[-1] == (await world.execution(execution_id)).run_id
    slow.go.set()
    await running
    steps = await world.steps(execution_id)
    assert [steps[key].status.value for key in "ab"] == ["completed", "cancelled"]
    assert await world.status(execution_id) == "cancelled"
    assert not world.actions.made("safe")


async def test_nothing_is_tried_again_once_a_run_is_cancelled(world: LoopWorld) -> None:
    slow = Gated(BUSY)
    world.actions.will("plain", slow)
    execution_id = await world.begin(step("a", "plain"))
    running = asyncio.create_task(world.advance(execution_id))
    await slow.begun.wait()
    await world.cancel(execution_id)
    slow.go.set()
    await running
    assert (await world.step(execution_id, "a")).status is StepStatus.FAILED
    assert len(world.actions.calls) == 1


async def test_a_dry_run_calls_nothing(world: LoopWorld) -> None:
    execution_id = await world.begin(
        step("a", "read"), step("b", "two", ["a"]), mode=RunMode.DRY_RUN
    )
    await world.advance(execution_id)
    assert world.actions.calls == []
    assert await world.status(execution_id) == "completed"
    steps = await world.steps(execution_id)
    assert {state.status for state in steps.values()} == {StepStatus.SKIPPED}


async def test_assist_mode_asks_before_every_command_but_not_before_a_query(
    world: LoopWorld,
) -> None:
    execution_id = await world.begin(
        step("a", "read"), step("b", "plain", ["a"]), mode=RunMode.ASSIST
    )
    await world.advance(execution_id)
    assert [call.contract.key for call in world.actions.calls] == ["shop.read"]
    asked = await world.approval(execution_id, "b")
    assert (asked.approver_role, asked.quorum) == ("approver", 1)
    assert "assist mode" in asked.reason


async def test_access_is_decided_again_at_dispatch(world: LoopWorld) -> None:
    execution_id = await world.begin(step("a", "plain"))
    deny = "p, user, *, shop.plain, call, deny\np, user, *, auth:user, call, allow\n"
    await world.decide_by(VERDICT, access=deny)
    await world.advance(execution_id)
    state = await world.step(execution_id, "a")
    assert (state.status, (state.problem or {})["code"]) == (StepStatus.FAILED, "FORBIDDEN")
    assert world.actions.calls == []


async def test_an_output_that_does_not_fit_the_next_input_fails_that_step(
    world: LoopWorld,
) -> None:
    world.actions.will("read", Answered({"id": "x", "amount": 1.0, "extra": {"a": None}}))
    execution_id = await world.begin(
        step("a", "read"), step("b", "keyed", extra={"$from": "a.extra.a"})
    )
    await world.advance(execution_id)
    assert world.actions.made("keyed")[0].input == {"id": "b"}  # null is left out


async def test_under_another_policy_head_nothing_starts_but_outcomes_are_recorded(
    world: LoopWorld,
) -> None:
    slow = Gated()
    world.actions.will("plain", slow)
    execution_id = await world.begin(step("a", "plain"), step("b", "safe", ["a"]))
    running = asyncio.create_task(world.advance(execution_id))
    await slow.begun.wait()
    stale = world.loop
    await world.decide_by(VERDICT + "p, 950, *, *, *, low, true, autonomous, -, -, -, -\n")
    slow.go.set()
    assert await running is not None  # it wants to be looked at again
    steps = await world.steps(execution_id)
    assert [steps[key].status.value for key in "ab"] == ["completed", "planned"]
    await world.advance(execution_id, stale)
    assert not world.actions.made("safe")
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"


async def test_a_rate_limit_delays_a_step_and_fails_nothing(world: LoopWorld) -> None:
    execution_id = await world.begin(step("a", "slow"), step("b", "slow"))
    wake_at = await world.advance(execution_id)
    steps = await world.steps(execution_id)
    assert sorted(state.status.value for state in steps.values()) == ["completed", "ready"]
    assert wake_at == "2026-03-01T09:31:00.000000Z"
    world.clock.forward(60)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"


async def test_a_run_whose_sealed_data_cannot_be_opened_fails(world: LoopWorld) -> None:
    execution_id = await world.begin(step("a", "keyed", email="ada@example.com"))

    class Lost:
        def unseal(self, workspace: str, envelope: object) -> object:
            raise ValueError("the key is gone")

    loop = world.process()
    loop.runner._sealer = Lost()  # type: ignore[assignment] # only unseal is used
    await world.advance(execution_id, loop)
    found = await world.execution(execution_id)
    assert (found.status.value, (found.problem or {})["code"]) == ("failed", "INTERNAL_ERROR")


async def test_a_start_before_verification_is_a_conflict(world: LoopWorld) -> None:
    execution = await world.compile([step("a", "plain")])
    with pytest.raises(ProblemError) as refused:
        await world.journal.write(
            lambda tx: world.loop.lifecycle.started(
                tx, execution, RunMode.AUTONOMOUS, "olga", "sha256:1"
            )
        )
    assert refused.value.problem.code == "CONFLICT"
    assert (refused.value.problem.extra or {})["currentStatus"] == "COMPILED"


async def test_a_planted_envelope_is_refused_before_anything_runs(world: LoopWorld) -> None:
    secret = world.sealer.seal(
        Owner("acme", "call/1"), "shop.read@1.0.0", "output.email", "eve@example.com"
    )
    with pytest.raises(ProblemError, match="the gateway's own"):
        await world.begin(step("a", "keyed", extra={"x": secret}))
    assert world.actions.calls == []
