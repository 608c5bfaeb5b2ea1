"""Waiting until a run that another process advances stops moving."""

import asyncio
import contextlib
import logging

from gateway.model.ports import Clock, Journal, Records
from gateway.model.problem import ProblemError
from gateway.model.tasks import cancelled
from gateway.model.time import stamp

PATIENCE = 30.0
"""Seconds after which nobody waits any longer."""

_log = logging.getLogger(__name__)
_LOOK = 0.5
_SPACING = 0.005


class Settling:
    """Follows the record on behalf of whoever waits for runs; one look serves all of them."""

    def __init__(self, journal: Journal, clock: Clock, patience: float = PATIENCE) -> None:
        self._journal = journal
        self._clock = clock
        self._patience = patience
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        self._fresh = asyncio.Event()
        self._follower: asyncio.Task[None] | None = None

    async def settled(self, run_id: str) -> None:
        """Wait until the run is parked, has ended, or has taken too long."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(run_id, set()).add(future)
        self._fresh.set()
        if self._follower is None or self._follower.done():
            self._follower = asyncio.create_task(self._follow())
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    await future
        finally:
            waiting = self._waiting.get(run_id)
            if waiting is not None:
                waiting.discard(future)
                if not waiting:
                    del self._waiting[run_id]

    async def stop(self) -> None:
        """Let go whoever waits."""
        await cancelled(self._follower)
        self._let_go(list(self._waiting))

    async def _follow(self) -> None:
        while self._waiting:
            self._fresh.clear()
            try:
                position, still = await self._journal.read(self._moving)
                self._let_go(still)
                await self._changed(position)
            except ProblemError:
                await asyncio.sleep(_LOOK)  # the record is away, or closed: time will tell
            except Exception:
                _log.exception("looking at runs that are waited for failed")
                await asyncio.sleep(_LOOK)
            await asyncio.sleep(_SPACING)

    def _moving(self, records: Records) -> tuple[int, list[str]]:
        """Where the record ends, and which of the awaited runs do not move any more."""
        now = stamp(self._clock.now())
        still = [run_id for run_id in list(self._waiting) if not is_moving(records, run_id, now)]
        return records.last_position(), still

    async def _changed(self, position: int) -> None:
        """Wait until the record has grown or somebody else waits, but not for long: a claim may be
        given back without an entry."""
        if not self._waiting:
            return
        grown = asyncio.create_task(self._journal.moved(position))
        fresh = asyncio.create_task(self._fresh.wait())
        try:
            await asyncio.wait({grown, fresh}, timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED)
        finally:
            fresh.cancel()
            if not grown.done():
                grown.cancel()
        if grown.done() and not grown.cancelled():
            grown.result()

    def _let_go(self, run_ids: list[str]) -> None:
        for run_id in run_ids:
            for future in self._waiting.pop(run_id, ()):
                if not future.done():
                    future.set_result(None)


def is_moving(records: Records, run_id: str, now: str) -> bool:
    """True while a run is held, or is due at the moment ``now``."""
    claim = records.claim_of(run_id)
    if claim is None:
        return False
    return claim.owner is not None or (claim.wake_at is not None and claim.wake_at <= now)
