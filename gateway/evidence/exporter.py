"""Exporting evidence: from the journal to a bundle that waits to be recorded and fetched."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from gateway.blobs import Blobs
from gateway.evidence.build import Bundle, ContentOf, Snapshot, build_bundle, require_room
from gateway.evidence.showing import Treat, Viewer
from gateway.evidence.store import BundleStore, Draft
from gateway.evidence.verify import verify_bundle
from gateway.journal import Signer, parsed_line
from gateway.model.entry import EntryType
from gateway.model.execution import Execution
from gateway.model.json import decode
from gateway.model.pii import envelopes_in, execution_owner
from gateway.model.ports import Clock, Journal, Records, Sealer
from gateway.model.problem import ProblemError, refuse
from gateway.model.stored_entry import StoredEntry
from gateway.model.time import stamp

EXPORT = "controlPlane.execution.evidence.export@1.0.0"
"""The contract that exports evidence; stored bundles are sealed as its output."""

_AT_ONCE = 2
"""How many bundles are built at a time: each may take several times its size in memory."""

_PAGE = 500
_LINE = 300  # bytes of a line beside the body, about
_GRACE = 60.0
"""Seconds after which a draft that nothing recorded is removed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Exported:
    """A bundle that is built and written as a draft, and not recorded yet."""

    execution_id: str
    run_id: str
    workspace: str
    exported_at: str
    bundle: Bundle
    draft: Draft
    expiry: asyncio.TimerHandle


@dataclass(frozen=True, slots=True)
class Exporter:
    """Builds bundles. ``checkpoint`` signs a checkpoint of the journal now."""

    journal: Journal
    sealer: Sealer
    signer: Signer
    clock: Clock
    store: BundleStore
    content_of: ContentOf
    checkpoint: Callable[[], Awaitable[int | None]]
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def export(self, workspace: str, run_id: str, subject: str, treat: Treat) -> Exported:
        """Build the bundle of a run as it stands, for ``subject``, who sees PII as ``treat`` says.

        The draft goes away by itself unless it is soon published.

        Raises:
            ProblemError: NOT_FOUND, PAYLOAD_TOO_LARGE, PRECONDITION_FAILED where the record does
                not hold, or SERVICE_UNAVAILABLE.
        """
        async with self.slots:
            return await self._export(workspace, run_id, subject, treat)

    async def _export(self, workspace: str, run_id: str, subject: str, treat: Treat) -> Exported:
        execution = await self.journal.read(partial(run_of, workspace=workspace, run_id=run_id))
        entries = await self._entries(execution.id)
        await self.checkpoint()
        proven = await self.journal.read(partial(_proven, entries=entries))
        snapshot = Snapshot(
            run_id=run_id,
            execution_id=execution.id,
            workspace=workspace,
            exported_by=subject,
            exported_at=stamp(self.clock.now()),
            entries=entries,
            checkpoint=proven.line,
            note=proven.note,
            nodes=proven.nodes,
        )
        bundle, draft = await asyncio.to_thread(self._write, snapshot, treat)
        discard = partial(self.store.discard, draft)
        expiry = asyncio.get_running_loop().call_later(_GRACE, self._begin, discard)
        moment = snapshot.exported_at
        return Exported(execution.id, run_id, workspace, moment, bundle, draft, expiry)

    def publish(self, exported: Exported, number: int) -> None:
        """Keep a bundle that was recorded; until that is done it is found as a draft. On the event
        loop."""
        exported.expiry.cancel()
        self._begin(partial(self.store.publish, exported.draft, number))

    def _begin(self, work: Callable[[], None]) -> None:
        """Do what takes a moment in a folder at once, and beside the event loop where it waits for
        a database. What goes wrong there is logged, since the next start does it again."""
        if not self.store.blobs.is_shared:
            work()
            return
        begun = asyncio.get_running_loop().run_in_executor(None, work)
        begun.add_done_callback(_log_failure)

    async def sweep(self) -> None:
        """At start: keep the drafts of an earlier process that were recorded, remove the rest.

        Where other processes export too, those that may yet be recorded are left alone.
        """
        for draft in await asyncio.to_thread(lambda: list(self.store.drafts())):
            number = await self.journal.read(partial(_recorded, draft=draft))
            if number is not None:
                await asyncio.to_thread(self.store.publish, draft, number)
            elif not self.store.blobs.is_shared or draft.age > 2 * _GRACE:
                await asyncio.to_thread(self.store.discard, draft)
                _log.info("removed %s, which was never recorded", draft.name)

    async def _entries(self, execution_id: str) -> list[StoredEntry]:
        """All entries of the chain. It only grows, so pages of several reads fit together."""
        found: list[StoredEntry] = []
        size = 0
        while True:
            after = found[-1].seq if found else 0
            page = await self.journal.read(partial(_page, execution_id=execution_id, after=after))
            found.extend(page)
            size += sum(len(entry.body) + _LINE for entry in page)
            require_room(size)
            if len(page) < _PAGE:
                return found

    def _write(self, snapshot: Snapshot, treat: Treat) -> tuple[Bundle, Draft]:
        viewer = Viewer(self.sealer, snapshot.workspace, treat)
        owner = execution_owner(snapshot.workspace, snapshot.execution_id)
        try:
            beside = envelopes_in([decode(entry.body) for entry in snapshot.entries]).values()
            key = self.store.new_key(owner, beside)
            bundle = build_bundle(snapshot, viewer, self.content_of, self.signer)
        except (ValueError, TypeError, KeyError) as error:
            raise _does_not_hold(snapshot, str(error)) from error
        # Whoever gets a bundle can check it, so the gateway signs none that does not hold.
        report = verify_bundle(bundle.content, [self.signer.public_key_pem])
        if not report.ok:
            finding = report.findings[0]
            raise _does_not_hold(snapshot, f"{finding.file}: {finding.message}")
        return bundle, self.store.write(key, snapshot.run_id, bundle.digest, bundle.content)


