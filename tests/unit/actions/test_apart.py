"""Exchanges in a task of their own."""

import asyncio
import gc

import pytest

from gateway.actions.apart import apart

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_what_an_exchange_fails_with_on_its_way_out_is_told_to_nobody() -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    async def exchange() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise OSError

    caller = asyncio.create_task(apart(exchange()))
    await asyncio.sleep(0.01)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    del caller
    gc.collect()
    await asyncio.sleep(0)
    assert told == []
