"""Slots for attempts: how many there are, and whose turn it is."""

import asyncio

import pytest

from gateway.runtime.slots import Slots

pytestmark = pytest.mark.anyio


class Tried:
    """Attempts that hold a slot until they are told to leave it; ``began`` says in which order."""

    def __init__(self, count: int) -> None:
        self.slots = Slots(count)
        self.began: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, *names: str) -> None:
        """Attempts come, each named by its workspace and a number."""
        for name in names:
            self._ends[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._attempt(name))
        await self.settle()

    async def end(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()
            await self._tasks[name]
            await self.settle()

    async def cut(self, name: str) -> None:
        self._tasks[name].cancel()
        await asyncio.gather(self._tasks[name], return_exceptions=True)

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def _attempt(self, name: str) -> None:
        async with self.slots.of(name[0]):
            self.began.append(name)
            await self._ends[name].wait()


async def test_workspaces_take_turns_and_each_keeps_its_order() -> None:
    tried = Tried(2)
    await tried.come("a1", "a2", "a3", "a4", "a5", "b1", "c1", "b2")
    assert tried.began == ["a1", "a2"]
    await tried.end("a1", "a2", "a3", "b1", "c1", "a4")
    assert tried.began == ["a1", "a2", "a3", "b1", "c1", "a4", "b2", "a5"]


async def test_who_is_cut_off_while_waiting_takes_no_slot() -> None:
    tried = Tried(1)
    await tried.come("a1", "a2", "b1", "a3")
    await tried.cut("a2")
    await tried.end("a1")
    await tried.cut("b1")
    assert tried.began == ["a1", "b1", "a3"]
    await tried.end("a3")
    await tried.come("c1", "c2")
    assert tried.began[3:] == ["c1"]


async def test_who_is_cut_off_as_a_slot_comes_gives_it_on() -> None:
    tried = Tried(1)
    await tried.come("a1", "b1", "c1")
    tried._ends["a1"].set()
    await asyncio.sleep(0)  # b1 was given the slot by now, and has not gone on
    await tried.cut("b1")
    await tried.settle()
    assert tried.began == ["a1", "c1"]


async def test_once_lifted_nobody_waits() -> None:
    tried = Tried(1)
    await tried.come("a1", "a2", "b1")
    tried.slots.lift()
    await tried.come("c1")
    assert tried.began == ["a1", "a2", "b1", "c1"]
    await tried.end("a1", "a2", "b1", "c1")
