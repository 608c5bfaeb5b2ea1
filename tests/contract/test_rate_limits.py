"""What any implementation of rate limits must do, at a door and within a unit of work."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest

from gateway.journal import SqliteJournal
from gateway.model.contract import (
    AuthLevel,
    ContractPolicy,
    Kind,
    Meta,
    OperationContract,
    RateKey,
    RateLimit,
)
from gateway.model.principal import ANONYMOUS, Principal, PrincipalType
from gateway.model.rate import Budget, RateLimits, budget_of
from gateway.pipeline import ProcessRateLimits
from gateway.pipeline.postgres_limits import PostgresRateLimits
from gateway.pipeline.rate_tables import RATE_TABLES
from tests.unit.runtime.loop_world import SettableClock

pytestmark = pytest.mark.anyio

MOST = 50
"""How many holders the implementation under test remembers at most."""


@dataclass
class Backend:
    """An implementation, its time, and how many holders it remembers."""

    limits: RateLimits
    forward: Callable[[float], None]
    remembered: Callable[[], int]


@pytest.fixture(params=["process", "postgres"])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    clock = SettableClock()
    if request.param == "process":
        limits = ProcessRateLimits(clock, most=MOST)
        yield Backend(limits, clock.forward, limits.__len__)
        return
    url = request.getfixturevalue("database_url")
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(RATE_TABLES)
        shared = PostgresRateLimits(url, clock, most=MOST)

        def remembered() -> int:
            shared.forget()  # which it does by itself from time to time
            (count,) = session.execute("SELECT count(*) FROM rate_limit").fetchone() or (0,)
            return int(count)

        yield Backend(shared, clock.forward, remembered)
        shared.close()


Take = Callable[[Budget], Awaitable[float]]


@pytest.fixture(params=["at a door", "in a unit of work"])
def take(request: pytest.FixtureRequest, backend: Backend, journal: SqliteJournal) -> Take:
    """Counts a call in each of the two places."""

    async def within(budget: Budget) -> float:
        return await journal.write(lambda tx: backend.limits.take_within(tx, budget))

    return backend.limits.take if request.param == "at a door" else within


async def taken(take: Take, budget: Budget, times: int) -> int:
    """How many of so many calls are counted now."""
    return [await take(budget) for _ in range(times)].count(0.0)


def contract(
    rpm: int = 1, key: RateKey = RateKey.USER, name: str = "one", version: str = "1.0.0"
) -> OperationContract:
    return OperationContract(
        meta=Meta(f"shop.{name}", version, "A title", "A text", "shop"),
        kind=Kind.COMMAND,
        input={},
        output={},
        policy=ContractPolicy(AuthLevel.USER, rate_limit=RateLimit(rpm, key)),
        digest="0",
    )


def who(
    subject: str = "alice", workspace: str = "acme", kind: PrincipalType = PrincipalType.HUMAN
) -> Principal:
    return Principal(kind, subject, workspace)


def budget(limited: OperationContract, caller: Principal | None = None) -> Budget:
    found = budget_of(limited, caller or who())
    assert found is not None
    return found


@pytest.mark.parametrize("rpm", [1, 7, 60, pytest.param(600, marks=pytest.mark.soak)])
async def test_a_minutes_worth_comes_at_once_and_refills_evenly(
    backend: Backend, take: Take, rpm: int
) -> None:
    mine = budget(contract(rpm))
    assert await taken(take, mine, rpm + 5) == rpm
    for _ in range(3):
        backend.forward(60 / rpm)
        assert await taken(take, mine, 3) == 1
    backend.forward(30)
    assert await taken(take, mine, rpm + 5) == rpm // 2
    backend.forward(600)
    assert await taken(take, mine, rpm + 5) == rpm


async def test_a_refusal_counts_nothing_and_tells_a_wait_that_is_just_enough(
    backend: Backend, take: Take
) -> None:
    mine = budget(contract(7))
    assert await taken(take, mine, 7) == 7
    waits = [await take(mine) for _ in range(20)]
    assert waits == [waits[0]] * 20
    assert 0 < waits[0] <= 60 / 7 + 0.001
    backend.forward(waits[0] - 0.01)
    assert 0 < await take(mine) <= 0.02
    backend.forward(0.01)
    assert await taken(take, mine, 2) == 1


async def test_no_wait_is_ever_negative_or_longer_than_a_minute(
    backend: Backend, take: Take
) -> None:
    mine = budget(contract(3))
    waits = []
    for step in (0, 0, 0, 0, 0.3, 19, 0, 50, 700, 0, 0, 0, 0, -30, 0, -100_000, 5, 100_000, 0):
        backend.forward(step)
        waits.append(await take(mine))
    assert min(waits) == 0
    assert max(waits) <= 60


@pytest.mark.parametrize(
    ("key", "same_subject", "same_workspace", "elsewhere"),
    [(RateKey.USER, 0, 1, 1), (RateKey.ORG, 0, 0, 1), (RateKey.GLOBAL, 0, 0, 0)],
)
async def test_who_shares_a_budget(
    take: Take, key: RateKey, same_subject: int, same_workspace: int, elsewhere: int
) -> None:
    limited = contract(1, key)
    assert await taken(take, budget(limited), 1) == 1
    assert await taken(take, budget(limited), 1) == same_subject
    assert await taken(take, budget(limited, who("bob")), 1) == same_workspace
    assert await taken(take, budget(limited, who("alice", "globex")), 1) == elsewhere


async def test_another_type_of_token_is_no_other_budget(take: Take) -> None:
    limited = contract(1)
    assert await taken(take, budget(limited, who("alice", kind=PrincipalType.HUMAN)), 1) == 1
    assert await taken(take, budget(limited, who("alice", kind=PrincipalType.AGENT)), 1) == 0


async def test_callers_without_a_token_share_one_budget_with_nobody_else(take: Take) -> None:
    limited = contract(1)
    assert await taken(take, budget(limited, ANONYMOUS), 2) == 1
    named = who(ANONYMOUS.subject, "acme")
    assert await taken(take, budget(limited, named), 1) == 1


async def test_contracts_versions_and_keys_do_not_meet(take: Take) -> None:
    one = contract()
    spent = [
        one,
        contract(name="two"),
        contract(version="1.1.0"),
        contract(key=RateKey.ORG),
        contract(key=RateKey.GLOBAL),
    ]
    for limited in spent:
        assert await taken(take, budget(limited), 2) == 1
    # Names that would be one if they were joined: those of a workspace, and of its subject.
    assert await taken(take, budget(one, who("b/c", "a")), 1) == 1
    assert await taken(take, budget(one, who("c", "a/b")), 1) == 1
    assert await taken(take, budget(contract(key=RateKey.ORG), who("x", "alice")), 1) == 1


async def test_both_places_count_against_one_budget(
    backend: Backend, journal: SqliteJournal
) -> None:
    mine = budget(contract(2))
    assert await backend.limits.take(mine) == 0
    within = await journal.write(lambda tx: backend.limits.take_within(tx, mine))
    assert within == 0
    assert await backend.limits.take(mine) > 0
    assert await journal.write(lambda tx: backend.limits.take_within(tx, mine)) > 0


async def test_of_many_calls_at_once_no_more_than_allowed_are_counted(
    backend: Backend, journal: SqliteJournal
) -> None:
    mine = budget(contract(10))
    within = [journal.write(lambda tx: backend.limits.take_within(tx, mine)) for _ in range(15)]
    doors = [asyncio.to_thread(asyncio.run, backend.limits.take(mine)) for _ in range(15)]
    waits = await asyncio.gather(*within, *doors)
    assert waits.count(0) == 10


async def test_a_unit_that_is_rolled_back_opens_no_way_round_the_limit(
    backend: Backend, journal: SqliteJournal
) -> None:
    mine = budget(contract(3))

    class GivenUpError(Exception):
        pass

    counted = []
    for _ in range(5):

        def unit(tx: object) -> None:
            counted.append(backend.limits.take_within(tx, mine))  # type: ignore[arg-type]  # a Tx
            raise GivenUpError

        with pytest.raises(GivenUpError):
            await journal.write(unit)
    through = await taken(backend.limits.take, mine, 5)
    assert through <= 3


async def test_a_clock_that_goes_back_gives_nothing_away_and_keeps_nobody_out_for_long(
    backend: Backend, take: Take
) -> None:
    mine = budget(contract(2))
    assert await taken(take, mine, 2) == 2
    backend.forward(-3600)
    assert await taken(take, mine, 3) == 0
    backend.forward(30)
    assert await taken(take, mine, 3) == 1
    backend.forward(3600)
    assert await taken(take, mine, 3) == 2


async def test_a_limit_that_changes_holds_at_once(backend: Backend, take: Take) -> None:
    assert await taken(take, budget(contract(60)), 60) == 60
    assert await take(budget(contract(1))) > 0
    backend.forward(60)
    assert await taken(take, budget(contract(1)), 2) == 1
    assert await taken(take, budget(contract(600)), 700) <= 600


async def test_it_remembers_a_bounded_number_of_holders(backend: Backend) -> None:
    limited = contract(1)
    for number in range(3 * MOST):
        assert await backend.limits.take(budget(limited, who(f"s{number}"))) == 0
    assert backend.remembered() <= MOST
    newest = [budget(limited, who(f"s{number}")) for number in range(2 * MOST + 1, 3 * MOST)]
    assert [one for one in newest if await backend.limits.take(one) == 0] == []


async def test_whoever_is_silent_for_a_minute_is_forgotten(backend: Backend) -> None:
    for number in range(MOST):
        await backend.limits.take(budget(contract(5), who(f"s{number}")))
    backend.forward(61)
    await backend.limits.take(budget(contract(5), who("late")))
    assert backend.remembered() == 1
