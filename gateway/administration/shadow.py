"""Shadow mode: the changeset that decides in the shadow of the policy in force, as recorded."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass

from gateway.administration.checks import STORED
from gateway.administration.scope import Scopes
from gateway.administration.shadow_witness import ShadowWitness
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject
from gateway.model.policy import Changeset
from gateway.model.ports import Clock, Journal, Records, Tx
from gateway.model.problem import ProblemError
from gateway.model.tasks import cancelled
from gateway.policy import Policies, PolicyContent, PolicyRevision, build_revision
from gateway.policy.contents.history import content_of_changeset

INTERVAL = 0.5
"""Seconds between two looks at whether the changeset still decides in the shadow."""

_KEPT = 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _On:
    """The shadow that is cast now; ``witness`` is None where its revision cannot be built."""

    changeset: Changeset
    witness: ShadowWitness | None
    problem: str | None = None

    def report(self) -> JsonObject:
        """What it found so far, or why it finds nothing."""
        if self.witness is None:
            return {"revision": self.changeset.revision, "problem": self.problem}
        return self.witness.report()


class Shadows:
    """Keeps the witness of ``policies`` that of the changeset which the record names.

    A shadow that was on resumes after a restart, with its counts from zero. What it found last is
    kept for a while after its end. Of several processes each counts its own decisions, and records
    them at the end. On the event loop, but for ``report``.
    """

    def __init__(self, journal: Journal, policies: Policies, scopes: Scopes, clock: Clock) -> None:
        self._journal = journal
        self._policies = policies
        self._scopes = scopes
        self._clock = clock
        self._on: _On | None = None
        self._ended: dict[str, JsonObject] = {}
        self._looking = asyncio.Lock()
        self._loop: asyncio.Task[None] | None = None
        self._nudged = asyncio.Event()

    async def start(self) -> None:
        """Take up what the record says, then follow it."""
        await self.look()
        self._loop = asyncio.create_task(self._keep_looking(), name="policy-shadow")

    async def stop(self) -> None:
        """Decide nothing in the shadow any more; a later process resumes."""
        await cancelled(self._loop)
        self._policies.witness = None

    def changed(self) -> None:
        """The record names another shadow, or none: look at once."""
        self._nudged.set()

    def report(self, changeset_id: str) -> JsonObject | None:
        """What the shadow of a changeset found so far, or when it ended; None if it cast none in
        this process, or long ago."""
        on = self._on
        if on is not None and on.changeset.id == changeset_id:
            return on.report()
        return self._ended.get(changeset_id)

    async def look(self) -> None:
        """Follow the record once."""
        async with self._looking:
            found = await self._journal.read(shadowing)
            wanted, on = found[0] if found else None, self._on
            if wanted is not None and on is not None and _same(wanted, on.changeset):
                return
            if on is not None:
                await self._end(on)
            if wanted is not None:
                await self._begin(wanted)

    async def _keep_looking(self) -> None:
        while True:
            # Without a shadow there is nothing that could end it: only a command begins one.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if self._on is None else INTERVAL):
                    await self._nudged.wait()
            self._nudged.clear()
            try:
                await self.look()
            except Exception:  # whatever goes wrong here must not end the following
                _log.exception("the shadow cannot be followed; trying again")
                self._nudged.set()
                await asyncio.sleep(INTERVAL)

    async def _begin(self, changeset: Changeset) -> None:
        try:
            content = await self._journal.read(
                lambda records: content_of_changeset(records, changeset)
            )
            draft = await asyncio.to_thread(self._build, content)
        except ProblemError as error:
            _log.error("%s casts no shadow: %s", changeset.id, error.problem.code)
            self._on = _On(changeset, None, error.problem.detail)
            return
        is_whole = self._scopes.of(changeset.workspace).is_whole
        workspace = None if is_whole else changeset.workspace
        witness = ShadowWitness(draft, self._policies, workspace, self._clock)
        self._on = _On(changeset, witness)
        self._policies.witness = witness
        _log.info("policy %s decides in the shadow from now on", draft.revision)

    def _build(self, content: PolicyContent) -> PolicyRevision:
        return build_revision(content, self._policies.registry, STORED)

    async def _end(self, on: _On) -> None:
        self._policies.witness = None
        report = self._ended[on.changeset.id] = on.report()
        self._on = None  # after that: readers in other threads find the one or the other
        for name in list(self._ended)[:-_KEPT]:
            del self._ended[name]
        _log.info("policy %s decides in the shadow no more", on.changeset.revision)
        await self._journal.write(lambda tx: _record(tx, on.changeset, report))


def _record(tx: Tx, before: Changeset, report: JsonObject) -> None:
    """Record what the shadow of a changeset found that was revised or came to its end meanwhile.

    Whoever turned it off has recorded it.
    """
    now = tx.changeset(before.id)
    if now is not None and (not now.status.is_open or now.revision != before.revision):
        body = {"changesetId": before.id, "on": now.shadowing, "report": report}
        tx.append(NewEntry(EntryType.POLICY_SHADOWED, before.workspace, body))


def shadowing(records: Records) -> list[Changeset]:
    """The changesets that decide in the shadow, as recorded."""
    return records.shadowing_changesets()


def _same(one: Changeset, other: Changeset) -> bool:
    return (one.id, one.revision) == (other.id, other.revision)
