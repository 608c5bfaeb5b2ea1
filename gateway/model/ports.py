"""Ports: what the inner rooms need of the outside, as protocols that the app fills in."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from gateway.model.action import ActionCall, ActionOutcome
from gateway.model.activity import ActivityRecords
from gateway.model.approval import ApprovalRecords
from gateway.model.claims import ClaimQueue, ClaimRecords, DueRun
from gateway.model.entry import Entry, NewEntry
from gateway.model.event import Origin
from gateway.model.evidence import EvidenceRecords
from gateway.model.execution import Call, Execution, PlanRecord, Step
from gateway.model.grant import GrantRecords
from gateway.model.json import JsonObject, JsonValue
from gateway.model.lane import LaneRecords
from gateway.model.outgoing import OutgoingQueue, OutgoingRecords
from gateway.model.pii import Owner
from gateway.model.policy import PolicyRecords
from gateway.model.rights import RightsRecords
from gateway.model.skill import SkillRecords
from gateway.model.standing import StandingRecords
from gateway.model.stored_entry import StoredRecords

T = TypeVar("T")


class Clock(Protocol):
    """The time, so that nothing in the loop asks the operating system itself."""

    def now(self) -> datetime:
        """The present moment in UTC."""
        ...


class Ids(Protocol):
    """Fresh identifiers."""

    def new(self, prefix: str) -> str:
        """A new id ``<prefix>_<32 hex digits>``; later ids sort after earlier ones."""
        ...


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """Which executions to list; None does not narrow."""

    workspace: str
    status: str | None = None
    submitter: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A window on a list: at most ``limit`` items after the first ``offset``."""

    limit: int
    offset: int = 0


class Records(
    ActivityRecords,
    ApprovalRecords,
    ClaimRecords,
    GrantRecords,
    SkillRecords,
    EvidenceRecords,
    LaneRecords,
    StoredRecords,
    OutgoingRecords,
    PolicyRecords,
    RightsRecords,
    StandingRecords,
    Protocol,
):
    """Reading what the journal says, at one consistent moment.

    Ids are looked up within a workspace: another workspace's id is not there at all.
    """

    def execution(self, workspace: str, execution_id: str) -> Execution | None:
        """The execution of this id."""
        ...

    def execution_of_run(self, run_id: str) -> Execution | None:
        """The execution that this run belongs to (for the loop, hence in any workspace)."""
        ...

    def origins(self, execution_ids: Iterable[str]) -> Mapping[tuple[str, str | None], Origin]:
        """The origins of those of these executions that are there, by workspace and id."""
        ...

    def executions(self, which: ExecutionFilter, page: Page) -> tuple[list[Execution], int]:
        """A page of executions, newest first, and how many there are in all."""
        ...

    def plan(self, plan_id: str) -> PlanRecord | None:
        """The stored plan of this id."""
        ...

    def steps(self, plan_id: str) -> list[Step]:
        """The steps of a plan in its order."""
        ...

    def step_states(self, plan_id: str) -> list[Step]:
        """``steps`` without their inputs and outputs, of which each may be large."""
        ...

    def step(self, plan_id: str, step_id: str) -> Step | None:
        """One step of a plan."""
        ...

    def outputs(self, plan_id: str) -> dict[str, JsonObject | None]:
        """What the completed steps of a plan answered, by step id; None where it was erased."""
        ...

    def steps_of_contract(self, workspace: str, contract: str, limit: int) -> list[Step]:
        """The steps of a contract (``key@version``) among those of a workspace's newest executions,
        of which a bounded number is looked at; the newest execution first."""
        ...

    def entries(self, execution_id: str, after: int = 0, limit: int = 10_000) -> list[Entry]:
        """The entries of an execution's chain with a ``seq`` above ``after``, in order."""
        ...

    def entries_after(
        self, position: int, limit: int, execution_id: str | None = None
    ) -> list[Entry]:
        """The entries behind ``position``, in order, of all chains or of one execution's; none can
        still come before."""
        ...

    def last_position(self) -> int:
        """The position of the newest entry, 0 where there is none."""
        ...

    def call(self, workspace: str, subject: str, contract: str, key: str) -> Call | None:
        """The recorded command of this idempotency key; ``contract`` is ``key@version``."""
        ...

    def policy_head(self) -> str | None:
        """The policy revision in force, None before the first."""
        ...


