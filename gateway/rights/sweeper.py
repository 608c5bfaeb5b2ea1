"""The sweeper: carries out approved erasures and destroys what was kept long enough, by itself."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence, Set
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from gateway.journal import open_sealed
from gateway.model.elapsed import elapsed
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.ports import Clock, Journal, Records, Tx
from gateway.model.rights import Erasure, Hold
from gateway.model.tasks import cancelled
from gateway.model.time import END, stamp
from gateway.privacy.key_rows import DataKeyRow
from gateway.rights.calendar import Calendar
from gateway.rights.erasing import CHUNK, Eraser, no_other_stands
from gateway.rights.failing import going_on
from gateway.rights.looking_back import LookBack
from gateway.rights.search import Search

RETENTION = "retention"
"""Why keys were destroyed whose time was over."""

_TELL_EVERY = 3_600.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Overdue:
    """Keys of a workspace whose time is over: how many there are, and how many of them are held."""

    keys: int
    held: int


class Sweeper:
    """Looks every ``interval`` seconds, and at once after ``wake``; whatever fails is logged and
    tried again."""

    def __init__(
        self, journal: Journal, eraser: Eraser, clock: Clock, calendar: Calendar, interval: float
    ) -> None:
        self._journal, self._place, self._keys = journal, eraser.place, eraser.keys
        self._eraser = eraser
        self._clock = clock
        self._calendar = calendar
        self._told_at = float("-inf")
        self._condemned: dict[str, list[str]] = {}
        self._back = LookBack(journal, eraser, self._kept)
        self._interval = interval
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._held: dict[str, tuple[frozenset[str], Search]] = {}

    def start(self) -> None:
        """Begin to sweep, at once for the first time."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop; what is cut is done again by the next start."""
        await cancelled(self._task)

    def wake(self) -> None:
        """Look now: something was approved, or a hold has ended. On the event loop."""
        self._woken.set()

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            await self.sweep()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._woken.wait()

    async def sweep(self) -> None:
        """One pass over everything that is to be done."""
        async with self._turn:
            with going_on("looking for erasures"):
                moment = await self.believed()
                for erasure in await self._journal.read(partial(erasures_to_do, moment)):
                    with going_on(f"erasure {erasure.id}"):
                        kept = partial(self._kept, erasure.subject.workspace, moment)
                        await self._eraser.carry_out(erasure, moment, kept)
            with going_on("looking for keys of erased people that came back"):
                await self._back.look(await self.believed())
            with going_on("the retention sweep"):
                await self._sweep_expired(await self.believed())

    async def believed(self) -> str:
        """The moment up to which the clock is believed: what it says is over is gone for good.

        Raises:
            sqlite3.Error, ProblemError: the key store cannot be used.
        """
        told = await asyncio.to_thread(self._calendar.read)
        if told.ahead is not None and elapsed() - self._told_at >= _TELL_EVERY:
            self._told_at = elapsed()
            days = told.ahead // timedelta(days=1) + 1
            _log.error(
                "no gateway ran after %s, which is %d days ago by the clock: what ended since is "
                "kept until %s. Set the clock right; if so much time did pass, start with "
                "GATEWAY_PRIVACY_CLOCK_LEAP=%d",
                *(told.moment, days, told.believed_at, days),
            )
        return told.moment

    async def overdue(self, workspace: str) -> Overdue:
        """What of a workspace is kept longer than its rules say, and what because of holds."""
        keys = held = 0
        now = stamp(self._clock.now())
        async with self._turn:
            async for rows in self._expired(now):
                mine = [row for row in rows if row.workspace == workspace]
                keys += len(mine)
                if mine:
                    kept = (await self._kept(workspace, now))[1]
                    held += sum(row.id in kept for row in mine)
        return Overdue(keys, held)

    async def _expired(self, moment: str) -> AsyncIterator[list[DataKeyRow]]:
        """Pages of the keys whose time is over at a moment, the longest overdue first."""
        after = ("", "")
        while rows := await asyncio.to_thread(self._keys.expired, CHUNK, after, moment):
            after = (rows[-1].expires_at or "", rows[-1].id)
            yield rows

    async def _sweep_expired(self, moment: str) -> None:
        for workspace, key_ids in list(self._condemned.items()):
            with going_on("destroying keys that retention condemned"):
                await self._carry_out(workspace, key_ids)
        async for rows in self._expired(moment):
            by_workspace: dict[str, list[DataKeyRow]] = {}
            for row in rows:
                by_workspace.setdefault(row.workspace, []).append(row)
            for workspace, expired in by_workspace.items():
                if workspace in self._condemned:  # those first: what fell before must not be lost
                    continue
                with going_on("the retention sweep of a workspace"):
                    await self._destroy(workspace, expired, moment)

    async def _destroy(self, workspace: str, expired: Sequence[DataKeyRow], moment: str) -> None:
        holds, kept = await self._kept(workspace, moment)
        due = [row for row in expired if row.id not in kept]
        if not due:
            return
        unit = partial(_condemn, workspace=workspace, due=due, holds=holds, moment=moment)
        if key_ids := await self._journal.write(unit):
            await self._carry_out(workspace, key_ids)

    async def _carry_out(self, workspace: str, key_ids: list[str]) -> None:
        """Destroy what the record condemned; where that fails half-way, the next pass goes on: the
        store may hold something of keys that count as destroyed."""
        self._condemned[workspace] = key_ids
        await asyncio.to_thread(self._keys.destroy, workspace, key_ids, RETENTION)
        del self._condemned[workspace]
        _log.info("retention: destroyed %d keys", len(key_ids))

    async def _kept(self, workspace: str, moment: str) -> tuple[frozenset[str], Set[str]]:
        """The ids of the holds that stand in a workspace, and of the keys that they keep: as from
        people who erase, also those of others that seal something in the same executions."""
        holds = await self._journal.read(partial(_standing, workspace, moment))
        names = frozenset(hold.id for hold in holds)
        if not holds:
            self._held.pop(workspace, None)
            return names, frozenset()
        search = await asyncio.to_thread(self._searched, workspace, holds, names)
        return names, search.keys | search.beside

    def _searched(self, workspace: str, holds: Sequence[Hold], names: frozenset[str]) -> Search:
        """What is held on those under hold, looked for from where the last look ended."""
        known = self._held.get(workspace)
        if known is None or known[0] != names:
            known = (names, Search(self._keys, [hold.subject for hold in holds]))
        with open_sealed(self._place) as entries:
            known[1].advance(entries)
        self._held[workspace] = known
        return known[1]


