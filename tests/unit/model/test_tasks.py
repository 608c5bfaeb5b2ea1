"""Ending tasks, however they end."""

import asyncio

import pytest

from gateway.model.tasks import cancelled

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_tasks_have_ended_afterwards_and_all_were_told_first() -> None:
    told: list[str] = []

    async def slow(name: str) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            told.append(f"{name} told")
            await asyncio.sleep(0.01)
            told.append(f"{name} over")

    one, other = asyncio.create_task(slow("one")), asyncio.create_task(slow("other"))
    await asyncio.sleep(0)
    await cancelled(one, None, other)
    assert one.done()
    assert other.done()
    assert told[:2] == ["one told", "other told"]
    await cancelled(one)  # once more does no harm
    await cancelled(None)


async def test_what_a_task_failed_with_is_not_swallowed() -> None:
    async def failing() -> None:
        raise LookupError("lost")

    task = asyncio.create_task(failing())
    await asyncio.sleep(0)
    with pytest.raises(LookupError):
        await cancelled(task)


async def test_whoever_is_cancelled_while_tasks_end_is_so_once_they_have_ended() -> None:
    told: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            told.append("over")

    async def ending(task: asyncio.Task[None]) -> None:
        await cancelled(task)
        told.append("went on")

    task = asyncio.create_task(slow())
    await asyncio.sleep(0)
    end = asyncio.create_task(ending(task))
    await asyncio.sleep(0)
    end.cancel()
    with pytest.raises(asyncio.CancelledError):
        await end
    assert told == ["over"]


async def test_whoever_was_cancelled_before_goes_on_when_tasks_have_ended() -> None:
    told: list[str] = []

    async def leaving(task: asyncio.Task[bool]) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await cancelled(task)
            told.append("went on")

    task = asyncio.create_task(asyncio.Event().wait())
    end = asyncio.create_task(leaving(task))
    await asyncio.sleep(0)
    end.cancel()
    with pytest.raises(asyncio.CancelledError):
        await end
    assert told == ["went on"]