class Tx(Records, ClaimQueue, OutgoingQueue, Protocol):
    """One unit of work: it reads, decides and appends, and is durable as a whole or not at all.

    It runs in the writer's thread, so it must be short and must not wait for anything. When it
    raises, nothing of it is written.
    """

    @property
    def now(self) -> str:
        """The moment of this unit, RFC 3339 in UTC with microseconds."""
        ...

    def append(self, entry: NewEntry) -> Entry:
        """Record a fact; the projections follow at once."""
        ...

    def after_commit(self, effect: Callable[[], None]) -> None:
        """Run ``effect`` on the event loop once this unit is durable, and only then."""
        ...


class Journal(Protocol):
    """The record."""

    async def write(self, unit: Callable[[Tx], T]) -> T:
        """Run a unit of work; returns what it returned once it is durable.

        It may be run several times until then, so that it changes nothing but by its ``Tx``; what
        the last run recorded and returned is what counts.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE when it could not be made durable; nothing of it
                is then recorded.
        """
        ...

    async def record(self, unit: Callable[[Tx], None]) -> None:
        """Queue a unit without waiting for it to be durable; waits while the queue is full."""
        ...

    async def read(self, query: Callable[[Records], T], most: int | None = None) -> T:
        """Run a query over one consistent snapshot, of which it may read ``most`` bytes of JSON:
        beyond that is ANSWER_LIMIT_EXCEEDED."""
        ...

    async def moved(self, after: int) -> None:
        """Return once an entry behind the position ``after`` is durable; waiting costs nothing.

        Whatever ``Records.entries_after(after, ...)`` gives afterwards begins with that entry.

        Raises:
            ProblemError: SERVICE_UNAVAILABLE once the record is closed.
        """
        ...


class Dispatcher(Protocol):
    """Promises that ``advance(run)`` is called at least once after each wake-up."""

    def submit(self, run: DueRun) -> None:
        """Advance this run soon. Called after the commit that woke it."""
        ...

    def schedule(self, wake_at: str) -> None:
        """Look for due runs at ``wake_at`` at the latest."""
        ...

    def waiting(self) -> int:
        """How many runs wait in this process for others before they are advanced."""
        ...

    async def settled(self, run_id: str) -> None:
        """Wait until the run stops moving: until it is parked or has ended."""
        ...


class Actions(Protocol):
    """How a step reaches the world."""

    async def perform(self, call: ActionCall) -> ActionOutcome:
        """Make one attempt. Never raises for what the world does; see the three outcomes."""
        ...


class Sealer(Protocol):
    """Keeps PII out of what is stored: seals, unseals and commits values.

    ``field`` is ``input.<path>`` or ``output.<path>`` of the contract ``contract``.
    """

    def seal(self, owner: Owner, contract: str, field: str, value: JsonValue) -> JsonObject:
        """A sealed envelope ``{"$sealed": [...]}`` of a value, with a key of its owner."""
        ...

    def seal_like(
        self, workspace: str, other: JsonObject, contract: str, field: str, value: JsonValue
    ) -> JsonObject:
        """A sealed envelope of a value, with the key of the envelope ``other``.

        Raises:
            ErasedError, ValueError: as ``unseal`` of ``other`` would.
        """
        ...

    def unseal(self, workspace: str, envelope: JsonObject) -> JsonValue:
        """The value of an envelope.

        Raises:
            ErasedError: its key was destroyed.
            ValueError: the envelope was altered or its key is not here.
        """
        ...

    def commit(self, workspace: str, value: JsonValue) -> str:
        """HMAC-SHA-256 of the canonical value under the workspace's key, in hex."""
        ...
