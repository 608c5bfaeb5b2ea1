"""Looking back: what has come back of erased people with a newer key store is erased again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Set
from functools import partial

from gateway.model.ports import Journal, Page, Records
from gateway.model.rights import Erasure, ErasureStatus, RightsFilter
from gateway.rights.erasing import CHUNK, Eraser
from gateway.rights.failing import tell

_MOST_FAILURES = 20
"""How many erasures may fail in one look: then it is not they that are at fault."""

KeptIn = Callable[[str, str], Awaitable[tuple[frozenset[str], Set[str]]]]
"""Tells the holds that stand in a workspace at a moment, and the keys that they keep."""

_log = logging.getLogger(__name__)


class TooManyFailedError(Exception):
    """So many erasures failed in one look that the rest is left to the next one."""


class LookBack:
    """Looks at every erasure that is done once in the life of a process, since nobody puts another
    key store in the place of this one meanwhile; at one that fails again in the next look.

    Where something was back, it is looked for again once other holds stand: they may have kept it,
    or put it off.
    """

    def __init__(self, journal: Journal, eraser: Eraser, kept: KeptIn) -> None:
        self._journal = journal
        self._eraser = eraser
        self._kept = kept
        self._has_begun = False
        self._left: dict[str, int] = {}
        """How many erasures of each workspace were looked at, where that is not yet all of them."""
        self._kept_under: dict[str, frozenset[str]] = {}
        """The holds that stood when keys of erased people were last found to be back."""
        self._failed: dict[tuple[str, str], None] = {}
        """Workspace and id of erasures that failed, those first that were tried the longest ago."""
        self._failures = 0

    async def look(self, moment: str) -> None:
        """Look at what was not looked at yet, then at what failed; ``moment`` (RFC 3339) is that up
        to which the clock is believed.

        Raises:
            TooManyFailedError: the next look goes on where this one ended.
            OSError, sqlite3.Error, ProblemError: neither record nor keys can be used.
        """
        self._failures = 0
        before = list(self._failed)
        for workspace in await self._to_look_in(moment):
            await self._look_in(workspace, moment)
        for workspace, erasure_id in before:
            await self._look_again(workspace, erasure_id, moment)

    async def _to_look_in(self, moment: str) -> list[str]:
        if not self._has_begun:
            workspaces = await asyncio.to_thread(self._eraser.keys.store.workspaces)
            self._left = dict.fromkeys(workspaces, 0)
            self._has_begun = True
        for workspace, under in list(self._kept_under.items()):
            holds = await self._journal.read(partial(_standing, workspace, moment))
            if under != holds:
                del self._kept_under[workspace]
                self._left[workspace] = 0
        return list(self._left)

    async def _look_in(self, workspace: str, moment: str) -> None:
        page = Page(CHUNK, self._left[workspace])
        while erasures := await self._journal.read(partial(_erased, workspace, moment, page)):
            for erasure in erasures:
                if (workspace, erasure.id) not in self._failed:  # it has its turn of its own
                    await self._look_at(erasure, moment)
            page = Page(CHUNK, page.offset + CHUNK)
            self._left[workspace] = page.offset
        del self._left[workspace]

    async def _look_again(self, workspace: str, erasure_id: str, moment: str) -> None:
        erasure = await self._journal.read(lambda records: records.erasure(workspace, erasure_id))
        if erasure is None:
            del self._failed[workspace, erasure_id]
        else:
            await self._look_at(erasure, moment)

    async def _look_at(self, erasure: Erasure, moment: str) -> None:
        workspace = erasure.subject.workspace
        named = (workspace, erasure.id)

        async def kept() -> tuple[frozenset[str], Set[str]]:
            found = await self._kept(workspace, moment)
            self._kept_under.setdefault(workspace, found[0])
            return found

        self._failed.pop(named, None)
        try:
            count = await self._eraser.carry_out_again(erasure, moment, kept)
        except Exception as error:
            self._failed[named] = None
            self._failures += 1
            tell(f"looking for what came back after erasure {erasure.id}", error)
            if self._failures == _MOST_FAILURES:
                raise TooManyFailedError from error
        else:
            if count:
                _log.warning("erasure %s: %d keys had come back", erasure.id, count)


def _erased(workspace: str, now: str, page: Page, records: Records) -> list[Erasure]:
    """The erasures of people that are done."""
    which = RightsFilter(workspace, now, status=ErasureStatus.ERASED.value)
    found, _ = records.erasures(which, page)
    return found


def _standing(workspace: str, now: str, records: Records) -> frozenset[str]:
    return frozenset(hold.id for hold in records.active_holds(workspace, now))
