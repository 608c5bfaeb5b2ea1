"""Rate limits: bursts, refill, who shares one, and bounded memory."""

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
from gateway.model.principal import Principal, PrincipalType
from gateway.model.problem import ProblemError
from gateway.pipeline import RateLimiter
from gateway.pipeline import limiter as limits
from tests.unit.runtime.loop_world import SettableClock


def contract(rpm: int, key: RateKey = RateKey.USER, name: str = "one") -> OperationContract:
    return OperationContract(
        meta=Meta(f"shop.{name}", "1.0.0", "A title", "A text", "shop"),
        kind=Kind.COMMAND,
        input={},
        output={},
        policy=ContractPolicy(AuthLevel.USER, rate_limit=RateLimit(rpm, key)),
        digest="0",
    )


def who(subject: str = "alice", workspace: str = "acme") -> Principal:
    return Principal(PrincipalType.HUMAN, subject, workspace)


class Counter:
    def __init__(self) -> None:
        self.clock = SettableClock()
        self.limiter = RateLimiter(self.clock)

    def taken(self, wanted: OperationContract, times: int, caller: Principal | None = None) -> int:
        """How many of so many calls get through now."""
        through = 0
        for _ in range(times):
            try:
                self.limiter.take(wanted, caller or who())
                through += 1
            except ProblemError as error:
                if error.problem.code != "RATE_LIMITED":
                    raise
        return through


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.mark.parametrize("rpm", [1, 7, 60, 6000])
def test_a_minutes_worth_may_come_at_once_and_then_refills_evenly(
    counter: Counter, rpm: int
) -> None:
    limited = contract(rpm)
    assert counter.taken(limited, rpm + 5) == rpm
    counter.clock.forward(60 / rpm)
    assert counter.taken(limited, 3) == 1
    counter.clock.forward(600)
    assert counter.taken(limited, rpm + 5) == rpm


def test_the_wait_that_is_told_is_enough(counter: Counter) -> None:
    limited = contract(3)
    counter.taken(limited, 3)
    with pytest.raises(ProblemError) as refused:
        counter.limiter.take(limited, who())
    counter.clock.forward(refused.value.problem.retry_after or 0)
    assert counter.taken(limited, 2) == 1


@pytest.mark.parametrize(
    ("key", "same_subject", "same_workspace", "elsewhere"),
    [(RateKey.USER, 0, 1, 1), (RateKey.ORG, 0, 0, 1), (RateKey.GLOBAL, 0, 0, 0)],
)
def test_who_shares_a_limit(
    counter: Counter, key: RateKey, same_subject: int, same_workspace: int, elsewhere: int
) -> None:
    limited = contract(1, key)
    assert counter.taken(limited, 1) == 1
    assert counter.taken(limited, 1) == same_subject
    assert counter.taken(limited, 1, who("bob")) == same_workspace
    assert counter.taken(limited, 1, who("alice", "globex")) == elsewhere
    assert counter.taken(contract(1, key, "two"), 1) == 1


def test_a_clock_that_goes_back_gives_nothing_away(counter: Counter) -> None:
    limited = contract(2)
    counter.taken(limited, 2)
    counter.clock.forward(-3600)
    assert counter.taken(limited, 5) == 0


def test_memory_is_bounded_and_the_least_recent_key_goes_first(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_MAX_KEYS", 3)
    limited = contract(1)
    for subject in "abcd":
        assert counter.taken(limited, 1, who(subject)) == 1
    assert [counter.taken(limited, 1, who(subject)) for subject in "bcd"] == [0, 0, 0]
    assert counter.taken(limited, 1, who("a")) == 1
