"""Approval requests as people read them: who asks, what exactly, why, and what hangs on it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.model.json import JsonObject
from gateway.surfaces.console.arguments import Kind, Row, amounts_of, rows_of
from gateway.surfaces.console.asking import AskedError
from gateway.surfaces.console.contracts_in_brief import ContractInBrief, contracts_in_brief
from gateway.surfaces.console.policies.cited import Rule, cited
from gateway.surfaces.console.visits import Visit

APPROVE = "controlPlane.execution.approve"
REJECT = "controlPlane.execution.reject"
BREAK_GLASS = "controlPlane.execution.breakGlass"

_HURRY = timedelta(hours=1)
"""How soon a request must expire for that to be set off."""


@dataclass(frozen=True, slots=True)
class Around:
    """The steps before and after the one that waits; None where the viewer sees no plan."""

    before: tuple[JsonObject, ...]
    after: tuple[JsonObject, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """An approval request: ``asked`` is the API's item, ``id`` names it on a page and in forms."""

    asked: JsonObject
    contract: ContractInBrief
    rows: Sequence[Row]
    rules: Sequence[Rule]
    around: Around | None
    hurries: bool

    @property
    def id(self) -> str:
        """The execution and the step, by which requests are decided."""
        return id_of(self.asked["executionId"], self.asked["stepId"])

    @property
    def gist(self) -> str:
        """The action in one line: its title, its money, or else its first values."""
        telling = [row for row in self.rows if row.kind is Kind.MONEY] or list(self.rows[:2])
        return " · ".join([self.contract.title, *(row.text for row in telling)])

    @property
    def amounts(self) -> Sequence[Row]:
        """All money in the arguments, of which ``rows`` may hold a part."""
        return amounts_of(self.asked["arguments"])

    @property
    def is_pending(self) -> bool:
        """Whether nobody has decided it yet."""
        return bool(self.asked["status"] == "PENDING")

    def may(self, action: str) -> bool:
        """Whether the viewer could do this now (``APPROVE``, ``REJECT``, ``BREAK_GLASS``)."""
        return action in self.asked["allowedActions"]


def read_field(execution_id: str, step_id: str) -> str:
    """The form field that says which request of a step was read: ids of steps stay while policy
    may have the same be asked anew, on other terms."""
    return f"read-{id_of(execution_id, step_id)}"


def id_of(execution_id: str, step_id: str) -> str:
    """How a request is named on pages and in forms."""
    return f"{execution_id}.{step_id}"


async def requests_of(visit: Visit, items: Iterable[JsonObject]) -> list[Request]:
    """Requests with the contracts that they are for and the steps around them."""
    found = list(items)
    contracts = await contracts_in_brief(visit, (item["contract"] for item in found))
    plans: dict[str, JsonObject | None] = {}
    for execution in dict.fromkeys(item["executionId"] for item in found):
        plans[execution] = await _plan(visit, execution)
    return [_request(item, contracts, plans, visit.now) for item in found]


async def _plan(visit: Visit, execution_id: str) -> JsonObject | None:
    if not visit.may("controlPlanePlanGet"):
        return None
    try:
        data = await visit.api.ask("PlanInBrief", executionId=execution_id)
    except AskedError:
        return None
    plan: JsonObject = data["controlPlanePlanGet"]
    return plan


def _request(
    item: JsonObject,
    contracts: Mapping[str, ContractInBrief],
    plans: Mapping[str, JsonObject | None],
    now: datetime,
) -> Request:
    contract, plan = contracts[item["contract"]], plans[item["executionId"]]
    rows, rules = rows_of(item["arguments"], contract.pii_in), cited(item["rules"])
    around = around_of(plan["steps"], item["stepId"]) if plan else None
    hurries = datetime.fromisoformat(item["expiresAt"]) - now < _HURRY
    return Request(item, contract, rows, rules, around, hurries and item["status"] == "PENDING")


def around_of(steps: Sequence[JsonObject], step_id: str) -> Around | None:
    """What a step builds on and what builds on it, directly or not, in the order of the plan; None
    for a step of another plan."""
    waiting = next((step for step in steps if step["stepId"] == step_id), None)
    if waiting is None:
        return None
    before, after = set(waiting["dependsOn"]), {waiting["key"]}
    for step in reversed(steps):  # a plan's steps stand in a topological order
        if step["key"] in before:
            before.update(step["dependsOn"])
    for step in steps:
        if after.intersection(step["dependsOn"]):
            after.add(step["key"])
    after.remove(waiting["key"])
    return Around(
        tuple(step for step in steps if step["key"] in before),
        tuple(step for step in steps if step["key"] in after),
    )
