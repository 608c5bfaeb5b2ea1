"""Impact analyses under way: each a process of its own, so that whoever serves is not held up.

They live as long as this process. What one found is recorded if the changeset and the policy in
force are still those that it looked at; whoever is told of a failure, or restarts, asks again.
"""

import asyncio
import contextlib
import logging
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.administration.changesets import FLOW, ChangesetCommand
from gateway.model.entry import EntryType, NewEntry
from gateway.model.json import JsonObject, decode
from gateway.model.ports import Clock, Journal, Tx
from gateway.model.problem import ProblemError, refuse
from gateway.model.time import stamp

MAX_ANALYSES = 2
"""How many analyses are under way at the same time."""

MAX_REPORT = 1_048_576
"""The largest report that is taken, in bytes."""

_KEPT = 100
_TOLD_LINES = 5
_TOLD = 1_000
_COMMAND = (sys.executable, "-m", "gateway.cli", "policy", "impact")
_PROGRESS = re.compile(r"progress ([01]\.[0-9]{4}) ([0-9]{1,15})")
_log = logging.getLogger(__name__)


class AnalysisState(StrEnum):
    """How an analysis stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is to be analyzed: a changeset with the ``revision`` that it results in, against the
    revision ``head``. ``workspace`` and ``days`` narrow the decisions that are looked at; ``by`` is
    who asked."""

    changeset_id: str
    revision: str
    head: str
    workspace: str | None
    days: int | None
    by: str


@dataclass(slots=True)
class AnalysisJob:
    """An analysis, and how far it has come: ``share`` of the record is from 0 to 1, ``decisions``
    counts those that were seen, ``problem`` says why it failed."""

    analysis: Analysis
    started_at: str
    state: AnalysisState = AnalysisState.RUNNING
    share: float = 0.0
    decisions: int = 0
    problem: str | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Analyses:
    """Runs analyses, a bounded number at a time; on the event loop alone.

    ``environment`` is that of the processes: it names the data, contracts and policies.
    """

    def __init__(self, journal: Journal, clock: Clock, environment: Mapping[str, str]) -> None:
        self._journal = journal
        self._clock = clock
        self._environment = dict(environment)
        self._jobs: dict[str, AnalysisJob] = {}
        self._places = asyncio.Semaphore(MAX_ANALYSES)

    def of(self, changeset_id: str) -> AnalysisJob | None:
        """The last analysis of a changeset that this process knows of."""
        return self._jobs.get(changeset_id)

    def require_room(self, changeset_id: str) -> None:
        """Refuse one more analysis.

        Raises:
            ProblemError: CONFLICT if this changeset is being analyzed, LIMIT_EXCEEDED if as many
                others are as may be.
        """
        running = [job for job in self._jobs.values() if job.state is AnalysisState.RUNNING]
        if any(job.analysis.changeset_id == changeset_id for job in running):
            told = f"Changeset {changeset_id} is being analyzed. policyChangesetAnalysisGet says "
            raise refuse("CONFLICT", f"{told}how far it has come.")
        if len(running) >= MAX_ANALYSES:
            told = f"{MAX_ANALYSES} analyses are under way. Ask again when one of them is done."
            raise refuse("LIMIT_EXCEEDED", told)

    def start(self, analysis: Analysis) -> None:
        """Begin an analysis; nothing if the changeset is being analyzed already."""
        earlier = self._jobs.get(analysis.changeset_id)
        if earlier is not None and earlier.state is AnalysisState.RUNNING:
            return
        self._jobs.pop(analysis.changeset_id, None)
        for name in list(self._jobs)[: max(0, len(self._jobs) - _KEPT)]:
            if self._jobs[name].state is not AnalysisState.RUNNING:
                del self._jobs[name]
        job = AnalysisJob(analysis, stamp(self._clock.now()))
        self._jobs[analysis.changeset_id] = job
        job.task = asyncio.create_task(self._run(job), name="policy-analysis")

    async def stop(self) -> None:
        """End every analysis; nothing of one that was not done is recorded."""
        tasks = [job.task for job in self._jobs.values() if job.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, job: AnalysisJob) -> None:
        try:
            async with self._places:  # calls that came at once all found room
                report = await self._report(job)
            await self._journal.write(lambda tx: _record(tx, job.analysis, report))
            job.share, job.state = 1.0, AnalysisState.DONE
        except ProblemError as error:
            self._fail(job, error.problem.detail, error)
        except Exception as error:  # one that is never done would keep the next from beginning
            self._fail(job, f"The analysis could not be run ({type(error).__name__}).", error)

    def _fail(self, job: AnalysisJob, told: str, error: Exception) -> None:
        """``told`` is for whoever administers policy; it may name people, so the log has less."""
        job.state, job.problem = AnalysisState.FAILED, told
        _log.warning("the analysis of %s failed", job.analysis.changeset_id, exc_info=error)

    async def _report(self, job: AnalysisJob) -> JsonObject:
        process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            *_arguments(job.analysis),
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,  # ends with this process, and so does the analysis
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            if process.stdout is None or process.stderr is None:
                raise AssertionError("both are pipes")
            written, told = await asyncio.gather(
                _read(process.stdout, process.kill), _follow(process.stderr, job)
            )
            code = await process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()  # one whose pipes are full does not end
        if code != 0:
            raise refuse("PRECONDITION_FAILED", told or f"The analysis ended with code {code}.")
        report = decode(written)
        if not (isinstance(report, dict) and isinstance(report.get("decisions"), dict)):
            raise refuse("PRECONDITION_FAILED", "The analysis wrote no report.")
        return report


