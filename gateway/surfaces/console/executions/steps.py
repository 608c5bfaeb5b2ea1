"""One step as people look at it: arguments, attempts, decision, timing, and what asks for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.model.execution import StepStatus
from gateway.model.json import JsonObject
from gateway.surfaces.console.arguments import Row, rows_of
from gateway.surfaces.console.contracts_in_brief import ContractInBrief, contracts_in_brief
from gateway.surfaces.console.executions.sights import Sight
from gateway.surfaces.console.inbox import queues
from gateway.surfaces.console.inbox.requests import Request, requests_of
from gateway.surfaces.console.policies.cited import Rule, cited
from gateway.surfaces.console.visits import Visit

_WAITS = StepStatus.WAITING_APPROVAL.name
_ASKED = (_WAITS, "REJECTED", "EXPIRED", "CANCELLED")
_FATES = {_WAITS: "PENDING", "CANCELLED": "VOID"}


@dataclass(frozen=True, slots=True)
class StepView:
    """A step with its contract and its values in rows.

    ``request`` is the approval request that it waits for or ended by, ``arguments`` are then those
    that it was asked with; ``rules`` are the rows of policy that decided it, where they are told.
    """

    step: JsonObject
    contract: ContractInBrief
    arguments: Sequence[Row]
    output: Sequence[Row]
    request: Request | None
    rules: Sequence[Rule]

    @property
    def took(self) -> str:
        """How long the step took, from its first attempt to its end; empty while it has none."""
        return lasted(self.step.get("startedAt"), self.step.get("endedAt"))


def lasted(start: str | None, end: str | None) -> str:
    """The time between two moments of the API, to the millisecond; empty while one is missing."""
    if not start or not end:
        return ""
    seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


async def step_view_of(visit: Visit, sight: Sight, wanted: str) -> StepView | None:
    """The step that is asked for by id or key, or that needs to be looked at first; None where
    there are no steps."""
    step = sight.step(wanted)
    if step is None:
        return None
    contract = (await contracts_in_brief(visit, [step["contract"]]))[step["contract"]]
    request = await _request(visit, sight, step)
    return StepView(
        step,
        contract,
        request.rows if request else rows_of(step.get("input"), contract.pii_in),
        rows_of(step.get("output"), contract.pii_out),
        request,
        cited(_rules(sight, step["stepId"])),
    )


async def _request(visit: Visit, sight: Sight, step: JsonObject) -> Request | None:
    status = str(step["status"])
    if not visit.may("controlPlaneApprovalList"):
        return None
    asked = status in _ASKED or step.get("verdict") == "ASSIST"
    if not asked:
        return None
    fate = _FATES.get(status, status if status in _ASKED else "USED")
    item = await queues.one(visit, sight.id, step["stepId"], fate)
    return (await requests_of(visit, [item]))[0] if item else None


def _rules(sight: Sight, step_id: str) -> Sequence[JsonObject]:
    """The rules that the newest decision on a step names, as the trace tells them."""
    for entry in reversed(sight.entries or ()):
        told = entry.get("metadata") or {}
        if told.get("stepId") == step_id and isinstance(told.get("decision"), dict):
            rules: Sequence[JsonObject] = told["decision"].get("rules") or ()
            return rules
    decisions = sight.first("plan.verified").get("decisions") or {}
    found: Sequence[JsonObject] = (decisions.get(step_id) or {}).get("rules") or ()
    return found
