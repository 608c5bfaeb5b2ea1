"""Executions, steps and approvals: their states, and the one table of what may follow what."""

from enum import StrEnum

from msgspec import Struct

from gateway.model.json import JsonObject
from gateway.model.pii import Owner, execution_owner
from gateway.model.plan import Plan
from gateway.model.principal import Principal
from gateway.model.problem import refuse


class ExecutionStatus(StrEnum):
    """Where an execution stands."""

    RECEIVED = "received"
    COMPILED = "compiled"
    VERIFIED = "verified"
    BLOCKED = "blocked"
    RUNNING = "running"
    WAITING_APPROVAL = "waiting_approval"
    PAUSED = "paused"
    UNRESOLVED = "unresolved"
    COMPLETED = "completed"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    ABORTED = "aborted"


class StepStatus(StrEnum):
    """Where a step of a run stands."""

    PLANNED = "planned"
    READY = "ready"
    WAITING_APPROVAL = "waiting_approval"
    DISPATCHED = "dispatched"
    COMPLETED = "completed"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    UNRESOLVED = "unresolved"
    COMPENSATED = "compensated"


class ApprovalStatus(StrEnum):
    """Where an approval request stands; ``used`` is an approval that a dispatch has spent."""

    PENDING = "pending"
    APPROVED = "approved"
    USED = "used"
    REJECTED = "rejected"
    EXPIRED = "expired"
    VOID = "void"


class RunMode(StrEnum):
    """How a run treats its steps: as verdicts say, always asking, or calling nothing."""

    AUTONOMOUS = "autonomous"
    ASSIST = "assist"
    DRY_RUN = "dry_run"


_E = ExecutionStatus

_ENDS = frozenset({_E.FAILED, _E.REJECTED, _E.EXPIRED, _E.CANCELLED, _E.ABORTED})
"""How a run may end short of its last step."""

TRANSITIONS: dict[ExecutionStatus, frozenset[ExecutionStatus]] = {
    _E.RECEIVED: frozenset({_E.COMPILED, _E.CANCELLED}),
    _E.COMPILED: frozenset({_E.COMPILED, _E.VERIFIED, _E.BLOCKED, _E.CANCELLED}),
    _E.VERIFIED: frozenset({_E.COMPILED, _E.VERIFIED, _E.BLOCKED, _E.RUNNING, _E.CANCELLED}),
    _E.RUNNING: _ENDS | {_E.RUNNING, _E.WAITING_APPROVAL, _E.PAUSED, _E.UNRESOLVED, _E.COMPLETED},
    _E.WAITING_APPROVAL: _ENDS | {_E.WAITING_APPROVAL, _E.RUNNING, _E.PAUSED, _E.UNRESOLVED},
    _E.PAUSED: _ENDS | {_E.PAUSED, _E.RUNNING, _E.COMPLETED},
    _E.UNRESOLVED: frozenset({_E.RUNNING, _E.CANCELLED, _E.ABORTED}),
    _E.BLOCKED: frozenset(),
    _E.COMPLETED: frozenset(),
    _E.FAILED: frozenset({_E.RUNNING}),
    _E.REJECTED: frozenset(),
    _E.EXPIRED: frozenset({_E.RUNNING}),
    _E.CANCELLED: frozenset(),
    _E.ABORTED: frozenset(),
}
"""Every transition that exists. Whatever is not listed is a CONFLICT."""

LIVE: frozenset[ExecutionStatus] = frozenset({_E.RUNNING, _E.WAITING_APPROVAL})
"""States in which a run can still move by itself."""

UNDER_WAY: frozenset[ExecutionStatus] = LIVE | {_E.PAUSED}
"""States of a run that has begun and not ended; while it is paused nothing of it begins."""


def require_transition(execution_id: str, current: ExecutionStatus, to: ExecutionStatus) -> None:
    """Refuse a transition that the table does not list.

    Raises:
        ProblemError: CONFLICT, naming the current state.
    """
    if to not in TRANSITIONS[current]:
        raise conflict(execution_id, current, f"it cannot become {to.value.upper()}")


def conflict(execution_id: str, current: ExecutionStatus, why: str) -> Exception:
    """The CONFLICT of a call that came in the wrong state."""
    return refuse(
        "CONFLICT",
        f"Execution {execution_id} is {current.value.upper()}: {why}. "
        "Read its state with controlPlaneExecutionGet and act on that.",
        extra={"currentStatus": current.value.upper()},
    )


