"""One turn of a run: what came back is recorded, what may happen next is decided and recorded.

A turn is one unit of work, so a run is never between two states. It runs in the writer's thread and
calls nothing; the attempts that it hands back are made by the runner after the commit.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model.execution import (
    LIVE,
    Approval,
    ApprovalStatus,
    Execution,
    ExecutionStatus,
    Step,
    StepStatus,
)
from gateway.model.json import JsonObject
from gateway.model.ports import Records, Tx
from gateway.model.time import after
from gateway.runtime import facts
from gateway.runtime.attempt import Attempt
from gateway.runtime.decide import Moves, next_moves
from gateway.runtime.dispatch import StepDispatch
from gateway.runtime.memory import RunMemory
from gateway.runtime.outcomes import Outcome, orphaned, record_outcome
from gateway.runtime.ready import Ready

_log = logging.getLogger(__name__)


class ClaimLostError(Exception):
    """Somebody else advances this run now; whatever this process knew of it is void."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn decided: attempts to make, or that the run was given back (``over``).

    ``wake_at`` is when a run that was given back wants to be looked at again.
    """

    attempts: tuple[Attempt, ...] = ()
    over: bool = False
    wake_at: str | None = None


@dataclass(frozen=True, slots=True)
class Turns:
    """Takes turns. ``dispatch`` decides single steps, ``lease`` is in seconds."""

    dispatch: StepDispatch
    lease: float

    def take(self, tx: Tx, memory: RunMemory, outcomes: list[Outcome]) -> Turn:
        """Record ``outcomes``, then decide and record what happens next.

        Raises:
            ClaimLostError: the claim's epoch is not this process's any more.
        """
        claim = tx.fence(memory.run_id, memory.epoch, after(tx.now, self.lease))
        if claim is None:
            raise ClaimLostError(memory.run_id)
        execution = _execution(tx, memory)
        for outcome in outcomes:
            record_outcome(tx, self.dispatch.sealer, self.dispatch.registry, execution, outcome)
            memory.in_flight.discard(outcome.attempt.step.id)
            if outcome.answer is not None:
                memory.outputs[outcome.attempt.step.key] = outcome.answer.output
        if execution.status not in LIVE:
            return self._after_the_end(tx, memory, execution, claim.wake_seq)
        if not self.dispatch.is_current(tx):
            return self._hold(tx, memory, claim.wake_seq)
        return self._advance(tx, memory, execution, claim.wake_seq)

    def _advance(self, tx: Tx, memory: RunMemory, execution: Execution, wake_seq: int) -> Turn:
        attempts: list[Attempt] = []
        while True:
            steps = {step.id: step for step in tx.steps(memory.plan.id)}
            approvals = waiting_approvals(tx, execution, steps)
            moves = next_moves(memory.plan, steps, approvals, memory.in_flight, tx.now)
            if moves.end is not None:
                end_run(tx, execution, steps, approvals, moves.end, _problem_of(steps))
                tx.release(memory.run_id, memory.epoch, wake_seq, None)
                return Turn(over=True)
            if self._act(tx, memory, execution, moves, steps, approvals, attempts):
                continue
            if attempts or memory.in_flight:
                return Turn(attempts=tuple(attempts))
            return self._park(tx, memory, execution, moves, wake_seq)

    def _act(
        self,
        tx: Tx,
        memory: RunMemory,
        execution: Execution,
        moves: Moves,
        steps: Mapping[str, Step],
        approvals: Mapping[str, Approval],
        attempts: list[Attempt],
    ) -> bool:
        """Make the moves; True if they changed what the next moves are."""
        for orphan in moves.orphans:
            orphaned(tx, execution, orphan, self.dispatch.registry, memory.epoch)
        for approval in moves.expired:
            tx.append(facts.approval_expired(execution, approval))
        changed = bool(moves.orphans or moves.expired)
        for step in moves.start:
            ready = Ready(execution, memory, step, steps[step.id], approvals.get(step.id))
            result = self.dispatch.start(tx, ready)
            if isinstance(result, Attempt):
                attempts.append(result)
                memory.in_flight.add(step.id)
            elif result:
                changed = True
        return changed

    def _park(
        self, tx: Tx, memory: RunMemory, execution: Execution, moves: Moves, wake_seq: int
    ) -> Turn:
        if moves.parked is not execution.status:
            tx.append(facts.run_waiting(execution, moves.parked, moves.wake_at))
        if not tx.release(memory.run_id, memory.epoch, wake_seq, moves.wake_at):
            # The claim is read and released in one unit, so a wake-up cannot come in between.
            raise ClaimLostError(memory.run_id)
        return Turn(over=True, wake_at=moves.wake_at)

    def _hold(self, tx: Tx, memory: RunMemory, wake_seq: int) -> Turn:
        """Another policy revision is in force than this process decides under: start nothing."""
        _log.error("run %s waits: restart this process with the policies in force", memory.run_id)
        if memory.in_flight:
            return Turn()
        wake_at = after(tx.now, self.lease)
        tx.release(memory.run_id, memory.epoch, wake_seq, wake_at)
        return Turn(over=True, wake_at=wake_at)

    def _after_the_end(
        self, tx: Tx, memory: RunMemory, execution: Execution, wake_seq: int
    ) -> Turn:
        """The run was ended from outside: only what is in flight is still awaited."""
        for step in tx.steps(memory.plan.id):
            if step.status is StepStatus.DISPATCHED and step.id not in memory.in_flight:
                orphaned(tx, execution, step, self.dispatch.registry, memory.epoch)
        if memory.in_flight:
            return Turn()
        tx.release(memory.run_id, memory.epoch, wake_seq, None)
        return Turn(over=True)


def end_run(
    tx: Tx,
    execution: Execution,
    steps: Mapping[str, Step],
    approvals: Mapping[str, Approval],
    status: ExecutionStatus,
    problem: JsonObject | None,
    actor: str = "",
    reason: str | None = None,
) -> None:
    """End a run as ``status``: open requests become void, steps that were not sent never are."""
    for approval in approvals.values():
        if approval.status in (ApprovalStatus.PENDING, ApprovalStatus.APPROVED):
            why = f"The execution became {status.value.upper()}."
            tx.append(facts.approval_voided(execution, approval, why, StepStatus.CANCELLED))
    never = facts.unfinished(steps)
    tx.append(facts.run_ended(execution, status, never, problem, actor, reason))


def _execution(records: Records, memory: RunMemory) -> Execution:
    execution = records.execution_of_run(memory.run_id)
    if execution is None:
        raise ClaimLostError(memory.run_id)
    return execution


def _problem_of(steps: Mapping[str, Step]) -> JsonObject | None:
    """The problem that a run ends with: that of a failed step, not of one yet to be retried."""
    failed = (step for step in steps.values() if step.status is StepStatus.FAILED)
    return next((step.problem for step in failed), None)


def waiting_approvals(
    records: Records, execution: Execution, steps: Mapping[str, Step]
) -> dict[str, Approval]:
    """The requests of the steps that wait for one, by step id."""
    found = {
        step.id: records.approval(execution.id, step.id)
        for step in steps.values()
        if step.status is StepStatus.WAITING_APPROVAL
    }
    return {step_id: approval for step_id, approval in found.items() if approval is not None}
