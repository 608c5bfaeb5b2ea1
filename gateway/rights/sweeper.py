"""The sweeper: carries out approved erasures and destroys what was kept long enough, by itself."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import partial

from gateway.journal import open_sealed
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.ports import Clock, Journal, Records, Tx
from gateway.model.problem import ProblemError
from gateway.model.rights import Erasure, Hold
from gateway.model.tasks import cancelled
from gateway.model.time import stamp
from gateway.privacy import DataKeys
from gateway.privacy.key_rows import DataKeyRow
from gateway.rights.erasing import CHUNK, Eraser
from gateway.rights.search import Search

RETENTION = "retention"
"""Why keys were destroyed whose time was over."""

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
        self, journal: Journal, keys: DataKeys, eraser: Eraser, clock: Clock, interval: float
    ) -> None:
        self._journal, self._place, self._keys = journal, eraser.place, keys
        self._eraser = eraser
        self._clock = clock
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
            with _logged("looking for erasures"):
                for erasure in await self._journal.read(partial(erasures_to_do, self._now())):
                    with _logged(f"erasure {erasure.id}"):
                        await self._eraser.carry_out(erasure)
            with _logged("the retention sweep"):
                await self._sweep_expired()

    async def overdue(self, workspace: str) -> Overdue:
        """What of a workspace is kept longer than its rules say, and what because of holds."""
        keys = held = 0
        async with self._turn:
            async for rows in self._expired():
                mine = [row for row in rows if row.workspace == workspace]
                keys += len(mine)
                if mine:
                    kept = (await self._kept(workspace))[1]
                    held += sum(row.id in kept for row in mine)
        return Overdue(keys, held)

    async def _expired(self) -> AsyncIterator[list[DataKeyRow]]:
        """Pages of the keys whose time is over, the longest overdue first."""
        after = ("", "")
        while rows := await asyncio.to_thread(self._keys.expired, CHUNK, after):
            after = (rows[-1].expires_at or "", rows[-1].id)
            yield rows

    async def _sweep_expired(self) -> None:
        async for rows in self._expired():
            by_workspace: dict[str, list[str]] = {}
            for row in rows:
                by_workspace.setdefault(row.workspace, []).append(row.id)
            for workspace, key_ids in by_workspace.items():
                await self._destroy(workspace, key_ids)

    async def _destroy(self, workspace: str, expired: Sequence[str]) -> None:
        holds, kept = await self._kept(workspace)
        due = [key_id for key_id in expired if key_id not in kept]
        if not due:
            return
        unit = partial(_condemn, workspace=workspace, key_ids=due, holds=holds)
        if await self._journal.write(unit):
            await asyncio.to_thread(self._keys.destroy, workspace, due, RETENTION)
            _log.info("retention: destroyed %d keys", len(due))

    async def _kept(self, workspace: str) -> tuple[frozenset[str], Set[str]]:
        """The ids of the holds that stand in a workspace, and of the keys that they keep: as from
        people who erase, also those of others that seal something in the same executions."""
        holds = await self._journal.read(partial(_standing, workspace, self._now()))
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

    def _now(self) -> str:
        return stamp(self._clock.now())


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


def _condemn(tx: Tx, workspace: str, key_ids: list[str], holds: frozenset[str]) -> bool:
    """Record that keys are destroyed now; False where other holds stand than were looked at."""
    if {hold.id for hold in tx.active_holds(workspace, tx.now)} - holds:
        return False
    body: JsonObject = {"cause": RETENTION, "keys": key_ids}
    tx.append(NewEntry(EntryType.RETENTION_SWEPT, workspace, body))
    return True


@contextlib.contextmanager
def _logged(what: str) -> Iterator[None]:
    """Log what goes wrong within, by its name alone, and go on: the next pass tries again."""
    try:
        yield
    except ProblemError as error:
        _log.error("%s failed and is tried again: %s", what, error.problem.code)
    except Exception as error:
        _log.error("%s failed and is tried again: %s", what, type(error).__name__)
