"""The runner: advances one run, turn by turn, making the attempts that its turns record."""

import asyncio
import logging
import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from gateway.contracts import Registry, pii_of
from gateway.model.action import ActionCall, ActionOutcome, Declined, Unknown
from gateway.model.elapsed import elapsed
from gateway.model.execution import UNDER_WAY, Claim, Execution, ExecutionStatus, StepStatus
from gateway.model.json import encoded
from gateway.model.pii import ErasedError
from gateway.model.ports import Actions, Journal, Sealer, Tx
from gateway.model.problem import Problem, ProblemError, problem
from gateway.model.sealing import unseal_all
from gateway.model.time import after
from gateway.model.turn_unit import TurnUnit
from gateway.runtime.attempt import Attempt
from gateway.runtime.ending import end_run
from gateway.runtime.erased import erased_problem
from gateway.runtime.keeping import Held, Keeper
from gateway.runtime.memory import RunMemory
from gateway.runtime.outcomes import Outcome, judge, orphaned
from gateway.runtime.pii_copies import read_by, read_in_run
from gateway.runtime.run_trace import run_trace
from gateway.runtime.slots import Slots
from gateway.runtime.stored_plan import open_plan
from gateway.runtime.telling import tell
from gateway.runtime.turn import ClaimLostError, Turn, Turns
from gateway.runtime.under_way import UnderWay
from gateway.telemetry import spans

