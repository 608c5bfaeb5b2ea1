"""The attempts of a run that are under way."""

import asyncio
from typing import cast

import pytest

from gateway.runtime.outcomes import Outcome
from gateway.runtime.under_way import UnderWay

pytestmark = pytest.mark.anyio


class Attempts:
    """Attempts that end when they are told to; what comes of one is its name."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self.under_way = UnderWay(self.woken)
        self.ends: dict[str, asyncio.Future[None]] = {}

    def begin(self, name: str) -> None:
        self.ends[name] = asyncio.get_running_loop().create_future()
        self.under_way.begin(self._made(name))

    async def _made(self, name: str) -> Outcome:
        await self.ends[name]
        return cast("Outcome", name)

    async def outcomes(self, seconds: float | None = 20) -> set[object]:
        return {*await self.under_way.outcomes(seconds)}


@pytest.fixture
async def attempts() -> Attempts:
    made = Attempts()
    for name in ("a", "b", "c"):
        made.begin(name)
    await asyncio.sleep(0)
    return made


async def test_each_outcome_is_told_once_and_those_of_one_moment_together(
    attempts: Attempts,
) -> None:
    attempts.ends["a"].set_result(None)
    attempts.ends["b"].set_result(None)
    assert await attempts.outcomes() == {"a", "b"}
    attempts.ends["c"].set_result(None)
    assert await attempts.outcomes() == {"c"}
    assert not attempts.woken.is_set()  # which would have the run advanced once more


async def test_what_ends_while_nobody_waits_is_told_next(attempts: Attempts) -> None:
    attempts.ends["a"].set_result(None)
    for _ in range(5):
        await asyncio.sleep(0)
    assert await attempts.outcomes() == {"a"}
    assert not attempts.woken.is_set()


async def test_outcomes_that_come_one_turn_of_the_loop_apart_are_neither_lost_nor_doubled(
    attempts: Attempts,
) -> None:
    told: list[object] = []
    attempts.ends["a"].set_result(None)
    waiting = asyncio.create_task(attempts.outcomes())
    for name in ("b", "c"):
        await asyncio.sleep(0)
        attempts.ends[name].set_result(None)
    told += await waiting
    while len(told) < 3:
        told += await attempts.outcomes()
    assert sorted(map(str, told)) == ["a", "b", "c"]
    assert await attempts.outcomes(0.01) == set()


async def test_a_wake_up_ends_the_wait_with_nothing_told(attempts: Attempts) -> None:
    waiting = asyncio.create_task(attempts.outcomes())
    await asyncio.sleep(0)
    attempts.woken.set()
    assert await waiting == set()
    assert not attempts.woken.is_set()


async def test_the_wait_ends_after_so_many_seconds(attempts: Attempts) -> None:
    assert await attempts.outcomes(0.01) == set()
    attempts.ends["a"].set_result(None)
    assert await attempts.outcomes() == {"a"}


@pytest.mark.parametrize("turns_of_the_loop", range(4))
async def test_whoever_waits_can_be_cancelled_in_the_moment_of_a_wake_up(
    attempts: Attempts, turns_of_the_loop: int
) -> None:
    """Else a run that is cut off as its process stops would go on."""
    waiting = asyncio.create_task(attempts.outcomes())
    await asyncio.sleep(0.01)
    attempts.woken.set()
    for _ in range(turns_of_the_loop):
        await asyncio.sleep(0)
    if waiting.cancel():  # it has not ended yet
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_what_is_given_up_wakes_nobody(attempts: Attempts) -> None:
    attempts.under_way.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert all(end.cancelled() for end in attempts.ends.values())
    assert not attempts.woken.is_set()


async def test_what_an_attempt_raises_is_raised_to_whoever_waits() -> None:
    async def failing() -> Outcome:
        raise LookupError("a fault of ours")

    woken = asyncio.Event()
    under_way = UnderWay(woken)
    under_way.begin(failing())
    with pytest.raises(LookupError):
        await under_way.outcomes(None)
