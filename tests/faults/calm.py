"""After the faults: everything that people can do for a run is done, until nothing is left to do.

Paused runs are resumed, what waits is approved, and what is unresolved is settled by what the
service says: that is how operators are told to work.
"""

import time
from typing import Any

from tests.faults.checker.ledger import marker_of
from tests.faults.checker.tables import OVER
from tests.faults.clients import Client
from tests.faults.history import OK, History
from tests.faults.people import WAITING, Stage, Started, command, decide_one, read
from tests.faults.plans import output_of
from tests.processes import Service

JsonObject = dict[str, Any]

STEPS = ("controlPlanePlanGet", "steps { stepId key status attempt }")
RECONCILE = ("controlPlaneStepReconcile", "executionStatus")
_LOOK = 0.1
_QUIET = 1.5  # seconds after which no request is under way at the service any more


def calm_down(
    stage: Stage,
    history: History,
    service: Service,
    people: tuple[Client, Client, Client],
    seconds: float,
) -> list[Started]:
    """Bring every run to where it can go by itself; returns those that are not over in time.

    ``people`` are an approver, an operator and a reader.
    """
    approver, operator, reader = people
    time.sleep(_QUIET)
    left = list(stage.started)
    deadline = time.monotonic() + seconds
    while left and time.monotonic() < deadline:
        _approve_all(approver, {run.execution for run in left})
        left = [run for run in left if not _settle(history, service, operator, reader, run)]
        time.sleep(_LOOK)
    return left


def _approve_all(approver: Client, executions: set[str]) -> None:
    waiting = approver.look(WAITING, {"status": "PENDING", "limit": 200})
    for item in (waiting or {"items": []})["items"]:
        if item["executionId"] in executions:
            decide_one(approver, item)


def _settle(
    history: History, service: Service, operator: Client, reader: Client, run: Started
) -> bool:
    """Do the next thing for a run; True once it is over."""
    status = read(reader, run.execution)
    if status == "PAUSED":
        command(operator, "resume", run)
    elif status == "UNRESOLVED":
        _reconcile(history, service, operator, run)
    return status in OVER


def _reconcile(history: History, service: Service, operator: Client, run: Started) -> None:
    found = operator.look(STEPS, {"executionId": run.execution})
    effects = {marker_of(effect): effect for effect in service.effects()}
    markers = _markers(history, run.execution)
    for step in (found or {"steps": []})["steps"]:
        if step["status"] == "UNRESOLVED":
            finding = _finding(effects.get(markers.get(step["key"]) or ""))
            value = {
                "runId": run.run,
                "stepId": step["stepId"],
                "attempt": step["attempt"],
                "note": "I looked into the service.",
                "reconciledBy": operator.name,
                **finding,
            }
            about = {"execution": run.execution, "step": step["stepId"]}
            operator.do("reconcile", RECONCILE, value, **about)


def _finding(effect: JsonObject | None) -> JsonObject:
    if effect is None:
        return {"outcome": "REPEAT"}
    return {"outcome": "DONE", "output": output_of(effect)}


def _markers(history: History, execution: str) -> dict[str, str | None]:
    for operation in history.operations:
        is_it = operation.kind == "compile" and operation.execution == execution
        if is_it and operation.outcome == OK:
            return {step["key"]: step["marker"] for step in operation.value["steps"]}
    return {}
