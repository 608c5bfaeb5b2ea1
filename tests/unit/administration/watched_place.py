"""A record, the policies of a process, and its watch, with what may go wrong between them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from gateway.administration import InForce, PolicyWatch, put_in_force
from gateway.contracts import Registry
from gateway.journal import SqliteJournal
from gateway.model.entry import EntryType, NewEntry
from gateway.model.policy import Edit
from gateway.model.ports import Records, Tx
from gateway.model.problem import ProblemError, refuse
from gateway.model.system import SystemClock
from gateway.policy import Policies, apply_edits
from gateway.policy.contents.history import content_of
from gateway.shipped import shipped_policies

T = TypeVar("T")


class Reading:
    """The journal of the watch: it can fail, and something can happen between two reads."""

    def __init__(self, journal: SqliteJournal) -> None:
        self.journal = journal
        self.fails = False
        self.breaks = False
        self.reads = 0
        self.before_read: dict[int, Callable[[], object]] = {}
        self.after_read: dict[int, Callable[[], object]] = {}

    async def read(self, query: Callable[[Records], T]) -> T:
        self.reads += 1
        then = self.before_read.pop(self.reads, None)
        if then is not None:
            await then()  # type: ignore[misc]  # each is an async function
        if self.breaks:
            raise RuntimeError("nobody foresaw this")
        if self.fails:
            raise refuse("SERVICE_UNAVAILABLE", "The disk is gone.")
        number = self.reads
        found = await self.journal.read(query)
        then = self.after_read.pop(number, None)
        if then is not None:
            await then()  # type: ignore[misc]  # as above
        return found


class Place:
    """A record, the policies of a process, and its watch."""

    def __init__(self, journal: SqliteJournal, policies: Policies) -> None:
        self.journal = journal
        self.policies = policies
        self.reading = Reading(journal)
        self.adopted: list[str] = []
        self.woken = 0
        self.wake_fails = 0
        self.in_force = InForce(policies)
        self.watch = PolicyWatch(self.reading, self.in_force, self._wake, self._recheck)  # type: ignore[arg-type]  # it only reads

    def _recheck(self) -> None:
        self.adopted.append(self.policies.revision)

    async def _wake(self) -> None:
        if self.wake_fails:
            self.wake_fails -= 1
            raise refuse("SERVICE_UNAVAILABLE", "The disk is full.")
        self.woken += 1

    async def activate(self, user: str) -> str:
        """What another process does: a rule more, in force."""
        return await self.journal.write(partial(_activate, user=user))

    async def put(self, revision: str) -> None:
        def unit(tx: Tx) -> None:
            body = {"revision": revision, "source": "files"}
            tx.append(NewEntry(EntryType.POLICY_ACTIVATED, "", body))

        await self.journal.write(unit)

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait until ``reached``."""
        async with asyncio.timeout(25):
            while not reached():  # noqa: ASYNC110 - there is nothing to wait for
                await asyncio.sleep(0.01)

    async def until_sure(self) -> None:
        """Wait until it is sure what is in force: on a machine that stands still, what was read is
        too old when it comes."""
        async with asyncio.timeout(25):
            while not await self.is_sure():
                pass

    async def is_sure(self) -> bool:
        try:
            await self.policies.settle()
        except ProblemError:
            return False
        return True


def _activate(tx: Tx, user: str) -> str:
    head = tx.policy_head()
    assert head is not None
    edits = [Edit("access.csv", add=f"p, user:{user}, acme, controlPlane.plan.get, call, allow")]
    after = apply_edits(content_of(tx, head), edits).content.revision
    told = {"parent": head, "edits": [edit.to_json() for edit in edits]}
    body = {"revision": after, "previous": head, "source": "files", **told}
    tx.append(NewEntry(EntryType.POLICY_ACTIVATED, "", body))
    return after


@asynccontextmanager
async def place_in(folder: Path, registry: Registry) -> AsyncIterator[Place]:
    journal = await SqliteJournal.open(
        folder / "gateway.db", clock=SystemClock(), writer="embedded"
    )
    seeded = await put_in_force(journal, "store", shipped_policies(), registry)
    place = Place(journal, Policies(seeded.revision))
    await place.watch.start()
    try:
        yield place
    finally:
        await place.watch.stop()
        await journal.close()
