"""What follows from an attempt: the whole matrix, on a real record."""

from typing import Any

import pytest
from msgspec.structs import replace

from gateway.model.action import Answered, Declined, Unknown
from gateway.runtime.attempt import Attempt
from gateway.runtime.outcomes import MAX_ATTEMPTS, judge
from tests.unit.runtime.loop_world import LoopWorld, step

pytestmark = pytest.mark.anyio

GOOD = "good"
BAD = "bad"
NO = Declined("REFUSED", "No.", 409)
LATER = Declined("BUSY", "Later.", 503, retryable=True)
GONE = Unknown("Nobody answered.")

MATRIX: dict[str, dict[Any, tuple[str, str]]] = {
    # outcome: (while attempts are left, at the last attempt)
    "read": {
        GOOD: ("completed", "completed"),
        BAD: ("failed", "failed"),
        NO: ("failed", "failed"),
        LATER: ("ready", "failed"),
        GONE: ("ready", "failed"),
    },
    "plain": {
        GOOD: ("completed", "completed"),
        BAD: ("unresolved", "unresolved"),
        NO: ("failed", "failed"),
        LATER: ("ready", "failed"),
        GONE: ("unresolved", "unresolved"),
    },
}
MATRIX["safe"] = MATRIX["plain"] | {GONE: ("ready", "unresolved")}
MATRIX["keyed"] = MATRIX["safe"]

CASES = [
    (name, outcome, last, expected[last])
    for name, outcomes in MATRIX.items()
    for outcome, expected in outcomes.items()
    for last in (False, True)
]


@pytest.mark.parametrize(("name", "outcome", "last", "expected"), CASES)
async def test_what_follows_from_an_outcome(
    world: LoopWorld, name: str, outcome: Any, last: bool, expected: str
) -> None:
    before = [LATER] * (MAX_ATTEMPTS - 1) if last else []
    answers = {GOOD: [], BAD: [Answered({"id": None})]}.get(outcome, [outcome])
    world.actions.will(name, *before, *answers)
    execution_id = await world.begin(step("a", name))
    for _ in before:
        await world.advance(execution_id)
        world.clock.forward(60)
    await world.advance(execution_id)
    assert (await world.step(execution_id, "a")).status.value == expected
    assert len(world.actions.calls) == len(before) + 1


async def attempt_of(world: LoopWorld, name: str) -> Attempt:
    (only,) = world.loop.compiler.compile("acme", {"steps": [step("a", name)]}).steps
    contract = world.registry.operations[only.contract]
    return Attempt("exec_1", only, contract, {"id": "a"}, 1, 1, "key_1")


async def test_a_refusal_tells_nothing_that_the_contract_does_not_say(world: LoopWorld) -> None:
    attempt = await attempt_of(world, "plain")
    outcome = judge(world.registry, attempt, GONE)
    assert outcome.problem is not None
    assert outcome.problem.code == "OUTCOME_UNKNOWN"
    assert not outcome.problem.retryable
    assert (outcome.repeat, outcome.unknown) == (False, True)
    told = judge(world.registry, await attempt_of(world, "read"), GONE).problem
    assert told is not None
    assert told.code == "BAD_GATEWAY"


@pytest.mark.parametrize("value", [2**70, float("nan"), float("inf"), "\ud800", {1: 2}, object()])
async def test_what_no_record_can_hold_is_an_invalid_answer(world: LoopWorld, value: Any) -> None:
    attempt = await attempt_of(world, "read")
    answer = Answered({"id": "a", "amount": 1.0, "extra": value})
    outcome = judge(world.registry, attempt, answer)
    assert outcome.answer is None
    assert outcome.problem is not None
    assert outcome.problem.code == "BAD_GATEWAY"


async def test_a_handler_that_quotes_pii_is_recorded_without_it(world: LoopWorld) -> None:
    attempt = replace(await attempt_of(world, "keyed"), value={"id": "a", "email": "ada@acme.io"})
    quoting = Declined("REFUSED", "Taken by ADA@acme.io. Use another.", 409)
    told = judge(world.registry, attempt, quoting).problem
    assert told is not None
    assert told.detail == "Taken by •••. Use another."
    assert "acme" not in str(told).lower()
    answer = Answered({"id": None, "note": {"ada@acme.io": 1}, "ada@acme.io": 1})
    told = judge(world.registry, attempt, answer).problem
    assert told is not None
    assert told.code == "BAD_GATEWAY"
    assert "acme" not in str(told)