def build_exporter(
    journal: Journal,
    sealer: Sealer,
    signer: Signer,
    clock: Clock,
    checkpoint: Callable[[], Awaitable[int | None]],
    *,
    blobs: Blobs,
    content_of: ContentOf,
) -> Exporter:
    """An exporter that keeps its bundles among ``blobs``."""
    store = BundleStore(blobs, sealer, EXPORT)
    return Exporter(journal, sealer, signer, clock, store, content_of, checkpoint)


def _log_failure(done: asyncio.Future[None]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        _log.error("a bundle could not be put in its place: %s", type(error).__name__)


def run_of(records: Records, workspace: str, run_id: str) -> Execution:
    """The execution of a run in this workspace.

    Raises:
        ProblemError: NOT_FOUND, the same for one that another workspace has.
    """
    execution = records.execution_of_run(run_id)
    if execution is None or execution.workspace != workspace:
        told = f"There is no run {run_id} in this workspace. controlPlaneExecutionGet names runs."
        raise refuse("NOT_FOUND", told)
    return execution


@dataclass(frozen=True, slots=True)
class _Proven:
    """The last checkpoint: its line, its note with cosignatures, and the proof for some entries."""

    line: str
    note: str
    nodes: list[bytes]


def _proven(records: Records, entries: Sequence[StoredEntry]) -> _Proven:
    line = records.last_checkpoint()
    if line is None:
        raise AssertionError("a record with entries has a checkpoint once one was asked for")
    found = parsed_line(line)
    signed = [one.cosignature for one in records.receipts(found.number, found.number)]
    note = found.note + "".join(f"{one}\n" for one in signed if one is not None)
    positions = [entry.position for entry in entries]
    return _Proven(line, note, records.multiproof(positions, found.position))


def _page(records: Records, execution_id: str, after: int) -> list[StoredEntry]:
    return records.stored_entries(execution_id, after, _PAGE)


def _recorded(records: Records, draft: Draft) -> int | None:
    """The number under which a draft was recorded, if it was."""
    execution = records.execution_of_run(draft.run_id)
    if execution is None:
        return None
    for entry in records.entries_of_type(execution.id, EntryType.EVIDENCE_EXPORTED):
        body = decode(entry.body)
        if body["digest"] == draft.digest:
            return int(body["number"])
    return None


def _does_not_hold(snapshot: Snapshot, why: str) -> ProblemError:
    return refuse(
        "PRECONDITION_FAILED",
        f"The record of execution {snapshot.execution_id} does not hold ({why}), so no evidence "
        "is made of it. Have an operator run `gateway audit verify`.",
    )
