"""Ending tasks, however they end."""

import asyncio
import gc
import threading

import pytest

from gateway.model.tasks import cancelled, to_the_end

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


async def test_what_a_thread_fails_with_after_its_caller_was_cancelled_is_told_to_nobody() -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    began, may_fail = threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        may_fail.wait(5)
        raise OSError

    caller = asyncio.create_task(to_the_end(work))
    await asyncio.to_thread(began.wait, 5)
    caller.cancel()
    await asyncio.sleep(0)
    may_fail.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    del caller
    gc.collect()
    await asyncio.sleep(0)
    assert told == []
