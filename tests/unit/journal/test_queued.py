"""Work that waits too long for its turn is given up, and then never done."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from gateway.journal.queued import Queued
from gateway.journal.work import Work
from gateway.model.problem import ProblemError

pytestmark = pytest.mark.anyio

LONGEST = 0.05


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def work(done: Callable[[Work], None]) -> Work:
    return Work(lambda _: None, done, expires=True)


async def test_what_is_late_is_refused_and_can_no_longer_be_taken() -> None:
    told: list[Any] = []
    queued = Queued(asyncio.get_running_loop(), LONGEST)
    late = work(lambda one: told.append(one.error))
    queued.add(late)
    async with asyncio.timeout(60):
        while not told:  # noqa: ASYNC110 - it is told by a plain call
            await asyncio.sleep(0.01)
    (error,) = told
    assert isinstance(error, ProblemError)
    assert (error.problem.code, error.problem.retry_after) == ("SERVICE_UNAVAILABLE", 1.0)
    assert "nothing was done" in error.problem.detail
    assert queued.take(late) is False


async def test_what_was_taken_is_not_given_up() -> None:
    told: list[Work] = []
    queued = Queued(asyncio.get_running_loop(), LONGEST)
    taken = work(told.append)
    queued.add(taken)
    assert queued.take(taken) is True
    await asyncio.sleep(1.3)
    assert told == []


async def test_what_is_not_late_waits_on_and_is_looked_at_again() -> None:
    told: list[tuple[Work, float]] = []
    queued = Queued(asyncio.get_running_loop(), 1.5)
    began = time.monotonic()
    late = work(lambda one: told.append((one, time.monotonic())))
    queued.add(late)
    async with asyncio.timeout(60):
        while not told:  # noqa: ASYNC110 - it is told by a plain call
            await asyncio.sleep(0.01)
    ((one, moment),) = told
    assert one is late
    assert moment - began >= 1.5


async def test_each_is_had_by_one_side_alone() -> None:
    """A thread takes what the event loop gives up at the same time."""
    given_up: list[Work] = []
    queued = Queued(asyncio.get_running_loop(), 0.0)
    works = [work(given_up.append) for _ in range(20_000)]
    for one in works:
        queued.add(one)
    taken: list[Work] = []
    begins = threading.Event()

    def take() -> None:
        begins.wait()
        taken.extend(one for one in reversed(works) if queued.take(one))

    thread = threading.Thread(target=take)
    thread.start()
    asyncio.get_running_loop().call_later(0.99, begins.set)
    await asyncio.sleep(1.3)
    thread.join()
    assert len(taken) + len(given_up) == len(works)
    assert not set(map(id, taken)) & set(map(id, given_up))
