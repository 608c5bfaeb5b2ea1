"""Lanes: kinds of work with a gate each, which a run must pass before it completes.

The table says what the gate of each lane asks for. An artifact is asked for as such; what is asked
for as evidence may come as evidence or as an artifact. Keys and statuses are compatibility data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from gateway.model.execution import Execution, ExecutionStatus

if TYPE_CHECKING:
    from gateway.model.ports import Page

TEAM_SNAPSHOT = "team_snapshot"
"""The artifact whose content says how a team stands."""

TEAM_CLEANUP = "team_cleanup_state"
"""The artifact whose content says whether a team has cleaned up after itself."""

CLEANUP_PENDING = "pending"
"""The status in ``TEAM_CLEANUP`` with which a run does not complete."""

_DAY = 86_400


class Readiness(StrEnum):
    """What keeps a run in a lane from completing, or that nothing does."""

    READY = "ready"
    MISSING_ARTIFACT = "missing_artifact"
    MISSING_EVIDENCE = "missing_evidence"
    MISSING_APPROVAL = "missing_approval"
    STALE_EVIDENCE = "stale_evidence"
    BLOCKED = "blocked"
    CLEANUP_PENDING = "cleanup_pending"
    NOT_READY = "not_ready"


class LaneStatus(StrEnum):
    """How an execution stands in its lane. ``SUPERSEDED`` would be a lane that was handed over;
    only the present lane of a run is reported, so nothing has it."""

    INITIALIZED = "initialized"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    COMPLETED = "completed"
    BLOCKED = "blocked"
    FAILED = "failed"
    ABORTED = "aborted"
    SUPERSEDED = "superseded"


class LanePhase(StrEnum):
    """Where an execution in a lane is: before its run, among its steps, at the gate, or over."""

    PREPARE = "prepare"
    EXECUTE = "execute"
    GATE = "gate"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane and its gate.

    ``artifacts`` and ``evidence`` are the keys of what must be attached, ``approvals`` the roles
    of which one person each must approve. What was attached more than ``freshness`` seconds ago
    is stale. ``next_lanes`` are those that it may hand over to, the recommended one first.
    """

    key: str
    owner_role: str
    objective: str
    artifacts: tuple[str, ...]
    evidence: tuple[str, ...]
    freshness: int
    approvals: tuple[str, ...] = ()
    next_lanes: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        """The keys of everything that must be attached, each once."""
        return tuple(dict.fromkeys((*self.artifacts, *self.evidence)))


_CONSENSUS = ("plan_pack", "architect_review", "critique_verdict", "tradeoff_record")

LANES: Mapping[str, Lane] = {
    lane.key: lane
    for lane in (
        Lane(
            key="clarify",
            owner_role="planner",
            objective="Settle what is wanted, before anybody plans how to do it.",
            artifacts=("clarification_artifact",),
            evidence=("clarification_artifact",),
            freshness=7 * _DAY,
            next_lanes=("plan.consensus",),
        ),
        Lane(
            key="plan.consensus",
            owner_role="planner",
            objective="Agree on one plan that was reviewed, criticised and weighed.",
            artifacts=_CONSENSUS,
            evidence=_CONSENSUS,
            freshness=7 * _DAY,
            next_lanes=("complete.persistent", "team.coordinated"),
        ),
        Lane(
            key="complete.persistent",
            owner_role="operator",
            objective="Carry the work to its end and have somebody else confirm the result.",
            artifacts=("completion_record", "progress_ledger", "signoff_record"),
            evidence=("progress_ledger", "verification_results"),
            freshness=_DAY,
            approvals=("verifier",),
        ),
        Lane(
            key="team.coordinated",
            owner_role="operator",
            objective="Have several work side by side, and leave nothing of theirs behind.",
            artifacts=(TEAM_SNAPSHOT, "verification_lane_evidence", TEAM_CLEANUP),
            evidence=("verification_results",),
            freshness=_DAY,
            next_lanes=("complete.persistent",),
        ),
    )
}
"""Every lane that there is, by its key."""

_E = ExecutionStatus

STATUS_OF: Mapping[ExecutionStatus, LaneStatus] = {
    _E.RECEIVED: LaneStatus.INITIALIZED,
    _E.COMPILED: LaneStatus.INITIALIZED,
    _E.VERIFIED: LaneStatus.INITIALIZED,
    _E.BLOCKED: LaneStatus.BLOCKED,
    _E.WAITING_APPROVAL: LaneStatus.WAITING,
    _E.PAUSED: LaneStatus.PAUSED,
    _E.UNRESOLVED: LaneStatus.BLOCKED,
    _E.COMPLETED: LaneStatus.COMPLETED,
    _E.FAILED: LaneStatus.FAILED,
    _E.REJECTED: LaneStatus.FAILED,
    _E.EXPIRED: LaneStatus.FAILED,
    _E.CANCELLED: LaneStatus.ABORTED,
    _E.ABORTED: LaneStatus.ABORTED,
}
"""The lane status of every execution status but RUNNING, where the gate decides."""


def lane_status(status: ExecutionStatus, gate: str | None) -> LaneStatus:
    """How an execution stands in its lane; ``gate`` is what alone keeps it from completing."""
    if status is not _E.RUNNING:
        return STATUS_OF[status]
    if gate is None:
        return LaneStatus.RUNNING
    return LaneStatus.BLOCKED if gate == Readiness.BLOCKED.value else LaneStatus.WAITING


def lane_phase(execution: Execution) -> LanePhase:
    """Where an execution in a lane is."""
    if execution.ended_at is not None:
        return LanePhase.DONE
    if execution.run_id is None:
        return LanePhase.PREPARE
    return LanePhase.EXECUTE if execution.gate is None else LanePhase.GATE


@dataclass(frozen=True, slots=True)
class LaneApproval:
    """One person's approval of a run in a lane, for one role.

    ``seq`` is the place of its entry in the chain of the execution.
    """

    execution_id: str
    seq: int
    lane: str
    role: str
    by: str
    at: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class LaneFilter:
    """Which runs in lanes to list; None does not narrow."""

    workspace: str
    lane: str | None = None
    status: LaneStatus | None = None


class LaneRecords(Protocol):
    """Reading lanes, as part of ``Records``."""

    def lane_approvals(self, execution_id: str) -> list[LaneApproval]:
        """The approvals of an execution in its lanes, in the order in which they were given."""
        ...

    def runs_in_lanes(self, which: LaneFilter, page: "Page") -> tuple[list[Execution], int]:
        """A page of executions that have a run and a lane, newest first, and how many in all."""
        ...

    def open_requests(self, execution_id: str) -> int:
        """How many approval requests of an execution's steps nobody has decided yet."""
        ...
