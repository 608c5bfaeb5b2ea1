"""What the turns of a batch are about to read, read for all of them at once.

A statement and a round trip for each row would be most of what a turn costs. Claims and chain heads
are locked as they are read. Those that another process holds are left out: their turns wait for a
later batch, and spoil nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import any_, func, literal, select

from gateway.journal.chain import execution_chain
from gateway.journal.claim_statements import CLAIM_COLUMNS, FENCE
from gateway.journal.postgres.heads import LockedHeads
from gateway.journal.postgres.many import among
from gateway.journal.postgres.session import PostgresSession
from gateway.journal.queries import STATE_COLUMNS
from gateway.journal.records import execution_of, plan_of, step_of
from gateway.journal.statement import Statement
from gateway.journal.tables import chain_head, claim, execution, plan, step
from gateway.model.execution import Claim, Execution, PlanRecord, Step
from gateway.model.turn_unit import TurnUnit

_CLAIMS = Statement(among(select(*CLAIM_COLUMNS), claim.c.run_id).with_for_update(skip_locked=True))
_chains = among(select(literal(execution_chain("")) + execution.c.id), execution.c.run_id)
_HEADS = Statement(
    select(chain_head)
    .where(chain_head.c.chain == any_(func.array(_chains.scalar_subquery())))
    .with_for_update(skip_locked=True)
)
_EXECUTIONS = Statement(among(select(execution), execution.c.run_id))
_STEPS = Statement(
    among(select(*STATE_COLUMNS), step.c.plan_id).order_by(step.c.plan_id, step.c.place)
)
_THERE = Statement(among(select(claim.c.run_id), claim.c.run_id))
_PLANS = Statement(among(select(plan), plan.c.id))


@dataclass(slots=True)
class Foreseen:
    """What was read of a run. ``execution`` and ``steps`` (their states) are None once something of
    the execution was changed; ``plan`` is read only for those who open it. ``prolonged`` says that
    the lease of the claim is to be written."""

    claim: Claim
    execution_id: str
    plan_id: str
    execution: Execution | None
    steps: list[Step] | None = None
    plan: PlanRecord | None = None
    prolonged: bool = False

    def forget(self) -> None:
        """Something of the execution is being changed."""
        self.execution = self.steps = None


class Foresight:
    """Reads of the runs of a batch, within its transaction.

    ``runs`` are those of which the claim and the head were had, ``executions`` what they are of.
    """

    def __init__(self, session: PostgresSession, heads: LockedHeads) -> None:
        self._session = session
        self._heads = heads
        self.runs: dict[str, Foreseen] = {}
        self.executions: set[str] = set()

    def lock(self, run_ids: Sequence[str]) -> set[str]:
        """Lock the claims of runs and the chain heads of their executions, as far as they are free.

        Returns the runs that another process is at. One that is not in the record is neither among
        them nor among ``runs``.

        Raises:
            PostgresError: one of them was changed in this moment, or the connection is gone.
        """
        these = tuple(run_ids)
        self._session.ask(_CLAIMS, of_these=these)
        self._session.ask(_EXECUTIONS, of_these=these)
        self._session.ask(_HEADS, of_these=these)
        claims = {row[0]: Claim(*row) for row in self._session.all(_CLAIMS, of_these=these)}
        executions = map(execution_of, self._session.all(_EXECUTIONS, of_these=these))
        of_chain = {execution_chain(one.id): one for one in executions if one.run_id in claims}
        for chain, seq, own_hash in self._session.all(_HEADS, of_these=these):
            found = of_chain.pop(chain, None)
            if found is None:
                continue  # of a run that another process is at
            self._heads.know(chain, seq, own_hash)
            held = claims[found.run_id or ""]
            self.runs[held.run_id] = Foreseen(held, found.id, found.plan_id or "", found)
            self.executions.add(found.id)
        missed = tuple(run_id for run_id in these if run_id not in claims)
        there = self._session.all(_THERE, of_these=missed) if missed else []
        return {*(row[0] for row in there), *(one.run_id or "" for one in of_chain.values())}

    def read(self, units: Iterable[TurnUnit[Any, Any]]) -> None:
        """Read the steps of these units' runs, and the plans of those who open theirs."""
        wanted = [(unit, self.runs[unit.run_id]) for unit in units]
        of_plan = {seen.plan_id: seen for _, seen in wanted}
        opened = tuple(seen.plan_id for unit, seen in wanted if unit.opens_plan)
        these = tuple(of_plan)
        self._session.ask(_STEPS, of_these=these)
        for row in self._session.all(_PLANS, of_these=opened) if opened else ():
            of_plan[row[0]].plan = plan_of(row)
        steps: dict[str, list[Step]] = {plan_id: [] for plan_id in these}
        for row in self._session.all(_STEPS, of_these=these):
            steps[row[0]].append(step_of(row))
        for plan_id, seen in of_plan.items():
            seen.steps = steps[plan_id]

    def prolong(self) -> None:
        """Write the leases that the units have prolonged, each under the epoch that they saw."""
        for held in (seen.claim for seen in self.runs.values() if seen.prolonged):
            named = {"of_run": held.run_id, "of_epoch": held.epoch}
            self._session.change_one(FENCE, **named, lease_until=held.lease_until)
