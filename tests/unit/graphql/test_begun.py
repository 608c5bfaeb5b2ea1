"""Awaiting what mostly is there already."""

import asyncio

import pytest

from gateway.surfaces.graphql.http.begun import Begun

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def at_once() -> str:
    return "there"


async def later(event: asyncio.Event) -> str:
    for _ in range(2):
        await event.wait()
        event.clear()
    return "come"


async def knock(event: asyncio.Event) -> None:
    """Set it again and again: whoever is late sees two knocks as one."""
    while True:
        await asyncio.sleep(0.005)
        event.set()


async def test_what_is_there_has_its_value_without_waiting() -> None:
    begun = Begun(at_once())
    assert (begun.is_done, begun.value) == (True, "there")
    assert await begun == "there"


async def test_what_is_not_there_is_waited_for() -> None:
    event = asyncio.Event()
    begun = Begun(later(event))
    assert not begun.is_done
    knocking = asyncio.create_task(knock(event))
    async with asyncio.timeout(25):
        assert await begun == "come"
    knocking.cancel()


async def test_a_time_out_ends_the_waiting() -> None:
    ended = False

    async def never() -> None:
        nonlocal ended
        try:
            await asyncio.Event().wait()
        finally:
            ended = True

    begun = Begun(never())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await begun
    assert ended


async def test_an_error_is_raised_where_it_comes() -> None:
    async def fails(*, first: bool) -> None:
        if not first:
            await asyncio.sleep(0)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Begun(fails(first=True))
    begun = Begun(fails(first=False))
    with pytest.raises(ValueError, match="no"):
        await begun
