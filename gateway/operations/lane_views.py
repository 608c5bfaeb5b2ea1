"""How lanes are reported: every field is worked out from the record, none is kept for show."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.model.evidence import EvidenceItem, EvidenceKind
from gateway.model.execution import Execution, ExecutionStatus, Step, StepStatus
from gateway.model.json import JsonObject
from gateway.model.lane import (
    TEAM_CLEANUP,
    TEAM_SNAPSHOT,
    Readiness,
    lane_phase,
    lane_status,
)
from gateway.model.plan import Plan
from gateway.model.ports import Records
from gateway.model.time import stamp
from gateway.operations.common import present
from gateway.runtime import Loop, Standing, lane_standing, no_lane

_DONE = (StepStatus.COMPLETED, StepStatus.SKIPPED)
_UNSENT = (StepStatus.PLANNED, StepStatus.READY)

_COMPLETION = {
    Readiness.NOT_READY: "STEPS",
    Readiness.BLOCKED: "RISKS",
    Readiness.MISSING_ARTIFACT: "EVIDENCE",
    Readiness.MISSING_EVIDENCE: "EVIDENCE",
    Readiness.STALE_EVIDENCE: "EVIDENCE",
    Readiness.CLEANUP_PENDING: "CLEANUP",
    Readiness.MISSING_APPROVAL: "APPROVALS",
    Readiness.READY: "COMPLETE",
}
"""What a run in a lane is at on its way to completion, by its readiness."""


@dataclass(frozen=True, slots=True)
class LaneView:
    """An execution in a lane as it is reported.

    ``open_requests`` counts the approval requests of its steps that nobody has decided.
    """

    execution: Execution
    standing: Standing
    steps: Sequence[Step]
    open_requests: int

    @property
    def readiness(self) -> Readiness:
        """What keeps the run from completing; NOT_READY where that is its steps alone."""
        if self.execution.status is ExecutionStatus.COMPLETED or not self.standing.is_ready:
            return self.standing.readiness
        done = bool(self.steps) and all(step.status in _DONE for step in self.steps)
        return Readiness.READY if done else Readiness.NOT_READY

    @property
    def next_lane(self) -> str | None:
        """The lane to hand over to, where that is possible now."""
        possible = self.standing.is_ready and self.execution.ended_at is None
        return next(iter(self.standing.lane.next_lanes), None) if possible else None

    @property
    def pending_approvals(self) -> int:
        """How many decisions of people are still asked for, by its steps and by its lane."""
        if self.execution.ended_at is not None:
            return 0
        return self.open_requests + len(self.standing.roles)

    @property
    def bundles(self) -> int:
        """How often evidence or an artifact was attached."""
        return sum(item.kind is not EvidenceKind.RISK for item in self.standing.items)

    def newest(self, key: str) -> EvidenceItem | None:
        """The newest artifact of a key."""
        found = (
            item
            for item in reversed(self.standing.items)
            if item.kind is EvidenceKind.ARTIFACT and item.key == key
        )
        return next(found, None)

    def queue_skew(self, plan: Plan) -> int | None:
        """Steps that could be sent but are not, less those on their way; None unless running."""
        if self.execution.status is not ExecutionStatus.RUNNING:
            return None
        done = {step.key for step in self.steps if step.status in _DONE}
        sendable = sum(
            step.status in _UNSENT and done.issuperset(plan.by_key[step.key].depends_on)
            for step in self.steps
        )
        return sendable - sum(step.status is StepStatus.DISPATCHED for step in self.steps)


def view_of(loop: Loop, records: Records, execution: Execution, now: str = "") -> LaneView | None:
    """How an execution stands in its lane at ``now`` (else at this moment); None without one."""
    standing = lane_standing(records, execution, now or stamp(loop.clock.now()), loop.policies)
    if standing is None:
        return None
    steps = records.steps(execution.plan_id) if execution.plan_id else []
    return LaneView(execution, standing, steps, records.open_requests(execution.id))


def required_view(loop: Loop, records: Records, execution: Execution, now: str = "") -> LaneView:
    """``view_of`` for what only an execution in a lane has.

    Raises:
        ProblemError: PRECONDITION_FAILED without a lane.
    """
    view = view_of(loop, records, execution, now)
    if view is None:
        raise no_lane(execution)
    return view


def lane_state(loop: Loop, records: Records, execution: Execution) -> JsonObject | None:
    """The ExecutionLaneState of an execution; None without a lane."""
    view = view_of(loop, records, execution)
    if view is None:
        return None
    return present(
        {
            "laneKey": execution.lane,
            **_place(view),
            "evidenceBundleCount": view.bundles,
            "pendingApprovalCount": view.pending_approvals,
            "recommendedNextLane": view.next_lane,
        }
    )


def lane_summary(view: LaneView) -> JsonObject:
    """The ExecutionLaneSummary of a run in a lane."""
    execution, standing = view.execution, view.standing
    return present(
        {
            "runId": execution.run_id,
            "laneKey": standing.lane.key,
            **_place(view),
            "objective": standing.lane.objective,
            "evidenceCompleteness": standing.completeness,
            "terminalReadiness": view.readiness.value.upper(),
            "pendingApprovalCount": view.pending_approvals,
            "missingEvidenceCount": len(standing.to_attach),
            "missingApprovalCount": len(standing.roles),
            "recommendedNextLane": view.next_lane,
            "updatedAt": execution.updated_at,
        }
    )


def lane_detail(view: LaneView, plan: Plan) -> JsonObject:
    """The ExecutionLaneDetail of a run in a lane."""
    execution, standing = view.execution, view.standing
    snapshot, cleanup = view.newest(TEAM_SNAPSHOT), view.newest(TEAM_CLEANUP)
    return present(
        {
            "runId": execution.run_id,
            "laneKey": standing.lane.key,
            **_place(view),
            "objective": standing.lane.objective,
            "teamStatus": snapshot and snapshot.state,
            "completionPhase": _COMPLETION[view.readiness],
            "terminalReadiness": view.readiness.value.upper(),
            "missingEvidence": list(standing.to_attach),
            "missingApprovals": list(standing.roles),
            "blockingRisks": [f"{risk.key} ({risk.id})" for risk in standing.risks],
            "recommendedNextLane": view.next_lane,
            "evidenceBundleCount": view.bundles,
            "approvalCount": len(standing.given),
            "transitionCount": execution.lane_transitions,
            "queueSkew": view.queue_skew(plan),
            "cleanupStatus": cleanup and cleanup.state,
            "retryCount": execution.retries,
            "snapshotRef": snapshot and (snapshot.digest or snapshot.uri),
            "updatedAt": execution.updated_at,
        }
    )


def _place(view: LaneView) -> JsonObject:
    execution = view.execution
    return {
        "laneStatus": lane_status(execution.status, execution.gate).value.upper(),
        "lanePhase": lane_phase(execution).value.upper(),
        "ownerRole": view.standing.lane.owner_role,
    }
