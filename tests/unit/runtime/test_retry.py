"""A retry: what runs again, under which keys and consents, and what is kept."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.journal import rebuild_matches
from gateway.model.action import Answered, Declined, Unknown
from gateway.model.entry import EntryType
from gateway.model.execution import StepStatus
from gateway.model.problem import ProblemError
from gateway.model.time import parse
from tests.unit.runtime.loop_world import (
    BUSY,
    FRANK,
    REFUSED,
    SILENCE,
    VERDICT,
    Gated,
    LoopWorld,
    step,
)

pytestmark = pytest.mark.anyio


async def failed(world: LoopWorld) -> str:
    """A run that failed after one completed step, before two others."""
    world.actions.will("keyed", REFUSED)
    execution_id = await world.begin(
        step("a", "book"), step("b", "keyed", ["a"]), step("c", "plain", ["b"])
    )
    await world.advance(execution_id)
    assert await world.status(execution_id) == "failed"
    return execution_id


async def statuses(world: LoopWorld, execution_id: str) -> list[str]:
    return [one.status.value for one in (await world.steps(execution_id)).values()]


async def exhaust(world: LoopWorld, execution_id: str) -> None:
    for _ in range(5):
        await world.advance(execution_id)
        world.clock.forward(60)


async def test_nothing_waits_for_a_retry_of_before_the_clock_went_back(world: LoopWorld) -> None:
    world.clock.forward(365 * 86_400)
    world.actions.will("plain", BUSY)
    execution_id = await world.begin(step("a", "plain"))
    await world.advance(execution_id)
    assert await statuses(world, execution_id) == ["ready"]
    world.clock.forward(-365 * 86_400)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"


async def test_what_failed_runs_again_and_what_is_completed_is_kept(world: LoopWorld) -> None:
    execution_id = await failed(world)
    await world.operate("retry", execution_id)
    found = await world.execution(execution_id)
    assert (found.status.value, found.retries, found.problem) == ("running", 1, None)
    assert (found.ended_at, found.retried_at is not None) == (None, True)
    assert await statuses(world, execution_id) == ["completed", "ready", "planned"]
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
    assert [len(world.actions.made(name)) for name in ("book", "keyed", "plain")] == [1, 2, 1]
    assert rebuild_matches(world.journal.path) == []


async def test_a_step_without_effect_gets_a_new_key_and_its_attempts_count_on(
    world: LoopWorld,
) -> None:
    execution_id = await failed(world)
    for _ in range(2):
        world.actions.will("keyed", REFUSED)
        await world.operate("retry", execution_id)
        await world.advance(execution_id)
    keys = [call.idempotency_key for call in world.actions.made("keyed")]
    assert len(set(keys)) == 3
    state = await world.step(execution_id, "b")
    assert (state.attempt, state.base, state.key_base) == (3, 2, 2)
    assert (await world.execution(execution_id)).retries == 2


@pytest.mark.parametrize("name", ["plain", "keyed"])
async def test_a_step_in_doubt_keeps_its_key(world: LoopWorld, name: str) -> None:
    world.actions.will(name, *[SILENCE] * 4)
    execution_id = await world.begin(step("a", name))
    await exhaust(world, execution_id)
    assert await world.status(execution_id) == "unresolved"
    world.actions.script.clear()
    await world.operate("retry", execution_id)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
    assert len({call.idempotency_key for call in world.actions.calls}) == 1


async def test_one_retry_handles_a_failed_step_and_another_in_doubt(world: LoopWorld) -> None:
    world.actions.will("plain", SILENCE)
    world.actions.will("keyed", REFUSED)
    execution_id = await world.begin(step("a", "plain"), step("b", "keyed"))
    await world.advance(execution_id)
    assert await statuses(world, execution_id) == ["unresolved", "failed"]
    assert await world.status(execution_id) == "failed"
    await world.operate("retry", execution_id)
    (entry,) = await world.entries(execution_id, EntryType.RUN_RETRIED)
    assert entry.body["fresh"] == [(await world.step(execution_id, "b")).id]
    await world.advance(execution_id)
    keys = {
        name: len({call.idempotency_key for call in world.actions.made(name)})
        for name in ("plain", "keyed")
    }
    assert keys == {"plain": 1, "keyed": 2}
    assert await world.status(execution_id) == "completed"


async def test_each_round_has_its_own_attempts_and_back_off(world: LoopWorld) -> None:
    world.actions.will("plain", *[BUSY] * 8)
    execution_id = await world.begin(step("a", "plain"))
    await exhaust(world, execution_id)
    assert await world.status(execution_id) == "failed"
    await world.operate("retry", execution_id)
    await world.advance(execution_id)
    waits = [
        entry.body["retryAt"] > entry.at
        for entry in await world.entries(execution_id, EntryType.STEP_RETRYING)
    ]
    assert len(waits) == 4
    await exhaust(world, execution_id)
    assert len(world.actions.calls) == 8
    assert (await world.step(execution_id, "a")).attempt == 8
    assert await world.status(execution_id) == "failed"


async def waited(world: LoopWorld, execution_id: str) -> list[float]:
    """For how many seconds each failed attempt put its step off."""
    return [
        (parse(entry.body["retryAt"]) - parse(entry.at)).total_seconds()
        for entry in await world.entries(execution_id, EntryType.STEP_RETRYING)
    ]


@pytest.mark.parametrize("name", ["plain", "read"])
async def test_a_step_leaves_a_service_alone_for_as_long_as_it_asks(
    world: LoopWorld, name: str
) -> None:
    limited = Declined("RATE_LIMITED", "Too many calls.", 429, retryable=True, retry_after=30.0)
    soon, late = (replace(limited, retry_after=seconds) for seconds in (0.0, 86_400.0))
    world.actions.will(name, limited, soon, late)
    execution_id = await world.begin(step("a", name))
    await exhaust(world, execution_id)
    assert await waited(world, execution_id) == [30.0, 1.0, 3600.0]
    world.clock.forward(3600)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"


async def test_what_may_have_happened_is_repeated_only_when_its_service_will_have_it(
    world: LoopWorld,
) -> None:
    """Also where it may have happened in an attempt before the one that is put off."""
    limited = Declined("RATE_LIMITED", "Too many calls.", 429, retryable=True, retry_after=60.0)
    world.actions.will("keyed", Unknown("The service failed.", retry_after=30.0), limited)
    world.actions.will("plain", Unknown("The service failed.", retry_after=30.0))
    execution_id = await world.begin(step("a", "keyed"))
    await exhaust(world, execution_id)
    assert await waited(world, execution_id) == [30.0, 60.0]
    execution_id = await world.begin(step("a", "plain"))
    await exhaust(world, execution_id)
    assert await waited(world, execution_id) == []
    (entry,) = await world.entries(execution_id, EntryType.STEP_UNRESOLVED)
    assert "retryAfter" not in entry.body["problem"]


@pytest.mark.parametrize("answer", [Answered({"other": 1}), SILENCE])
async def test_a_refusal_after_a_retry_does_not_undo_the_doubt(
    world: LoopWorld, answer: object
) -> None:
    world.actions.will("plain", answer, REFUSED)  # type: ignore[arg-type] # an outcome
    execution_id = await world.begin(step("a", "plain"))
    await world.advance(execution_id)
    assert await world.status(execution_id) == "unresolved"
    await world.operate("retry", execution_id)
    await world.advance(execution_id)
    state = await world.step(execution_id, "a")
    assert (state.status, (state.problem or {})["code"]) == (
        StepStatus.UNRESOLVED,
        "OUTCOME_UNKNOWN",
    )


async def test_an_expired_request_is_asked_for_again(world: LoopWorld) -> None:
    execution_id = await world.begin(step("a", "cash", amount=500))
    await world.advance(execution_id)
    first = await world.approval(execution_id, "a")
    world.clock.forward(3600)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "expired"
    await world.operate("retry", execution_id)
    await world.advance(execution_id)
    second = await world.approval(execution_id, "a")
    assert (await world.status(execution_id), second.id == first.id) == ("waiting_approval", False)
    await world.approve(execution_id, "a")
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"


@pytest.mark.parametrize(("outcome", "status"), [(REFUSED, "failed"), (SILENCE, "unresolved")])
async def test_used_consent_authorises_no_new_round(
    world: LoopWorld, outcome: object, status: str
) -> None:
    world.actions.will("cash", *([outcome] * 4))  # type: ignore[list-item] # outcomes
    execution_id = await world.begin(step("a", "cash", amount=500))
    await world.advance(execution_id)
    await world.approve(execution_id, "a")
    await exhaust(world, execution_id)
    assert await world.status(execution_id) == status
    made = len(world.actions.calls)
    first = await world.approval(execution_id, "a")
    assert first.status.value == "used"
    world.actions.script.clear()
    await world.operate("retry", execution_id)
    await world.advance(execution_id)
    assert len(world.actions.calls) == made
    asked = await world.approval(execution_id, "a")
    assert (asked.status.value, asked.digest == first.digest) == ("pending", False)
    await world.approve(execution_id, "a", FRANK)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
    assert len(world.actions.calls) == made + 1


async def test_what_was_consented_to_under_other_rules_is_not_used_in_a_later_round(
    world: LoopWorld,
) -> None:
    world.actions.will("cash", REFUSED, SILENCE)
    execution_id = await world.begin(step("a", "cash", amount=500))
    await world.advance(execution_id)
    await world.approve(execution_id, "a")
    await world.advance(execution_id)
    free = VERDICT.replace("amount > 100", "amount > 900").replace("<= 100", "<= 900")
    await world.decide_by(free)
    await world.operate("retry", execution_id)
    await world.advance(execution_id)  # autonomous now, and of unknown outcome
    await world.decide_by(VERDICT)
    world.clock.forward(1)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "waiting_approval"
    assert len(world.actions.calls) == 2


async def test_access_is_decided_anew(world: LoopWorld) -> None:
    execution_id = await failed(world)
    deny = "p, user, *, shop.keyed, call, deny\np, user, *, auth:user, call, allow\n"
    await world.decide_by(VERDICT, access=deny)
    await world.operate("retry", execution_id)
    await world.advance(execution_id)
    state = await world.step(execution_id, "b")
    assert (state.status, (state.problem or {})["code"]) == (StepStatus.FAILED, "FORBIDDEN")
    await world.decide_by(VERDICT)
    await world.operate("retry", execution_id)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"


@pytest.mark.parametrize("end", ["cancel", "abort", "reject", "expire"])
async def test_doubt_outlives_every_end_of_a_retried_run(world: LoopWorld, end: str) -> None:
    world.actions.will("cash", *[SILENCE] * 4)
    execution_id = await world.begin(step("a", "cash", amount=500))
    await world.advance(execution_id)
    await world.approve(execution_id, "a")
    await exhaust(world, execution_id)
    await world.operate("retry", execution_id)
    await world.advance(execution_id)
    if end in ("cancel", "abort"):
        await world.operate(end, execution_id, "")
    elif end == "reject":
        await world.reject(execution_id, "a")
    else:
        world.clock.forward(3600)
    await world.advance(execution_id)
    state = await world.step(execution_id, "a")
    assert (state.status, (state.problem or {})["code"]) == (
        StepStatus.UNRESOLVED,
        "OUTCOME_UNKNOWN",
    )
    assert rebuild_matches(world.journal.path) == []


async def test_a_rejection_stands(world: LoopWorld) -> None:
    slow = Gated(REFUSED)
    world.actions.will("plain", slow)
    execution_id = await world.begin(step("c", "plain"), step("d", "cash", amount=500))
    running = asyncio.create_task(world.advance(execution_id))
    await slow.begun.wait()
    await world.reject(execution_id, "d")
    slow.go.set()
    await running
    assert await statuses(world, execution_id) == ["failed", "rejected"]
    assert await world.status(execution_id) == "failed"
    with pytest.raises(ProblemError, match="people rejected step d"):
        await world.operate("retry", execution_id)


def of_slow(terms: str) -> str:
    """The rules with ``terms`` for what has a rate limit."""
    return f"p, 9, *, *, shop.slow, *, true, {terms}\n{VERDICT}"


ASKED = of_slow("assist, approver, 1, 1h, -")


async def waits_for_the_limit(world: LoopWorld, *others: dict[str, Any]) -> str:
    """A run with a step ``a`` that people approved, and that waits for its rate limit."""
    await world.decide_by(ASKED)
    before = await world.begin(step("x", "slow"))
    execution_id = await world.begin(step("a", "slow"), *others)
    for one, key in ((before, "x"), (execution_id, "a")):
        await world.advance(one)
        await world.approve(one, key)
        await world.advance(one)
    assert (await world.approval(execution_id, "a")).status.value == "approved"
    assert (await world.step(execution_id, "a")).status is StepStatus.READY
    return execution_id


@pytest.mark.parametrize(
    ("terms", "status"), [("blocked, -, -, -, -", "failed"), ("autonomous, -, -, -, -", "running")]
)
async def test_unused_consent_is_void_once_policy_does_not_ask_for_it(
    world: LoopWorld, terms: str, status: str
) -> None:
    execution_id = await waits_for_the_limit(world)
    await world.decide_by(of_slow(terms))
    world.clock.forward(61)
    world.actions.will("slow", BUSY)
    await world.advance(execution_id)
    assert await world.status(execution_id) == status
    assert (await world.approval(execution_id, "a")).status.value == "void"
    await world.decide_by(ASKED)
    if status == "failed":
        await world.operate("retry", execution_id)
    world.clock.forward(61)
    made = len(world.actions.calls)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "waiting_approval"
    assert len(world.actions.calls) == made


async def test_unused_consent_of_a_step_that_waited_for_the_limit_is_void_at_the_end(
    world: LoopWorld,
) -> None:
    execution_id = await waits_for_the_limit(world, step("b", "cash", amount=500))
    await world.cancel(execution_id)
    assert (await world.approval(execution_id, "a")).status.value == "void"
    assert (await world.step(execution_id, "a")).status is StepStatus.CANCELLED


async def test_a_step_that_could_not_be_sent_again_keeps_its_key_whatever_its_contract_declares(
    world: LoopWorld,
) -> None:
    """The gateway's own code for what was not sent may be one that the contract declares."""
    unreached = Declined(BUSY.code, "Nothing was sent.", 503, retryable=True)
    world.actions.will("keyed", SILENCE, *[unreached] * 3)
    execution_id = await world.begin(step("a", "keyed"))
    await exhaust(world, execution_id)
    assert await world.status(execution_id) == "unresolved"
    await world.operate("retry", execution_id)
    await world.advance(execution_id)
    assert await world.status(execution_id) == "completed"
    assert len({call.idempotency_key for call in world.actions.calls}) == 1
