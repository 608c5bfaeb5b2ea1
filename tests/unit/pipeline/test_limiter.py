"""How calls are held to rate limits. How calls are counted: ``tests/contract``."""

import pytest

from gateway.model.contract import (
    AuthLevel,
    ContractPolicy,
    Kind,
    Meta,
    OperationContract,
    RateKey,
    RateLimit,
)
from gateway.model.ports import Tx
from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import Problem, ProblemError
from gateway.model.rate import Budget
from gateway.pipeline import RateLimiter

ALICE = Principal(PrincipalType.HUMAN, "alice", "acme")
NO_TX: Tx = None  # type: ignore[assignment]  # nothing here reads it


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Counting:
    """Limits that always give the same wait, and remember what they were asked."""

    def __init__(self, wait: float) -> None:
        self.wait = wait
        self.asked: list[Budget] = []

    async def take(self, budget: Budget) -> float:
        self.asked.append(budget)
        return self.wait

    def take_within(self, tx: Tx, budget: Budget) -> float:
        self.asked.append(budget)
        return self.wait


def contract(limit: RateLimit | None) -> OperationContract:
    return OperationContract(
        meta=Meta("shop.one", "1.0.0", "A title", "A text", "shop"),
        kind=Kind.COMMAND,
        input={},
        output={},
        policy=ContractPolicy(AuthLevel.USER, rate_limit=limit),
        digest="0",
    )


async def refused(wait: float, key: RateKey) -> list[Problem]:
    """The problems at a door and within a unit of work."""
    limiter, limited = RateLimiter(Counting(wait)), contract(RateLimit(9, key))
    with pytest.raises(ProblemError) as door:
        await limiter.take(limited, ALICE)
    with pytest.raises(ProblemError) as unit:
        limiter.take_within(NO_TX, limited, ALICE)
    return [door.value.problem, unit.value.problem]


@pytest.mark.anyio
async def test_a_contract_without_a_limit_is_never_counted() -> None:
    counting = Counting(5.0)
    await RateLimiter(counting).take(contract(None), ALICE)
    RateLimiter(counting).take_within(NO_TX, contract(None), ALICE)
    assert counting.asked == []


@pytest.mark.anyio
async def test_a_counted_call_goes_on_and_both_places_ask_for_the_same_budget() -> None:
    counting = Counting(0.0)
    limited = contract(RateLimit(9, RateKey.USER))
    await RateLimiter(counting).take(limited, ALICE)
    RateLimiter(counting).take_within(NO_TX, limited, ALICE)
    assert counting.asked == [counting.asked[0]] * 2
    assert counting.asked[0].rpm == 9


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("wait", "told"),
    [(0.000_01, 0.1), (0.34, 0.4), (1.0, 1.0), (6.67, 6.7), (59.96, 60.0)],
)
async def test_the_wait_is_told_rounded_up_so_that_it_is_enough(wait: float, told: float) -> None:
    for problem in await refused(wait, RateKey.USER):
        assert (problem.code, problem.status, problem.retryable) == ("RATE_LIMITED", 429, True)
        assert problem.retry_after == told
        assert f"again in {told:g} s." in problem.detail


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("key", "said"),
    [
        (RateKey.USER, "by each user"),
        (RateKey.ORG, "in each workspace"),
        (RateKey.GLOBAL, "in all"),
    ],
)
async def test_the_refusal_says_whose_limit_it_is(key: RateKey, said: str) -> None:
    for problem in await refused(3.0, key):
        assert problem.detail == (
            f"shop.one may be called 9 times a minute {said}. Try again in 3 s."
        )