def _arguments(analysis: Analysis) -> list[str]:
    arguments = [analysis.changeset_id, "--json", "--progress", "--attended"]
    if analysis.days is not None:
        arguments += ["--days", str(analysis.days)]
    if analysis.workspace is not None:
        arguments += [f"--workspace={analysis.workspace}"]
    return arguments


async def _read(stream: asyncio.StreamReader, end: Callable[[], None]) -> bytes:
    """All that is written; ``end`` is called where that is too much."""
    parts, size = [], 0
    while part := await stream.read(65_536):
        size += len(part)
        if size <= MAX_REPORT:
            parts.append(part)
        else:
            with contextlib.suppress(ProcessLookupError):
                end()
    return b"".join(parts)


async def _follow(stream: asyncio.StreamReader, job: AnalysisJob) -> str:
    """Take up the progress that is told; the other lines say what went wrong."""
    told: list[str] = []
    while True:
        try:
            line = await stream.readline()
        except ValueError:  # longer than any of ours
            continue
        if not line:
            return " ".join(told)[:_TOLD]
        text = line.decode("utf-8", "replace").strip()
        if progress := _PROGRESS.fullmatch(text):
            job.share, job.decisions = float(progress[1]), int(progress[2])
        elif text and len(told) < _TOLD_LINES:
            told.append(text)


def _record(tx: Tx, analysis: Analysis, report: JsonObject) -> None:
    """Record what was found, if it is still about what is proposed and in force.

    Raises:
        ProblemError: CONFLICT if either changed meanwhile.
    """
    changeset, head = tx.changeset(analysis.changeset_id), tx.policy_head()
    looked_at = (report.get("revision"), report.get("inForce"))
    if (
        changeset is None
        or changeset.status not in FLOW[ChangesetCommand.ANALYZE].states
        or (changeset.revision, head) != (analysis.revision, analysis.head)
        or looked_at != (analysis.revision, analysis.head)
    ):
        told = "The changeset or the policy in force changed during the analysis. Ask for it again."
        raise refuse("CONFLICT", told)
    body = {
        "changesetId": changeset.id,
        "revision": analysis.revision,
        "head": analysis.head,
        "report": report,
    }
    kind = EntryType.POLICY_ANALYZED
    tx.append(NewEntry(kind, changeset.workspace, body, actor=analysis.by))
