"""A gateway and a worker around one record, for the suite that any dispatcher must pass.

Runs here do nothing: to advance one is to claim it, to hold it for a moment and to give it back.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from secrets import token_hex
from typing import Any

from gateway.dispatch import ElsewhereDispatcher, EmbeddedDispatcher
from gateway.model.claims import DueRun
from gateway.model.execution import Claim
from gateway.model.ports import Dispatcher, Tx
from gateway.model.time import after
from tests.contract.journal_story import Story

WORKSPACE = "acme"


class House:
    """``told`` is the dispatcher of whoever wakes runs, ``here`` that of whoever advances them."""

    def __init__(
        self, journal: Any, told: Dispatcher, here: EmbeddedDispatcher, *feeds: Any
    ) -> None:
        self.journal = journal
        self.told = told
        self.here = here
        self.feeds = feeds
        self.advances: Counter[str] = Counter()
        self.hold = asyncio.Event()
        self.hold.set()
        self.held: set[str] = set()
        self.wants: dict[str, float] = {}
        self.claimed: defaultdict[str, list[str]] = defaultdict(list)
        self.asked: dict[str, str] = {}  # moments by the record's clock, as those of claims are
        self._count = 0
        self._name = token_hex(4)  # an engine may be shared by several houses

    async def start(self) -> None:
        if isinstance(self.told, ElsewhereDispatcher):
            self.told.start()
        self.work()
        for feed in self.feeds:
            starting = feed.start()
            if starting is not None:
                await starting

    def work(self) -> None:
        self.here.start(self.advance)

    async def stop(self) -> None:
        self.hold.set()
        for feed in reversed(self.feeds):
            await feed.stop()
        await self.here.stop(2)
        if isinstance(self.told, ElsewhereDispatcher):
            await self.told.stop()

    async def advance(self, run_id: str, woken: asyncio.Event) -> str | None:
        """Claim a run, hold it until that is let go, and park it for as long as it wants."""

        def take(tx: Tx) -> tuple[Claim | None, str]:
            return tx.claim(run_id, "worker", after(tx.now, 60)), tx.now

        claim, now = await self.journal.write(take)
        if claim is None:
            return None
        self.claimed[run_id].append(now)
        self.held.add(run_id)
        await self.hold.wait()
        self.held.discard(run_id)
        self.advances[run_id] += 1

        def give_back(tx: Tx) -> str | None:
            seconds = self.wants.pop(run_id, None)
            wake_at = after(tx.now, seconds) if seconds is not None else None
            if wake_at is not None:
                self.asked[run_id] = wake_at
            held = tx.claim_of(run_id)
            seen = held.wake_seq if held else 0
            if seen != claim.wake_seq:
                wake_at = tx.now  # woken meanwhile: it is looked at again
            tx.release(run_id, claim.epoch, seen, wake_at)
            return wake_at

        result: str | None = await self.journal.write(give_back)
        return result

    async def begin(self, *, tell: bool = True, workspace: str = WORKSPACE) -> str:
        """Start a run; without ``tell`` the word of it is lost."""
        self._count += 1
        story = Story(f"{self._name}_{self._count:04}", workspace)

        def unit(tx: Tx) -> None:
            tx.append(story.received())
            tx.enlist(story.run_id, story.execution_id)
            if tell:
                run = DueRun(story.run_id, workspace)
                tx.after_commit(lambda: self.told.submit(run))

        await self.journal.write(unit)
        return story.run_id

    async def wake(self, run_id: str) -> None:
        def unit(tx: Tx) -> None:
            tx.wake(run_id)
            tx.after_commit(lambda: self.told.submit(DueRun(run_id, WORKSPACE)))

        await self.journal.write(unit)

    async def until(self, reached: Callable[[], bool], seconds: float = 60.0) -> None:
        async with asyncio.timeout(seconds):
            while not reached():  # noqa: ASYNC110 - whatever a test looks at has no event
                await asyncio.sleep(0.005)
