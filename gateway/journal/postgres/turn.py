"""A unit that takes a turn of a run whose rows were read ahead, with those of other runs."""

from typing import Any

from msgspec.structs import replace

from gateway.journal import claim_statements
from gateway.journal.postgres.foresight import Foresight
from gateway.journal.postgres.unit import PostgresUnit
from gateway.model.entry import Entry, NewEntry
from gateway.model.execution import Claim, Execution, PlanRecord, Step


class EntangledError(Exception):
    """A turn changes a run of which another turn is taken in the same batch: such units must run
    one after the other."""


class PostgresTurn(PostgresUnit):
    """``PostgresUnit`` on the run ``run_id``, which only this unit changes in its batch.

    The claim was locked when it was read. So what a statement would compare can be compared here,
    and nobody has to wait for its answer.
    """

    __slots__ = ("_foresight", "_seen")

    def __init__(self, *place: Any, run_id: str, foresight: Foresight, **given: Any) -> None:
        super().__init__(*place, **given)
        self._foresight = foresight
        self._seen = foresight.runs[run_id]

    def claim(
        self, run_id: str, owner: str, lease_until: str, cap: int | None = None
    ) -> Claim | None:
        """Take the run; None if somebody holds it, or its workspace holds ``cap`` runs."""
        if run_id != self._seen.claim.run_id:
            return super().claim(run_id, owner, lease_until, cap)
        if cap is not None:  # only the database can count those that are held
            taken = super().claim(run_id, owner, lease_until, cap)
            self._seen.claim = taken or self._seen.claim
            return taken
        now, seen = self._now, self._seen.claim
        is_free = seen.owner is None and seen.wake_at is not None
        is_over = seen.lease_until is not None and seen.lease_until < now
        if not (is_free or is_over or seen.owner == owner):
            return None
        values = {"of_run": run_id, "owner": owner, "lease_until": lease_until, "now": now}
        self._later.change_one(claim_statements.CLAIM, **values)
        held = replace(seen, owner=owner, epoch=seen.epoch + 1, lease_until=lease_until)
        self._seen.claim = held
        return held

    def fence(self, run_id: str, epoch: int, lease_until: str) -> Claim | None:
        """Prolong the claim; None if it was lost."""
        if run_id != self._seen.claim.run_id:
            return super().fence(run_id, epoch, lease_until)
        seen = self._seen.claim
        if seen.owner is None or seen.epoch != epoch:
            return None
        self._seen.prolonged = True
        self._seen.claim = replace(seen, lease_until=lease_until)
        return self._seen.claim

    def release(self, run_id: str, epoch: int, wake_seq: int, wake_at: str | None) -> bool:
        """Give the claim back until ``wake_at``; False if a wake-up came since ``wake_seq``."""
        seen = self._seen.claim
        if run_id != seen.run_id:
            return super().release(run_id, epoch, wake_seq, wake_at)
        if seen.owner is None or seen.epoch != epoch or seen.wake_seq != wake_seq:
            return False
        values = {"of_run": run_id, "of_epoch": epoch, "of_wake_seq": wake_seq}
        self._later.change_one(claim_statements.RELEASE, wake_at=wake_at, **values)
        self._seen.claim = replace(seen, owner=None, lease_until=None, wake_at=wake_at)
        self._seen.prolonged = False
        if wake_at is not None and wake_at <= self._now:
            self.remind(run_id)
        return True

    def execution_of_run(self, run_id: str) -> Execution | None:
        """The execution that this run belongs to."""
        if run_id == self._seen.claim.run_id and self._seen.execution is not None:
            return self._seen.execution
        return super().execution_of_run(run_id)

    def plan(self, plan_id: str) -> PlanRecord | None:
        """The stored plan of this id."""
        if plan_id == self._seen.plan_id and self._seen.plan is not None:
            return self._seen.plan
        return super().plan(plan_id)

    def step_states(self, plan_id: str) -> list[Step]:
        """The steps of a plan in its order, without their inputs and outputs."""
        if plan_id == self._seen.plan_id and self._seen.steps is not None:
            return self._seen.steps
        return super().step_states(plan_id)

    def append(self, entry: NewEntry) -> Entry:
        """Record a fact; what was read of the execution is not good any more.

        Raises:
            EntangledError: it is of an execution of which another unit of the batch takes a turn.
        """
        if entry.execution_id == self._seen.execution_id:
            self._seen.forget()
        elif entry.execution_id in self._foresight.executions:
            self.failure = EntangledError()
            raise self.failure
        return super().append(entry)
