"""controlPlane.execution.lane.assign, approve, handover, get and list"""

from gateway.model.execution import Execution
from gateway.model.json import JsonObject
from gateway.model.lane import LaneFilter, LaneStatus, lane_status
from gateway.model.ports import Records, Tx
from gateway.model.problem import invalid
from gateway.operations.allowed import AllowedActions
from gateway.operations.common import acting, lower, page_of
from gateway.operations.lane_views import lane_detail, lane_summary, required_view
from gateway.pipeline import Admitted
from gateway.runtime import Loop, lane_issues, require_execution, require_plan, require_run


def assign(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """Put an execution that has not started into a lane."""
    value, workspace = admitted.value, admitted.principal.workspace
    subject, lane = acting(admitted, "assignedBy"), _lane_key(admitted)
    execution = require_execution(tx, workspace, value["executionId"])
    loop.lanes.assign(tx, execution, lane, subject)
    return {
        "executionId": execution.id,
        "laneKey": lane,
        "laneStatus": _status(require_execution(tx, workspace, execution.id)),
        "assignedAt": tx.now,
    }


def approve(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """Approve a run in its lane, in one of the roles that the lane asks for."""
    value = admitted.value
    acting(admitted, "approvedBy")
    lane, role = _lane_key(admitted), value["role"]
    execution = _run(tx, admitted)
    loop.lanes.approve(tx, execution, lane, role, admitted.principal, value.get("note"))
    view = required_view(loop, tx, execution, tx.now)
    return {
        "runId": execution.run_id,
        "laneKey": lane,
        "role": role,
        "terminalReadiness": view.readiness.value.upper(),
        "approvedAt": tx.now,
    }


def hand_over(loop: Loop, admitted: Admitted, tx: Tx) -> JsonObject:
    """Move a run from its lane to one of the next."""
    value = admitted.value
    subject, lane = acting(admitted, "handedOverBy"), _lane_key(admitted)
    execution = _run(tx, admitted)
    loop.lanes.hand_over(tx, execution, lane, subject, value.get("reason"))
    return {
        "runId": execution.run_id,
        "fromLane": execution.lane,
        "laneKey": lane,
        "laneStatus": _status(_run(tx, admitted)),
        "handedOverAt": tx.now,
    }


def get(loop: Loop, admitted: Admitted, records: Records) -> JsonObject:
    """The lane that a run is in, and what it still lacks."""
    execution = _run(records, admitted)
    view = required_view(loop, records, execution)
    allowed = AllowedActions(loop, records, admitted.principal).on_execution(execution)
    detail = lane_detail(view, require_plan(records, execution, None).plan)
    return {"run": {**detail, "allowedActions": allowed}}


def list_all(loop: Loop, admitted: Admitted, records: Records) -> JsonObject:
    """The workspace's runs in lanes, newest first."""
    lane = None if admitted.value.get("laneKey") is None else _lane_key(admitted)
    status = lower(admitted.value.get("laneStatus"))
    which = LaneFilter(
        admitted.principal.workspace, lane, None if status is None else LaneStatus(status)
    )
    found, total = records.runs_in_lanes(which, page_of(admitted))
    allowed = AllowedActions(loop, records, admitted.principal)
    items = [
        {
            **lane_summary(required_view(loop, records, execution)),
            "allowedActions": allowed.on_execution(execution),
        }
        for execution in found
    ]
    return {"items": items, "total": total}


def _run(records: Records, admitted: Admitted) -> Execution:
    return require_run(records, admitted.principal.workspace, admitted.value["runId"])


def _lane_key(admitted: Admitted) -> str:
    """The input's ``laneKey``.

    Raises:
        ProblemError: VALIDATION_FAILED if there is no such lane.
    """
    lane: str = admitted.value["laneKey"]
    issues = lane_issues(lane, "/input/laneKey")
    if issues:
        raise invalid(issues)
    return lane


def _status(execution: Execution) -> str:
    return lane_status(execution.status, execution.gate).value.upper()