def erasures_to_do(now: str, records: Records) -> list[Erasure]:
    """The approved erasures, but for those whose holds are known and still stand at ``now`` (RFC
    3339)."""
    return [one for one in records.erasures_to_do() if not _is_held(records, one, now)]


def _is_held(records: Records, erasure: Erasure, now: str) -> bool:
    workspace = erasure.subject.workspace
    holds = (records.hold(workspace, hold_id) for hold_id in erasure.held_by)
    return any(hold is not None and hold.is_active(now) for hold in holds)


def _standing(workspace: str, now: str, records: Records) -> list[Hold]:
    return records.active_holds(workspace, now)


def _condemn(
    tx: Tx, workspace: str, due: Sequence[DataKeyRow], holds: frozenset[str], moment: str
) -> list[str]:
    """Record that keys are destroyed now, and return them; none where other holds stand than were
    looked at.

    On PostgreSQL the record has a clock of its own: what is not over by both is kept.
    """
    if not no_other_stands(workspace, holds, moment, tx):
        return []
    key_ids = [row.id for row in due if (row.expires_at or END) <= tx.now]
    unknown = set(tx.uncondemned(key_ids))  # of others it is recorded, and was not carried out
    if fresh := [key_id for key_id in key_ids if key_id in unknown]:
        body: JsonObject = {"cause": RETENTION, "keys": fresh}
        tx.append(NewEntry(EntryType.RETENTION_SWEPT, workspace, body))
    return key_ids
