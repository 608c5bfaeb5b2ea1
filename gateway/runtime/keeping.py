"""Keeping claims: the lease of a run is prolonged for as long as this process advances it.

Leases are short, so that the runs of a process that died are soon taken by another. An attempt may
take much longer than a lease; so one unit of work now and then prolongs all claims of the process
that no turn has prolonged meanwhile.
"""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial

from gateway.model.elapsed import elapsed
from gateway.model.execution import Claim
from gateway.model.ports import Journal, Tx
from gateway.model.problem import ProblemError
from gateway.model.tasks import cancelled
from gateway.model.time import after

_log = logging.getLogger(__name__)
_BEATS = 3


@dataclass(slots=True)
class Held:
    """A run that this process advances: under which epoch, and which wake-ups it has seen.

    ``since`` is the moment (``elapsed``) from which the lease counts, at the earliest.
    """

    epoch: int
    wake_seq: int
    woken: asyncio.Event
    since: float


class Keeper:
    """Knows which runs the process ``owner`` holds, each for ``lease`` seconds at a time."""

    def __init__(self, journal: Journal, owner: str, lease: float) -> None:
        self.owner = owner
        self.lease = lease
        self._journal = journal
        self._held: dict[str, Held] = {}
        self._strange: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None

    def hold(self, run_id: str, held: Held) -> None:
        """A run was claimed, or a turn prolonged its claim."""
        self._held[run_id] = held

    def let_go(self, run_id: str) -> None:
        """The run is not advanced here any more."""
        self._held.pop(run_id, None)

    def is_sure_of(self, run_id: str) -> bool:
        """True while nobody else can have taken the run: its lease is not over."""
        held = self._held.get(run_id)
        return held is not None and elapsed() < held.since + self.lease

    def start(self) -> None:
        """Begin to prolong claims."""
        self._task = asyncio.create_task(self._beat())

    async def stop(self) -> None:
        """Prolong no more, and give back whatever is still held, due at once."""
        await cancelled(self._task)
        self._task = None
        try:
            freed = await self._journal.write(lambda tx: tx.free(self.owner))
        except ProblemError as error:
            _log.error("claims could not be given back (%s): they lapse", error.problem.code)
            return
        if freed:
            _log.info("gave back %d runs that were under way", freed)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.lease / _BEATS)
            try:
                await self.renew()
            except ProblemError as error:
                _log.error("claims could not be prolonged: %s", error.problem.code)
            except Exception:
                _log.exception("claims could not be prolonged")

    async def renew(self) -> None:
        """Prolong every claim that is not fresh; wake whoever lost one or missed a wake-up."""
        began = elapsed()
        stale = {
            run_id: held
            for run_id, held in self._held.items()
            if held.since < began - self.lease / _BEATS
        }
        if not stale and not self._strange:
            return
        claims = {claim.run_id: claim for claim in await self._journal.write(self._renewed)}
        for run_id, held in stale.items():
            claim = claims.get(run_id)
            if claim is None or claim.epoch != held.epoch or claim.wake_seq != held.wake_seq:
                held.woken.set()  # its next turn finds out
            if claim is not None and claim.epoch == held.epoch:
                held.since = max(held.since, began)
        await self._give_back([claim for name, claim in claims.items() if name not in self._held])

    def _renewed(self, tx: Tx) -> list[Claim]:
        fresh = after(tx.now, self.lease * (1 - 1 / _BEATS))
        return tx.renew(self.owner, after(tx.now, self.lease), fresh)

    async def _give_back(self, strange: list[Claim]) -> None:
        """Give back claims in whose name nobody works here, once they were so twice.

        The first time it may be one that was taken just now.
        """
        seen, self._strange = self._strange, {claim.run_id: claim.epoch for claim in strange}
        for claim in strange:
            if seen.get(claim.run_id) == claim.epoch:
                _log.warning("giving back run %s, which nobody advances here", claim.run_id)
                await self._journal.write(partial(_release, claim))
                self._strange.pop(claim.run_id)


def _release(claim: Claim, tx: Tx) -> None:
    tx.release(claim.run_id, claim.epoch, claim.wake_seq, tx.now)
