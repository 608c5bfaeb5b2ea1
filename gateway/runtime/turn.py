"""One turn of a run: what came back is recorded, what may happen next is decided and recorded.

A turn is one unit of work, so a run is never between two states. It runs in the writer's thread and
calls nothing; the attempts that it hands back are made by the runner after the commit.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import Struct

from gateway.model.execution import (
    UNDER_WAY,
    Approval,
    Execution,
    ExecutionStatus,
    Step,
    StepStatus,
)
from gateway.model.json import JsonObject
from gateway.model.ports import Records, Tx
from gateway.model.sealing import unseal_all
from gateway.model.time import after, parse
from gateway.policy import Policies
from gateway.runtime import facts
from gateway.runtime.attempt import Attempt
from gateway.runtime.compensation import Compensations
from gateway.runtime.decide import Moves, next_moves
from gateway.runtime.dispatch import StepDispatch
from gateway.runtime.ending import waiting_approvals
from gateway.runtime.lane_readiness import lane_standing
from gateway.runtime.memory import RunMemory
from gateway.runtime.outcomes import Outcome, orphaned, record_outcome
from gateway.runtime.portion import Portion
from gateway.runtime.ready import Ready
from gateway.runtime.skilled import awaits_skill

_log = logging.getLogger(__name__)
_SOON = 0.05
_UNTIL_ADOPTED = 0.25


class ClaimLostError(Exception):
    """Somebody else advances this run now; whatever this process knew of it is void."""


class Turn(Struct, frozen=True):
    """What a turn decided: attempts to make, or that the run was given back (``over``).

    ``wake_at`` is when a run that was given back wants to be looked at again, ``look_in`` the same
    in seconds of one whose attempts are still awaited. ``ended`` says that the run ended from
    outside: attempts that were not sent yet must not be.
    """

    attempts: tuple[Attempt, ...] = ()
    over: bool = False
    ended: bool = False
    wake_at: str | None = None
    look_in: float | None = None


@dataclass(frozen=True, slots=True)
class Turns:
    """Takes turns. ``dispatch`` decides single steps, ``compensations`` ends runs and has undone
    what a plan wants undone, ``lease`` is in seconds."""

    dispatch: StepDispatch
    compensations: Compensations
    lease: float

    def record(self, tx: Tx, memory: RunMemory, outcomes: list[Outcome]) -> Execution:
        """Prolong the claim and record ``outcomes``; returns the run's execution.

        Raises:
            ClaimLostError: the claim's epoch is not this process's any more.
        """
        claim = tx.fence(memory.run_id, memory.epoch, after(tx.now, self.lease))
        if claim is None:
            raise ClaimLostError(memory.run_id)
        memory.wake_seq = claim.wake_seq
        execution = _execution(tx, memory)
        for outcome in outcomes:
            record_outcome(tx, self.dispatch.sealer, self.dispatch.registry, execution, outcome)
            memory.in_flight.discard(outcome.attempt.step.id)
            if outcome.answer is not None:
                memory.outputs[outcome.attempt.step.key] = outcome.answer.output
        return execution

    def begin(
        self, tx: Tx, memory: RunMemory, execution: Execution, *, leaving: bool = False
    ) -> Turn:
        """As ``decide``, in a run that was just claimed: here everything that it needs is known."""
        if awaits_skill(tx, self.dispatch.registry, execution, memory.plan):
            return self._hold(tx, memory, "a skill that was installed elsewhere is known")
        return self.decide(tx, memory, execution, leaving=leaving)

    def decide(
        self, tx: Tx, memory: RunMemory, execution: Execution, *, leaving: bool = False
    ) -> Turn:
        """Decide and record what happens next in a run whose claim this unit has checked.

        Where this process is ``leaving``, it starts nothing more and gives the run to others.
        """
        if execution.status not in UNDER_WAY:
            return self._after_the_end(tx, memory, execution)
        if not execution.stopping and not self.dispatch.is_current(tx):
            return self._hold(tx, memory, "the policy in force decides")
        return self._advance(tx, memory, execution, leaving=leaving)

    def _advance(self, tx: Tx, memory: RunMemory, execution: Execution, *, leaving: bool) -> Turn:
        attempts: list[Attempt] = []
        portion = Portion(memory)
        while True:
            steps = {step.id: step for step in tx.step_states(memory.plan.id)}
            approvals = waiting_approvals(tx, execution, steps)
            moves = next_moves(
                *(memory.plan, steps, approvals, memory.in_flight, tx.now),
                paused=execution.status is ExecutionStatus.PAUSED,
                stopping=execution.stopping,
            )
            if moves.end is ExecutionStatus.COMPLETED:
                moves = _through_gate(tx, execution, moves, self.dispatch.policies)
            if moves.end is not None:
                return self._end(tx, memory, execution, steps, moves.end)
            if leaving and moves.start:
                return self._leave(tx, memory)
            self._recall_reconciled(tx, memory, execution, steps)
            found = (steps, approvals, portion, attempts)
            if self._act(tx, memory, execution, moves, *found):
                continue
            if portion.close():
                return Turn(attempts=tuple(attempts), look_in=_SOON)
            if attempts or memory.in_flight:
                return Turn(attempts=tuple(attempts), look_in=_until(moves.wake_at, tx.now))
            return self._park(tx, memory, execution, moves)

    def _end(
        self,
        tx: Tx,
        memory: RunMemory,
        execution: Execution,
        steps: Mapping[str, Step],
        status: ExecutionStatus,
    ) -> Turn:
        stopped = status is ExecutionStatus.CANCELLED
        if memory.plan.compensate:  # to be undone takes what the steps were given and answered
            steps = {step.id: step for step in tx.steps(memory.plan.id)}
        self.compensations.conclude(
            *(tx, execution, memory.plan, steps, status),
            problem=None if stopped else _problem_of(steps),
            reason="It was shut down, and nothing is on its way any more." if stopped else None,
        )
        tx.release(memory.run_id, memory.epoch, memory.wake_seq, None)
        return Turn(over=True)

    def _recall_reconciled(
        self, tx: Tx, memory: RunMemory, execution: Execution, steps: Mapping[str, Step]
    ) -> None:
        """Remember the outputs of steps that an operator settled meanwhile."""
        for state in steps.values():
            if state.status is StepStatus.COMPLETED and state.key not in memory.outputs:
                step = tx.step(state.plan_id, state.id)
                if step is not None and step.output is not None:
                    output = unseal_all(self.dispatch.sealer, execution.workspace, step.output)
                    memory.outputs[step.key] = output

    def _act(
        self,
        tx: Tx,
        memory: RunMemory,
        execution: Execution,
        moves: Moves,
        steps: Mapping[str, Step],
        approvals: Mapping[str, Approval],
        portion: Portion,
        attempts: list[Attempt],
    ) -> bool:
        """Make the moves; True if they changed what the next moves are."""
        for orphan in moves.orphans:
            orphaned(tx, execution, orphan, self.dispatch.registry, memory.epoch)
        for approval in moves.expired:
            tx.append(facts.approval_expired(execution, approval))
        for approval in moves.escalated:
            tx.append(facts.approval_escalated(execution, approval))
        changed = bool(moves.orphans or moves.expired or moves.escalated)
        for step in filter(portion.takes, moves.start):
            ready = Ready(execution, memory, step, steps[step.id], approvals.get(step.id))
            result = self.dispatch.start(tx, ready)
            if isinstance(result, Attempt):
                attempts.append(result)
                memory.in_flight.add(step.id)
            elif result:
                changed = True
        return changed

    def _park(self, tx: Tx, memory: RunMemory, execution: Execution, moves: Moves) -> Turn:
        if moves.parked is not execution.status or moves.gate != execution.gate:
            tx.append(facts.run_waiting(execution, moves.parked, moves.wake_at, moves.gate))
        if not tx.release(memory.run_id, memory.epoch, memory.wake_seq, moves.wake_at):
            # The claim is read and released in one unit, so a wake-up cannot come in between.
            raise ClaimLostError(memory.run_id)
        return Turn(over=True, wake_at=moves.wake_at)

    def _hold(self, tx: Tx, memory: RunMemory, what: str) -> Turn:
        """The record is ahead of what this process has noticed: start nothing.

        It is noticed soon, or what is in its way is told by whoever watches for it.
        """
        _log.info("run %s starts nothing until %s here", memory.run_id, what)
        if memory.in_flight:
            return Turn(look_in=_UNTIL_ADOPTED)
        wake_at = after(tx.now, _UNTIL_ADOPTED)
        tx.release(memory.run_id, memory.epoch, memory.wake_seq, wake_at)
        return Turn(over=True, wake_at=wake_at)

    def _leave(self, tx: Tx, memory: RunMemory) -> Turn:
        """This process stops: whoever takes the run next starts what is ready."""
        if memory.in_flight:
            return Turn()
        tx.release(memory.run_id, memory.epoch, memory.wake_seq, tx.now)
        return Turn(over=True)

    def _after_the_end(self, tx: Tx, memory: RunMemory, execution: Execution) -> Turn:
        """The run was ended from outside: only what is in flight is still awaited."""
        for step in tx.step_states(memory.plan.id):
            if step.status is StepStatus.DISPATCHED and step.id not in memory.in_flight:
                orphaned(tx, execution, step, self.dispatch.registry, memory.epoch)
        if memory.in_flight:
            return Turn(ended=True)
        tx.release(memory.run_id, memory.epoch, memory.wake_seq, None)
        return Turn(over=True)


def _until(wake_at: str | None, now: str) -> float | None:
    """Seconds until a deadline or a retry is due, which must not wait for what is in flight."""
    if wake_at is None:
        return None
    return max((parse(wake_at) - parse(now)).total_seconds(), _SOON)


def _through_gate(tx: Tx, execution: Execution, moves: Moves, policies: Policies) -> Moves:
    """The moves of a run whose steps are done: in a lane it completes only through the gate.

    While it is paused it stays before the gate, so that it can be handed over.
    """
    standing = lane_standing(tx, execution, tx.now, policies)
    paused = execution.status is ExecutionStatus.PAUSED
    if standing is None or (standing.is_ready and not paused):
        return moves
    parked = ExecutionStatus.PAUSED if paused else ExecutionStatus.RUNNING
    return Moves(parked=parked, wake_at=standing.stale_at, gate=standing.readiness.value)


def _execution(records: Records, memory: RunMemory) -> Execution:
    execution = records.execution_of_run(memory.run_id)
    if execution is None:
        raise ClaimLostError(memory.run_id)
    return execution


def _problem_of(steps: Mapping[str, Step]) -> JsonObject | None:
    """The problem that a run ends with: that of a failed step, not of one yet to be retried."""
    failed = (step for step in steps.values() if step.status is StepStatus.FAILED)
    return next((step.problem for step in failed), None)
