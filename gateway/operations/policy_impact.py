"""policy.changeset.analyze, analysis.get, shadow and shadow.get"""

from dataclasses import dataclass
from functools import partial

from gateway.administration import (
    Analyses,
    Analysis,
    AnalysisJob,
    AnalysisState,
    ChangesetCommand,
    Scopes,
    Shadows,
    require,
)
from gateway.model.entry import EntryType
from gateway.model.json import JsonObject
from gateway.model.policy import Changeset
from gateway.model.ports import Records, Tx
from gateway.model.problem import Issue, invalid, refuse
from gateway.operations.changeset_desk import ChangesetDesk
from gateway.operations.common import present
from gateway.pipeline import Admitted, Bindings, Command, Query
from gateway.runtime import Loop

MAX_DAYS = 36_500
"""How many days an analysis looks back at most, where it does not take all."""

_NONE = "NONE"


def bind_impact(loop: Loop, scopes: Scopes, analyses: Analyses, shadows: Shadows) -> Bindings:
    """The handlers of what finds out the effects of a changeset."""
    handlers = _Handlers(ChangesetDesk(loop, scopes), analyses, shadows)
    return {
        "policy.changeset.analyze@1.0.0": Command(handlers.analyze, handlers.prepare_analyze),
        "policy.changeset.analysis.get@1.0.0": Query(handlers.get_analysis),
        "policy.changeset.shadow@1.0.0": Command(handlers.shadow),
        "policy.changeset.shadow.get@1.0.0": Query(handlers.get_shadow),
    }


@dataclass(frozen=True, slots=True)
class _Handlers:
    desk: ChangesetDesk
    analyses: Analyses
    shadows: Shadows

    async def prepare_analyze(self, admitted: Admitted) -> None:
        """Refuse what cannot begin, before the unit of work.

        Raises:
            ProblemError: NOT_FOUND for a changeset that the caller does not see, VALIDATION_FAILED
                for a number of days out of range, CONFLICT for one that is being analyzed or cannot
                be now, LIMIT_EXCEEDED if too many are.
        """
        days = admitted.value.get("days")
        if days is not None and not 1 <= days <= MAX_DAYS:
            told = f"must be from 1 to {MAX_DAYS}; leave it out for all decisions"
            raise invalid([Issue("/input/days", "OUT_OF_RANGE", told)])
        changeset = await self.desk.loop.journal.read(partial(self.desk.seen, admitted))
        self.analyses.require_room(changeset.id)

    def analyze(self, admitted: Admitted, tx: Tx) -> JsonObject:
        """Begin an analysis once the call is recorded."""
        changeset, head = self.desk.seen(admitted, tx), tx.policy_head()
        require(ChangesetCommand.ANALYZE, changeset, admitted.principal, head)
        is_whole = self.desk.scopes.of(changeset.workspace).is_whole
        analysis = Analysis(
            changeset_id=changeset.id,
            revision=changeset.revision,
            head=head or "",
            workspace=None if is_whole else changeset.workspace,
            days=admitted.value.get("days"),
            by=admitted.principal.subject,
        )
        tx.after_commit(partial(self.analyses.start, analysis))
        return {
            "changesetId": changeset.id,
            "analysis": AnalysisState.RUNNING.value.upper(),
            "revision": analysis.revision,
            "head": analysis.head,
            "startedAt": tx.now,
        }

    def get_analysis(self, admitted: Admitted, records: Records) -> JsonObject:
        """How far the analysis of a changeset has come, or what it found."""
        changeset, head = self.desk.seen(admitted, records), records.policy_head()
        job = self.analyses.of(changeset.id)
        shown = _of_job(job) if job and _is_told(job, changeset) else _of_record(changeset)
        analyzed = (changeset.impact or {}).get("head")
        return present(
            {
                "changesetId": changeset.id,
                "status": changeset.status.value.upper(),
                **shown,
                "stale": analyzed is not None and analyzed != head,
                "report": changeset.impact,
            }
        )

    def shadow(self, admitted: Admitted, tx: Tx) -> JsonObject:
        """Let a changeset decide in the shadow of the policy in force, or end that.

        Raises:
            ProblemError: NOT_FOUND, CONFLICT where it does so already or does not, where its state
                does not allow it, or where another changeset does.
        """
        changeset, turned_on = self.desk.seen(admitted, tx), admitted.value["active"]
        if changeset.shadowing is turned_on:
            how = "decides in the shadow already" if turned_on else "does not decide in the shadow"
            raise refuse("CONFLICT", f"Changeset {changeset.id} {how}.")
        report = None
        if turned_on:
            require(ChangesetCommand.SHADOW, changeset, admitted.principal, tx.policy_head())
            self._require_alone(admitted, tx)
        else:
            report = self.shadows.report(changeset.id)
        body = {"on": turned_on, "report": report}
        self.desk.record(admitted, tx, changeset, EntryType.POLICY_SHADOWED, body)
        tx.after_commit(self.shadows.changed)
        told = {"changesetId": changeset.id, "shadowing": turned_on, "report": report}
        return present({**told, "changedAt": tx.now})

    def get_shadow(self, admitted: Admitted, records: Records) -> JsonObject:
        """What the shadow of a changeset found so far."""
        changeset = self.desk.seen(admitted, records)
        report = self.shadows.report(changeset.id)
        told = {"changesetId": changeset.id, "shadowing": changeset.shadowing, "report": report}
        return present(told)

    def _require_alone(self, admitted: Admitted, tx: Tx) -> None:
        for other in tx.shadowing_changesets():
            scope = self.desk.scope(admitted)
            is_seen = scope.is_whole or other.workspace == scope.workspace
            named = f"Changeset {other.id}" if is_seen else "A changeset of another workspace"
            raise refuse("CONFLICT", f"{named} decides in the shadow; there is one at a time.")


def _is_told(job: AnalysisJob, changeset: Changeset) -> bool:
    """True while it runs, and for a failure that is about what is proposed now."""
    if job.state is AnalysisState.RUNNING:
        return True
    return job.state is AnalysisState.FAILED and job.analysis.revision == changeset.revision


def _of_job(job: AnalysisJob) -> JsonObject:
    return {
        "analysis": job.state.value.upper(),
        "progress": job.share,
        "decisions": job.decisions,
        "days": job.analysis.days,
        "revision": job.analysis.revision,
        "head": job.analysis.head,
        "startedAt": job.started_at,
        "problem": job.problem,
    }


def _of_record(changeset: Changeset) -> JsonObject:
    impact = changeset.impact
    if impact is None:
        return {"analysis": _NONE}
    return {
        "analysis": AnalysisState.DONE.value.upper(),
        "progress": 1.0,
        "decisions": impact["decisions"]["total"],
        "days": impact.get("days"),
        "revision": changeset.revision,
        "head": impact["head"],
    }
