"""The executions and plans behind recorded decisions, read once for a page of entries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson

from gateway.model.contract import OperationContract
from gateway.model.decision_history import DecisionHistory, DecisionRow, PlanRow, RunRow
from gateway.model.json import JsonObject, JsonValue
from gateway.runtime.impact_reasons import Reason, UndecidableError

_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A stored plan: its steps by id, and when it was last verified."""

    steps: Mapping[str, JsonObject]
    verified_at: str | None


class Stored:
    """Remembers a bounded number of executions and plans."""

    def __init__(
        self, history: DecisionHistory, contract: Callable[[str, str], OperationContract]
    ) -> None:
        self._history = history
        self._contract = contract
        self._runs: dict[str, RunRow] = {}
        self._plans: dict[str, StoredPlan] = {}

    def remember(self, page: list[tuple[DecisionRow, JsonValue]]) -> None:
        """Read the executions and plans of a page of entries that are not known yet."""
        runs = {row.execution_id for row, _ in page if row.execution_id is not None}
        bodies = [body for row, body in page if row.execution_id is not None]
        plans = {body.get("planId") for body in bodies if isinstance(body, dict)}
        if len(self._runs) > _REMEMBERED or len(self._plans) > _REMEMBERED:
            self._runs.clear()
            self._plans.clear()
        if fresh := runs - self._runs.keys():
            self._runs.update(self._history.runs(fresh))
        if unread := {name for name in plans - self._plans.keys() if isinstance(name, str)}:
            for name, found in self._history.plan_rows(unread).items():
                self._plans[name] = _plan(found)

    def run(self, row: DecisionRow) -> RunRow:
        """The execution of an entry.

        Raises:
            UndecidableError: it is not there.
        """
        found = self._runs.get(row.execution_id or "")
        if found is None:
            raise UndecidableError(Reason.INCOMPLETE)
        return found

    def plan(self, body: JsonObject) -> StoredPlan:
        """The plan that an entry names.

        Raises:
            UndecidableError: it is not there.
        """
        found = self._plans.get(body["planId"])
        if found is None:
            raise UndecidableError(Reason.INCOMPLETE)
        return found

    def step(self, plan: StoredPlan, step_id: str) -> tuple[JsonObject, OperationContract]:
        """A step of a plan with its contract, as it was compiled.

        Raises:
            UndecidableError: it is not there, or its contract is another one now.
        """
        step = plan.steps.get(step_id)
        if step is None:
            raise UndecidableError(Reason.INCOMPLETE)
        return step, self._contract(step["contract"], step["contractDigest"])


def _plan(row: PlanRow) -> StoredPlan:
    return StoredPlan({step["id"]: step for step in orjson.loads(row.steps)}, row.verified_at)
