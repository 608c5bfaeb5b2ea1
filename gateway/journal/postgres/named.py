"""Executions that units of a batch name: read for all of them with whatever is read first."""

from collections.abc import Sequence

from sqlalchemy import select

from gateway.journal.chain import execution_chain
from gateway.journal.postgres.heads import LockedHeads
from gateway.journal.postgres.many import among
from gateway.journal.postgres.session import PostgresSession
from gateway.journal.postgres.values import is_storable
from gateway.journal.records import execution_of, plan_of
from gateway.journal.statement import Statement
from gateway.journal.tables import chain_head, execution, plan
from gateway.model.execution import Execution, PlanRecord

_HEADS = Statement(among(select(chain_head), chain_head.c.chain).with_for_update(skip_locked=True))
_EXECUTIONS = Statement(among(select(execution), execution.c.id))
_PLANS = Statement(
    among(select(plan).join(execution, plan.c.id == execution.c.plan_id), execution.c.id)
)


class Named:
    """Executions of these ``ids`` and their present plans, as long as nothing of them is changed.

    Only those are kept of which the chain's head could be locked: the others are for each unit to
    read, and to collide on. An id that no column can hold is for its unit alone to be refused for.
    """

    def __init__(self, session: PostgresSession, heads: LockedHeads, ids: Sequence[str]) -> None:
        self._session = session
        self._heads = heads
        self._ids = tuple(dict.fromkeys(filter(is_storable, ids)))
        self._chains = tuple(map(execution_chain, self._ids))
        self._executions: dict[str, Execution] = {}
        self._plans: dict[str, PlanRecord] = {}

    def ask(self) -> None:
        """Ask for them, to be told with the next answer."""
        if self._ids:
            self._session.ask(_HEADS, of_these=self._chains)
            self._session.ask(_EXECUTIONS, of_these=self._ids)
            self._session.ask(_PLANS, of_these=self._ids)

    def read(self) -> None:
        """Take what was asked for.

        Raises:
            PostgresError: one of them was changed in this moment, or the connection is gone.
        """
        if not self._ids:
            return
        for head in self._session.all(_HEADS, of_these=self._chains):
            self._heads.know(*head)
        for found in map(execution_of, self._session.all(_EXECUTIONS, of_these=self._ids)):
            if self._heads.knows(execution_chain(found.id)):
                self._executions[found.id] = found
        for stored in map(plan_of, self._session.all(_PLANS, of_these=self._ids)):
            self._plans[stored.plan.id] = stored

    def execution(self, execution_id: str) -> Execution | None:
        """The execution, where it was had and is still as it was."""
        return self._executions.get(execution_id)

    def plan(self, plan_id: str) -> PlanRecord | None:
        """The plan, where it is the present one of such an execution."""
        stored = self._plans.get(plan_id)
        return stored if stored is not None and stored.execution_id in self._executions else None

    def forget(self, execution_id: str | None) -> None:
        """Something of the execution is being changed."""
        if execution_id is not None:
            self._executions.pop(execution_id, None)