class Execution(Struct, frozen=True):
    """One intent and everything that came of it.

    ``submitter`` is the requester: verdict, access and PII of the steps are decided for them.
    ``mode``, ``starter``, ``started_at`` and ``ended_at`` belong to the run. Times are RFC 3339
    in UTC with microseconds. ``direct`` is true for the one-step execution of a direct call.

    ``stopping`` is true between a shutdown and the end of what was in flight. ``retries`` counts
    how often the run was retried, last at ``retried_at``. ``lane`` is the lane that it is in,
    ``gate`` what its lane still lacks where only that keeps it from completing, ``bundles`` how
    many evidence bundles were exported. ``compensates`` is the execution that this one undoes,
    ``compensation_id`` the one that undoes this one.
    """

    id: str
    workspace: str
    status: ExecutionStatus
    submitter: Principal
    intent_id: str
    created_at: str
    updated_at: str
    text: JsonObject | str = ""
    direct: bool = False
    channel: str | None = None
    trace_id: str | None = None
    metadata: JsonObject | None = None
    plan_id: str | None = None
    run_id: str | None = None
    mode: RunMode | None = None
    starter: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    risk: str | None = None
    verdict: str | None = None
    problem: JsonObject | None = None
    stopping: bool = False
    retries: int = 0
    retried_at: str | None = None
    lane: str | None = None
    lane_transitions: int = 0
    gate: str | None = None
    bundles: int = 0
    compensates: str | None = None
    compensation_id: str | None = None

    @property
    def owner(self) -> Owner:
        """Whose data it holds where no contract names a person."""
        return execution_owner(self.workspace, self.id)


class PlanRecord(Struct, frozen=True):
    """A stored plan (PII sealed in its steps' input) with what verification said of it.

    ``decisions`` maps a step id to its recorded verdict decision; ``revision`` is the policy
    revision that verified it.
    """

    plan: Plan
    execution_id: str
    compiler: str
    compiled_at: str
    verdict: str | None = None
    decisions: JsonObject | None = None
    revision: str | None = None
    verified_at: str | None = None


class Step(Struct, frozen=True):
    """One step of a run as it stands.

    ``input`` is the resolved input and ``output`` the answer, both with PII sealed; ``attempt``
    counts the attempts begun; ``base`` of them belong to rounds before an operator's last retry,
    and ``key_base`` were made under earlier idempotency keys. ``retry_at`` is when the next one is
    due; ``decision`` is the last recorded verdict decision.
    """

    execution_id: str
    plan_id: str
    id: str
    key: str
    contract: str
    status: StepStatus
    updated_at: str
    attempt: int = 0
    base: int = 0
    key_base: int = 0
    input: JsonObject | None = None
    output: JsonObject | None = None
    problem: JsonObject | None = None
    decision: JsonObject | None = None
    retry_at: str | None = None
    started_at: str | None = None
    ended_at: str | None = None


class Approval(Struct, frozen=True):
    """A request for human consent to one exact action.

    ``digest`` is the action digest; ``arguments`` the resolved input with PII sealed;
    ``decision`` the recorded verdict decision that asked; ``votes`` the people who approved.
    From ``escalate_at`` on the role ``escalate_to`` may decide too, once that is recorded
    (``escalated_at``). ``overridden`` says who broke the glass ({by, at, reason}). ``excluded`` are
    the subjects who brought the action about and so may not approve it; ``requester_roles`` are the
    roles that the requester held when it was asked for.
    """

    id: str
    execution_id: str
    workspace: str
    step_id: str
    contract: str
    status: ApprovalStatus
    digest: str
    arguments: JsonObject
    decision: JsonObject
    approver_role: str
    quorum: int
    risk: str
    reason: str
    requested_by: str
    requested_at: str
    expires_at: str
    votes: tuple[JsonObject, ...] = ()
    decided_at: str | None = None
    note: str | None = None
    escalate_at: str | None = None
    escalate_to: str | None = None
    escalated_at: str | None = None
    overridden: JsonObject | None = None
    excluded: tuple[str, ...] = ()
    requester_roles: tuple[str, ...] = ()


class Call(Struct, frozen=True):
    """A recorded command: what an idempotency key answers with.

    ``input_digest`` is keyed; ``output`` is the answer with PII sealed, None where the answer is
    that of ``execution_id`` (a direct call).
    """

    workspace: str
    subject: str
    contract: str
    idempotency_key: str
    input_digest: str
    output: JsonObject | None
    execution_id: str | None
    at: str


class Claim(Struct, frozen=True):
    """The right to advance a run, held by ``owner`` until ``lease_until``.

    ``epoch`` rises with every claim, so that a late owner is told from the present one;
    ``wake_seq`` rises with every wake-up, so that none is lost while a run is released.
    """

    run_id: str
    execution_id: str
    owner: str | None
    epoch: int
    lease_until: str | None
    wake_seq: int
    wake_at: str | None
