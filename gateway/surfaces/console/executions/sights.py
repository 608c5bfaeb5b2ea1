"""One execution as the viewer may see it, gathered of what the API lets them ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.model.execution import StepStatus
from gateway.model.json import JsonObject
from gateway.model.problem import refuse
from gateway.surfaces.console.visits import Visit


@dataclass(frozen=True, slots=True)
class Sight:
    """An execution, with its plan, its trace and its lane; each is None where the viewer sees none.

    ``steps`` are those of the plan, or what requesters see of their own.
    """

    execution: JsonObject
    steps: Sequence[JsonObject]
    plan: JsonObject | None
    entries: Sequence[JsonObject] | None
    lane: JsonObject | None = None

    @property
    def id(self) -> str:
        """The execution's id."""
        return str(self.execution["executionId"])

    @property
    def status(self) -> str:
        """The execution's status."""
        return str(self.execution["status"])

    @property
    def intent(self) -> JsonObject:
        """What was asked for, as recorded; empty without the trace."""
        return self.first("intent.received")

    def first(self, status: str) -> JsonObject:
        """The metadata of the newest entry of this kind; empty where there is none."""
        found = (one for one in reversed(self.entries or ()) if one["status"] == status)
        entry = next(found, None)
        return (entry["metadata"] or {}) if entry else {}

    def step(self, wanted: str) -> JsonObject | None:
        """A step by its id or its key; otherwise the one that needs to be looked at first."""
        named = (one for one in self.steps if wanted in (one["stepId"], one["key"]))
        return next(named, None) or next(iter(sorted(self.steps, key=_urgency)), None)

    @property
    def keys(self) -> Mapping[str, str]:
        """The steps' keys by their ids."""
        return {step["stepId"]: step["key"] for step in self.steps}


_URGENT = (
    StepStatus.WAITING_APPROVAL.name,
    "UNRESOLVED",
    "FAILED",
    "REJECTED",
    "EXPIRED",
    "DISPATCHED",
)


def _urgency(step: JsonObject) -> int:
    status = step["status"]
    return _URGENT.index(status) if status in _URGENT else len(_URGENT)


async def sight_of(visit: Visit, execution_id: str) -> Sight:
    """What the viewer may see of an execution.

    Raises:
        AskedError: the API refuses it, as for one of another workspace.
        ProblemError: NOT_FOUND for an execution of somebody else.
    """
    if not visit.may("controlPlaneExecutionGet"):
        return await _own(visit, execution_id)
    data = await visit.api.ask("Execution", executionId=execution_id)
    execution = data["controlPlaneExecutionGet"]["execution"]
    plan = await _plan(visit, execution)
    entries = await _entries(visit, execution_id)
    steps = plan["steps"] if plan else []
    return Sight(execution, steps, plan, entries, await _lane(visit, execution))


async def _own(visit: Visit, execution_id: str) -> Sight:
    data = await visit.api.ask("OwnExecution", executionId=execution_id)
    found = data["controlPlaneExecutionMine"]["items"]
    if not found:
        raise refuse("NOT_FOUND", f"You have asked for no execution {execution_id}.")
    return Sight(found[0], found[0]["steps"], None, None)


async def _plan(visit: Visit, execution: JsonObject) -> JsonObject | None:
    if execution["planId"] is None or not visit.may("controlPlanePlanGet"):
        return None
    data = await visit.api.ask("PlanWhole", executionId=execution["executionId"])
    plan: JsonObject = data["controlPlanePlanGet"]
    return plan


async def _entries(visit: Visit, execution_id: str) -> Sequence[JsonObject] | None:
    if not visit.may("controlPlaneTraceGet"):
        return None
    data = await visit.api.ask("Trace", executionId=execution_id)
    entries: Sequence[JsonObject] = data["controlPlaneTraceGet"]["entries"]
    return entries


async def _lane(visit: Visit, execution: JsonObject) -> JsonObject | None:
    """What the lane of a run still lacks."""
    is_there = execution["lane"] is not None and execution["runId"] is not None
    if not is_there or not visit.may("controlPlaneExecutionLaneGet"):
        return None
    data = await visit.api.ask("Lane", runId=execution["runId"])
    lane: JsonObject = data["controlPlaneExecutionLaneGet"]["run"]
    return lane
