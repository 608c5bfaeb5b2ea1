"""controlPlane.execution.evidence.export, and fetching what it exported"""

import asyncio
import hashlib
from dataclasses import dataclass
from functools import partial

from gateway.evidence import EXPORT, BundleStore, Exported, Exporter, personal_data_of, run_of
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject, decode
from gateway.model.pii import ErasedError
from gateway.model.ports import Records, Tx
from gateway.model.principal import Principal
from gateway.model.problem import Problem, ProblemError, refuse
from gateway.operations.common import ERASED_FOR_GOOD, SEALED_FOR_GOOD, acting
from gateway.pipeline import Admitted, Bindings, Call, Command, Pipeline, denial
from gateway.runtime import Loop


def bind_evidence(loop: Loop, exporter: Exporter) -> Bindings:
    """The handler of the export."""
    return {EXPORT: Command(partial(export, exporter), partial(prepare_export, loop, exporter))}


async def prepare_export(loop: Loop, exporter: Exporter, admitted: Admitted) -> Exported | Problem:
    """Build the bundle before the unit of work begins: it reads much and signs a checkpoint."""
    who = admitted.principal
    try:
        subject = acting(admitted, "exportedBy")
        treat = admitted.shown.watching(partial(loop.policies.treatment, who))
        return await exporter.export(who.workspace, admitted.value["runId"], subject, treat)
    except ProblemError as error:
        return error.problem


def export(exporter: Exporter, admitted: Admitted, tx: Tx) -> JsonObject:
    """Record the bundle: from then on the person who exported it can fetch it."""
    done: Exported | Problem = admitted.prepared
    if isinstance(done, Problem):
        raise ProblemError(done)
    execution = run_of(tx, done.workspace, done.run_id)
    number = execution.bundles + 1
    admitted.shown.belongs_to(execution.id)
    body = {
        "runId": done.run_id,
        "number": number,
        "digest": done.bundle.digest,
        "size": len(done.bundle.content),
        "throughSeq": done.bundle.through_seq,
        "masked": done.bundle.masked,
    }
    subject = admitted.principal.subject
    kind = EntryType.EVIDENCE_EXPORTED
    tx.append(NewEntry(kind, execution.workspace, body, execution.id, subject))
    tx.after_commit(partial(exporter.publish, done, number))
    return {
        "runId": done.run_id,
        "evidenceBundleCount": number,
        "exportedAt": done.exported_at,
    }


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A bundle to be downloaded: ``digest`` is SHA-256 of ``content`` in hex."""

    name: str
    content: bytes
    digest: str


@dataclass(frozen=True, slots=True)
class EvidenceDownloads:
    """Gives people the bundles that they exported, under the decision that governs exporting."""

    pipeline: Pipeline
    store: BundleStore

    async def fetch(
        self, principal: Principal, run_id: str, trace_id: str | None = None
    ) -> EvidenceFile:
        """The newest bundle of a run that this principal exported.

        The stages are those of a governed call: decide access, validate, limit, answer, record.

        Raises:
            ProblemError: what the export itself would be refused with; NOT_FOUND also where this
                principal exported none, GONE where its file was removed, PRECONDITION_FAILED where
                it shows more personal data than the principal may see by now.
        """
        pipeline = self.pipeline
        contract = pipeline.registry.operations[EXPORT]
        asked = {"runId": run_id, "exportedBy": principal.subject}
        call = Call(contract, asked, principal, None, trace_id)
        await pipeline.policies.settle()
        access = pipeline.policies.access(principal, contract)
        if not access.allowed:
            await pipeline.recorder.denied(call, access.to_json())
            raise ProblemError(denial(call, access))
        value = pipeline.registry.input_of(contract).check(asked)
        await pipeline.limiter.take(contract, principal)
        admitted = Admitted(call, value, access)
        try:
            found = await self._newest(admitted, value["runId"])
        except ProblemError as error:
            await pipeline.recorder.queue(pipeline.recorder.failed(admitted, error.problem))
            raise
        reading = {"filter": {"runId": value["runId"]}, "bytes": len(found.content)}
        await pipeline.recorder.queue(pipeline.recorder.answered(admitted, reading=reading))
        return found

    async def _newest(self, admitted: Admitted, run_id: str) -> EvidenceFile:
        principal = admitted.principal
        exported = await self.pipeline.journal.read(
            partial(_exported_by, principal=principal, run_id=run_id)
        )
        number, digest = int(exported["number"]), str(exported["digest"])
        content = await asyncio.to_thread(self._read, principal.workspace, run_id, number, digest)
        if hashlib.sha256(content).hexdigest() != digest:
            told = f"Bundle {number} of run {run_id} is not the one that was recorded."
            raise refuse("PRECONDITION_FAILED", f"{told} Export the evidence again.")
        personal = await asyncio.to_thread(personal_data_of, content)
        for (contract, field), shown in personal.items():
            admitted.shown.note(contract, field, shown)
            if self.pipeline.policies.treatment(principal, contract, field).rank > shown.rank:
                told = "You may see less personal data now than when you exported this bundle."
                raise refuse("PRECONDITION_FAILED", f"{told} Export the evidence again.")
        return EvidenceFile(f"evidence-{run_id}-{number}.zip", content, digest)

    def _read(self, workspace: str, run_id: str, number: int, digest: str) -> bytes:
        try:
            content = self.store.read(workspace, run_id, number, digest)
        except ErasedError as error:
            raise refuse("ERASED", ERASED_FOR_GOOD) from error
        except ValueError as error:
            raise refuse("PRECONDITION_FAILED", SEALED_FOR_GOOD) from error
        if content is None:
            told = f"Bundle {number} of run {run_id} is kept no longer. Export it again."
            raise refuse("GONE", told)
        return content


def _exported_by(records: Records, principal: Principal, run_id: str) -> JsonObject:
    """The record of the newest bundle of a run that the principal exported.

    Raises:
        ProblemError: NOT_FOUND.
    """
    execution = run_of(records, principal.workspace, run_id)
    entries = records.entries_of_type(execution.id, EntryType.EVIDENCE_EXPORTED)
    for entry in reversed(entries):
        if entry.actor == principal.subject:
            body: JsonObject = decode(entry.body)
            return body
    told = f"You have exported no evidence of run {run_id}."
    raise refuse("NOT_FOUND", f"{told} Do so with controlPlaneExecutionEvidenceExport.")
