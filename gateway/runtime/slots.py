"""Slots: how many attempts a process makes at a time, and whose come next."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator


class Slots:
    """``count`` of them; a workspace takes one ``of`` them, and gives it back when it leaves.

    Among those that wait workspaces take turns, so that one with hundreds of attempts at a slow
    service holds up another by one; within a workspace the order is that of arrival. Once they are
    ``lifted`` nobody waits for one any more.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._are_lifted = False

    @contextlib.asynccontextmanager
    async def of(self, workspace: str) -> AsyncIterator[None]:
        """Hold a slot, which is waited for where none is free."""
        if self._are_lifted or self._free > 0:  # then nobody waits
            self._free -= 1
        else:
            await self._turn_of(workspace)
        try:
            yield
        finally:
            self._give()

    def lift(self) -> None:
        """Let whoever waits go on, and whoever comes."""
        self._are_lifted = True
        while self._waiting:
            self._let_one_go()

    async def _turn_of(self, workspace: str) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(workspace, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was given a slot in the same moment
                self._give()
            raise

    def _give(self) -> None:
        self._free += 1
        while self._free > 0 and self._waiting:
            self._let_one_go()

    def _let_one_go(self) -> None:
        """Let the next go on, who may have been cut off meanwhile."""
        workspace = next(iter(self._waiting))
        turns = self._waiting.pop(workspace)
        turn = turns.popleft()
        if turns:
            self._waiting[workspace] = turns  # at the end: the others have their turn first
        if not turn.done():
            self._free -= 1
            turn.set_result(None)
