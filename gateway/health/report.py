"""How a gateway fares: what a report says."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.anchoring import TargetStatus
from gateway.health.checks import Cases
from gateway.health.hour import Figure, Hour
from gateway.model.activity import Holder
from gateway.model.standing import Workload


class ChainState(StrEnum):
    """What is known of the chains of the record. A serving process does not verify all of it."""

    NOT_VERIFIED_HERE = "not_verified_here"


@dataclass(frozen=True, slots=True)
class RecordState:
    """The record, which is one for all workspaces: its last position, its last checkpoint (number,
    moment, and the position that it covers), and how far each anchor and witness has come.

    ``unsigned_since`` is when the first entry came that no checkpoint covers, ``restored_at`` when
    the record was last accepted as restored from a backup.
    """

    position: int
    checkpoint: int
    signed_at: str | None
    covered: int
    targets: Sequence[TargetStatus]
    unsigned_since: str | None
    restored_at: str | None
    chain: ChainState = ChainState.NOT_VERIFIED_HERE

    @property
    def unsigned(self) -> int:
        """How many entries no checkpoint covers yet."""
        return max(self.position - self.covered, 0)


@dataclass(frozen=True, slots=True)
class ProcessState:
    """What is so in this process alone. ``p50`` and ``p95`` are of the last ``timed`` access
    decisions, in seconds; ``delay`` is for how many seconds a write has to wait."""

    revision: str
    timed: int
    p50: float | None
    p95: float | None
    runs_waiting: int
    delay: float


@dataclass(frozen=True, slots=True)
class Budget:
    """The error budget of an hour: of ``counted`` runs and calls, ``failed`` ones."""

    objective: float
    counted: int
    failed: int

    @property
    def allowed(self) -> float:
        """How many may fail. Where that is less than one, the budget says nothing yet."""
        return self.counted * (1 - self.objective)

    @property
    def left(self) -> float:
        """The share of the budget that is left: 1 where nothing failed, below 0 once overdrawn."""
        return round(1 - self.failed / self.allowed, 6) if self.counted else 1.0


class Severity(StrEnum):
    """How soon somebody has to act on an alert."""

    CRITICAL = "critical"
    WARNING = "warning"


class AlertKind(StrEnum):
    """What can be wrong."""

    POLICY_NOT_FOLLOWED = "policy_not_followed"
    SKILL_NOT_VERIFIED = "skill_not_verified"
    POLICY_CASE_FAILS = "policy_case_fails"
    CLOCK_NOT_BELIEVED = "clock_not_believed"
    BUDGET_SPENT = "budget_spent"
    CHECKPOINT_LATE = "checkpoint_late"
    ANCHOR_BEHIND = "anchor_behind"
    LOCAL_TOKENS_BELIEVED = "local_tokens_believed"
    CONTRACT_WITHOUT_OWNER = "contract_without_owner"
    DEPRECATED_CALLED = "deprecated_called"
    SCHEMA_DRIFT = "schema_drift"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that is wrong: what, where (``about``, the first of ``count``), and what to do."""

    kind: AlertKind
    severity: Severity
    message: str
    remedy: str
    about: tuple[str, ...] = ()
    count: int = 1


@dataclass(frozen=True, slots=True)
class Report:
    """How a gateway fares at a moment, for one workspace. ``head`` is the policy revision in force;
    ``cases`` None while its cases are being run."""

    at: str
    hour: Hour
    workload: Workload
    holders: Sequence[Holder]
    budget: Budget
    record: RecordState
    head: str | None
    cases: Cases | None
    process: ProcessState
    alerts: Sequence[Alert]


def budget_of(hour: Hour, objective: float) -> Budget:
    """The error budget of an hour: runs that ended by themselves, and calls that were allowed."""
    failed = hour.total(Figure.RUNS_FAILED) + hour.total(Figure.CALLS_FAILED)
    ended = hour.total(Figure.RUNS_COMPLETED) + hour.total(Figure.RUNS_FAILED)
    return Budget(objective, ended + hour.total(Figure.CALLS_ALLOWED), failed)
