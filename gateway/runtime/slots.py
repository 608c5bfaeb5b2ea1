"""Slots: how many attempts a process makes at a time."""

import asyncio


class Slots:
    """``count`` of them; entered by whoever takes one, and left when it is free again.

    Once they are ``lifted`` nobody waits for one any more.
    """

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)
        self._waiting = 0
        self._are_lifted = False

    async def __aenter__(self) -> None:
        if self._are_lifted:
            return
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1

    async def __aexit__(self, *_: object) -> None:
        self._free.release()

    def lift(self) -> None:
        """Let whoever waits go on, and whoever comes."""
        self._are_lifted = True
        for _ in range(self._waiting):
            self._free.release()