_log = logging.getLogger(__name__)
_RETRY_WRITE = 1.0
_LARGE = 8_192  # bytes of an answer whose PII is looked through in a thread of its own
_UNREADABLE = (
    "The sealed data of this execution cannot be opened with the keys of this data folder. Restore "
    "the keys and submit the intent again."
)
_NEVER_SENT = Declined("CONFLICT", "The run ended before the action was sent.", 409)
_TOO_LATE = Declined(
    "SERVICE_UNAVAILABLE", "The lease of the run was over before the action was sent.", 503, True
)
_LEFT = Declined(
    "SERVICE_UNAVAILABLE", "The process stopped before the action was sent.", 503, True
)
_CAPPED = 0.25
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that was claimed: what is remembered of it, and its first turn."""

    memory: RunMemory | None
    turn: Turn


class Runner:
    """Advances runs in the name of ``keeper``; at most ``slots`` attempts at a time.

    ``cap`` is how many runs of a workspace may be held at a time, by all processes.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        turns: Turns,
        sealer: Sealer,
        registry: Registry,
        actions: Actions,
        keeper: Keeper,
        slots: int,
        cap: int | None = None,
    ) -> None:
        self._journal = journal
        self._turns = turns
        self._sealer = sealer
        self._registry = registry
        self._actions = actions
        self.keeper = keeper
        self._cap = cap
        self._is_leaving = False
        self._slots = Slots(slots)

    async def advance(self, run_id: str, woken: asyncio.Event) -> str | None:
        """Advance a run until it is parked or over; returns when it wants to be woken.

        ``woken`` is set by whoever wakes the run meanwhile. Called at least once after every
        wake-up; calling it more often does no harm, for the claim lets one process in.
        """
        try:
            began = elapsed()
            begun = await self._write(self._beginning(run_id))
            if begun.memory is None:
                return begun.turn.wake_at
            self._hold(begun.memory, woken, began)
            with begun.memory.trace.begin(run_id):
                turn = await self._drive(begun.memory, begun.turn, woken)
        except ClaimLostError:
            _log.warning("run %s is advanced by another process now", run_id)
            return None
        finally:
            self.keeper.let_go(run_id)
        return turn.wake_at

    def leave(self) -> None:
        """Start and send nothing more: runs are given back once what was sent has been answered."""
        self._is_leaving = True
        self._slots.lift()  # who waits for one learns that it sends nothing

    def _hold(self, memory: RunMemory, woken: asyncio.Event, began: float) -> None:
        self.keeper.hold(memory.run_id, Held(memory.epoch, memory.wake_seq, woken, began))

    async def _drive(self, memory: RunMemory, turn: Turn, woken: asyncio.Event) -> Turn:
        under_way = UnderWay(woken)
        ended = asyncio.Event()
        try:
            while not turn.over:
                for attempt in turn.attempts:
                    under_way.begin(self._make(memory.run_id, attempt, ended))
                outcomes = await under_way.outcomes(turn.look_in)
                began = elapsed()
                turn, memory = await self._take(memory, outcomes)
                self._hold(memory, woken, began)
                if turn.ended:
                    ended.set()
        finally:
            under_way.cancel()
        return turn

    async def _take(self, memory: RunMemory, outcomes: list[Outcome]) -> tuple[Turn, RunMemory]:
        """Take a turn on a copy of the memory, so that a unit that failed leaves no trace."""
        await self._read(memory, outcomes)

        def record(tx: Tx) -> tuple[RunMemory, Execution]:
            fresh = copy(memory)
            fresh.outputs = dict(memory.outputs)
            fresh.in_flight, fresh.taken = set(memory.in_flight), set(memory.taken)
            return fresh, self._turns.record(tx, fresh, outcomes)

        def decide(tx: Tx, known: tuple[RunMemory, Execution]) -> tuple[Turn, RunMemory]:
            return self._turns.decide(tx, *known, leaving=self._is_leaving), known[0]

        return await self._write(TurnUnit(memory.run_id, record, decide))

    async def _read(self, memory: RunMemory, outcomes: list[Outcome]) -> None:
        """Look through the PII of large answers before the unit, which must be short."""
        for attempt, answer in ((one.attempt, one.answer) for one in outcomes):
            has_pii = answer is not None and bool(pii_of(attempt.contract, "output"))
            if answer is not None and has_pii and len(encoded(answer.output)) > _LARGE:
                given = (attempt.step.key, attempt.contract, answer.output, memory.read)
                await asyncio.to_thread(read_by, *given)

    async def _write(self, unit: Callable[[Tx], T]) -> T:
        """Write until it is durable: an outcome that was seen must never be forgotten."""
        while True:
            try:
                return await self._journal.write(unit)
            except ProblemError as error:
                _log.error("the journal is not writable (%s); trying again", error.problem.code)
                await asyncio.sleep(_RETRY_WRITE)

    async def _make(self, run_id: str, attempt: Attempt, ended: asyncio.Event) -> Outcome:
        """Make one attempt, unless the run ended before its turn to be sent came, or was lost, or
        this process leaves: what it does not send another can."""
        with spans.child("step") as span:
            async with self._slots.of(attempt.workspace):
                began = time.perf_counter()
                result = await self._perform(attempt, partial(self._held_back, run_id, ended))
            outcome = judge(self._registry, attempt, result)
            outcome = replace(outcome, unsent=result is _LEFT or result is _TOO_LATE)
            tell(span, outcome, time.perf_counter() - began)
        return outcome

    def _held_back(self, run_id: str, ended: asyncio.Event) -> Declined | None:
        """What becomes of an attempt that must not be sent any more; None while it may be."""
        if ended.is_set():
            return _NEVER_SENT
        if not self.keeper.is_sure_of(run_id):
            return _TOO_LATE
        return _LEFT if self._is_leaving else None

    async def _perform(
        self, attempt: Attempt, held_back: Callable[[], Declined | None]
    ) -> ActionOutcome:
        """Whatever goes wrong here means that the outcome is not known."""
        told = held_back()
        if told is not None:
            return told
        handler = attempt.contract.handler
        if handler is None:
            raise AssertionError("only contracts with a handler are steps")
        try:
            return await self._actions.perform(
                ActionCall(
                    contract=attempt.contract,
                    input=attempt.value,
                    idempotency_key=attempt.idempotency_key,
                    timeout=handler.timeout,
                    execution_id=attempt.execution_id,
                    step_id=attempt.step.id,
                    trace_id=attempt.trace_id,
                    held_back=held_back,
                )
            )
        except Exception:
            _log.exception("an action of %s raised", attempt.contract.ref)
            return Unknown("The action failed inside the gateway.")

    def _beginning(self, run_id: str) -> Callable[[Tx], Begun]:
        def claim(tx: Tx) -> tuple[Claim | None, Execution | None]:
            lease_until = after(tx.now, self._turns.lease)
            claim = tx.claim(run_id, self.keeper.owner, lease_until, self._cap)
            return claim, tx.execution_of_run(run_id)

        def begin(tx: Tx, found: tuple[Claim | None, Execution | None]) -> Begun:
            return self._begin(tx, run_id, *found)

        return TurnUnit(run_id, claim, begin, opens_plan=True)

    def _begin(
        self, tx: Tx, run_id: str, claim: Claim | None, execution: Execution | None
    ) -> Begun:
        if claim is None or execution is None:
            return Begun(None, Turn(over=True, wake_at=self._when_capped(tx, run_id)))
        try:
            memory = self._recall(tx, execution, claim)
        except ErasedError:
            told = erased_problem()
            return Begun(None, self._give_up(tx, execution, claim, told))
        except ValueError:
            told = problem("INTERNAL_ERROR", _UNREADABLE)
            return Begun(None, self._give_up(tx, execution, claim, told))
        return Begun(memory, self._turns.begin(tx, memory, execution, leaving=self._is_leaving))

    def _when_capped(self, tx: Tx, run_id: str) -> str | None:
        """When to look again at a run that nobody holds, and that could not be taken."""
        claim = tx.claim_of(run_id) if self._cap is not None else None
        return after(tx.now, _CAPPED) if claim is not None and claim.owner is None else None

    def _recall(self, tx: Tx, execution: Execution, claim: Claim) -> RunMemory:
        record = tx.plan(execution.plan_id or "")
        if record is None:
            raise ValueError("the plan is gone")
        workspace = execution.workspace
        states = tx.step_states(record.plan.id)
        done = [one for one in states if one.status is StepStatus.COMPLETED]
        stored = tx.outputs(record.plan.id) if done else {}
        if any(stored[one.id] is None for one in done):
            raise ErasedError("what a step answered was erased before it could be kept")
        outputs = {one.key: unseal_all(self._sealer, workspace, stored[one.id]) for one in done}
        plan = open_plan(self._sealer, workspace, record.plan)
        undone = read_in_run(tx, self._registry, self._sealer, workspace, execution.compensates)
        told = (claim.run_id, claim.epoch, plan, outputs)
        trace = run_trace(tx, execution)
        return RunMemory(*told, wake_seq=claim.wake_seq, undone=undone, trace=trace)

    def _give_up(self, tx: Tx, execution: Execution, claim: Claim, told: Problem) -> Turn:
        """End a run whose sealed data cannot be opened: it can never go on."""
        plan_id = execution.plan_id or ""
        for step in tx.step_states(plan_id):
            if step.status is StepStatus.DISPATCHED:
                orphaned(tx, execution, step, self._registry, claim.epoch)
        if execution.status in UNDER_WAY:
            steps = {step.id: step for step in tx.step_states(plan_id)}
            end_run(tx, execution, steps, ExecutionStatus.FAILED, told.to_json())
        tx.release(claim.run_id, claim.epoch, claim.wake_seq, None)
        return Turn(over=True)
