"""Rate limits in PostgreSQL, counted by several at once, on the clock of the database."""

import asyncio
import time
from collections.abc import Iterator

import psycopg
import pytest

from gateway.model.contract import RateKey
from gateway.model.problem import ProblemError
from gateway.model.rate import Budget, Holder
from gateway.pipeline.postgres_limits import PostgresRateLimits
from gateway.pipeline.rate_tables import RATE_TABLES
from tests.postgres import Postgres

pytestmark = pytest.mark.anyio


@pytest.fixture
def tables(database_url: str) -> str:
    with psycopg.connect(database_url, autocommit=True) as session:
        session.execute(RATE_TABLES)
    return database_url


@pytest.fixture
def several(tables: str) -> Iterator[list[PostgresRateLimits]]:
    made = [PostgresRateLimits(tables) for _ in range(4)]
    yield made
    for one in made:
        one.close()


def budget(rpm: int, subject: str = "alice") -> Budget:
    return Budget(Holder("shop.one@1.0.0", RateKey.USER, "acme", subject), rpm)


async def test_all_together_get_one_budget(several: list[PostgresRateLimits]) -> None:
    begun = time.monotonic()
    waits = await asyncio.gather(*(one.take(budget(100)) for _ in range(60) for one in several))
    refilled = (time.monotonic() - begun) / 0.6
    assert 100 <= waits.count(0) <= 101 + refilled
    assert max(waits) <= 0.6 + 0.01


async def test_holders_in_any_order_never_wait_for_each_other_in_a_circle(
    several: list[PostgresRateLimits],
) -> None:
    async def go(one: PostgresRateLimits, step: int) -> list[float]:
        subjects = [f"s{(number * step) % 101}" for number in range(400)]
        return await asyncio.gather(*(one.take(budget(2, subject)) for subject in subjects))

    steps = (1, 7, 53, 100)
    waits = await asyncio.gather(*(go(one, step) for one, step in zip(several, steps, strict=True)))
    assert sum(some.count(0) for some in waits) == 2 * 101


async def test_a_spent_budget_refills_on_the_clock_of_the_database(
    several: list[PostgresRateLimits],
) -> None:
    first, second, *_ = several
    assert [await first.take(budget(600)) for _ in range(600)].count(0) == 600
    while (wait := await second.take(budget(600))) == 0:
        pass  # a few refilled meanwhile
    assert 0 < wait <= 0.1
    await asyncio.sleep(wait + 0.001)
    assert await first.take(budget(600)) == 0


async def test_who_comes_when_calls_are_counted_no_more_is_refused(tables: str) -> None:
    limits = PostgresRateLimits(tables)
    limits.close()
    with pytest.raises(ProblemError) as refused:
        await limits.take(budget(10))
    assert refused.value.problem.code == "SERVICE_UNAVAILABLE"


async def test_without_the_database_no_call_is_counted_and_none_goes_through() -> None:
    server = Postgres()
    server.start()
    try:
        url = server.create()
        with psycopg.connect(url, autocommit=True) as session:
            session.execute(RATE_TABLES)
        limits = PostgresRateLimits(url)
        assert await limits.take(budget(10)) == 0
        server.kill()
        with pytest.raises(ProblemError) as refused:
            await limits.take(budget(10))
        assert refused.value.problem.code == "SERVICE_UNAVAILABLE"
        server.start()
        assert await limits.take(budget(10)) == 0
        limits.close()
    finally:
        server.remove()


async def test_after_it_is_closed_whoever_waited_was_answered(tables: str) -> None:
    limits = PostgresRateLimits(tables)
    calls = [asyncio.create_task(limits.take(budget(1000, f"s{n}"))) for n in range(1200)]
    await asyncio.sleep(0)
    await asyncio.to_thread(limits.close)
    assert set(await asyncio.gather(*calls)) == {0.0}
