"""What entries about runs and steps change in the tables that are folded from the record."""

from collections.abc import Iterator

from gateway.journal import statements as sql
from gateway.journal.folding import (
    Change,
    Projections,
    as_json,
    change,
    nothing_more,
    of_step,
    own_step,
)
from gateway.journal.plan_projections import decided
from gateway.model.entry import Entry, EntryType
from gateway.model.json import JsonObject


def _run_started(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield change(
        sql.EXECUTION_STARTED,
        of_id=entry.execution_id,
        run_id=body["runId"],
        mode=body["mode"],
        starter=body["starter"],
        started_at=entry.at,
    )
    yield from decided(entry, body.get("decisions") or {})


def _run_waiting(entry: Entry, body: JsonObject) -> Iterator[Change]:
    for step_id, status in (body.get("steps") or {}).items():
        yield of_step(sql.STEP_MOVED, entry, step_id, status=status)
    yield change(sql.EXECUTION_GATED, of_id=entry.execution_id, gate=body.get("gate"))


def _run_stopping(entry: Entry, _body: JsonObject) -> Iterator[Change]:
    yield change(sql.EXECUTION_STOPPING, of_id=entry.execution_id)


def _run_retried(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield change(sql.EXECUTION_RETRIED, of_id=entry.execution_id, retried_at=entry.at)
    for step_id, status in body["steps"].items():
        yield of_step(sql.STEP_AGAIN, entry, step_id, status=status)
    for step_id in body["fresh"]:
        yield of_step(sql.STEP_FRESH, entry, step_id)


def _compensation_started(entry: Entry, body: JsonObject) -> Iterator[Change]:
    given = {"of_id": entry.execution_id, "compensation_id": body["compensationId"]}
    yield change(sql.EXECUTION_COMPENSATED, **given)


def _evidence_exported(entry: Entry, _body: JsonObject) -> Iterator[Change]:
    yield change(sql.EXECUTION_EXPORTED, of_id=entry.execution_id)


def _lane_assigned(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield change(sql.EXECUTION_IN_LANE, of_id=entry.execution_id, lane=body["laneKey"])


def _lane_handed_over(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield change(sql.EXECUTION_HANDED_OVER, of_id=entry.execution_id, lane=body["to"])


def _run_ended(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield change(
        sql.EXECUTION_ENDED,
        of_id=entry.execution_id,
        ended_at=entry.at,
        problem=as_json(body.get("problem")),
    )
    for step_id, status in (body.get("steps") or {}).items():
        yield of_step(sql.STEP_OVER, entry, step_id, status=status, ended_at=entry.at)


# --- steps


def _step_dispatched(entry: Entry, body: JsonObject) -> Iterator[Change]:
    given = {"input": as_json(body["input"]), "decision": as_json(body["decision"])}
    yield own_step(sql.STEP_DISPATCHED, entry, attempt=body["attempt"], **given)
    if approval_id := body.get("approvalId"):
        yield change(sql.APPROVAL_USED, of_id=approval_id)


def _step_completed(entry: Entry, body: JsonObject) -> Iterator[Change]:
    output = as_json(body.get("output"))  # none where it was erased meanwhile
    yield own_step(sql.STEP_COMPLETED, entry, output=output, ended_at=entry.at)


def _step_failed(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield own_step(sql.STEP_FAILED, entry, problem=as_json(body["problem"]), ended_at=entry.at)


def _step_retrying(entry: Entry, body: JsonObject) -> Iterator[Change]:
    retry = {"problem": as_json(body["problem"]), "retry_at": body["retryAt"]}
    yield own_step(sql.STEP_RETRYING, entry, **retry)


def _step_unresolved(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield own_step(sql.STEP_UNRESOLVED, entry, problem=as_json(body["problem"]))


def _step_blocked(entry: Entry, body: JsonObject) -> Iterator[Change]:
    told = {"problem": as_json(body["problem"]), "decision": as_json(body["decision"])}
    yield own_step(sql.STEP_BLOCKED, entry, ended_at=entry.at, **told)


def _step_skipped(entry: Entry, body: JsonObject) -> Iterator[Change]:
    given = {"input": as_json(body["input"]), "decision": as_json(body["decision"])}
    yield own_step(sql.STEP_SKIPPED, entry, ended_at=entry.at, **given)


def _step_reconciled(entry: Entry, body: JsonObject) -> Iterator[Change]:
    status = body["stepStatus"]
    if body["outcome"] == "repeat":
        # The problem stays: it says that an earlier attempt may have had its effect.
        yield own_step(sql.STEP_AGAIN, entry, status=status)
        return
    told = {"output": as_json(body.get("output")), "problem": as_json(body.get("problem"))}
    yield own_step(sql.STEP_SETTLED, entry, status=status, ended_at=entry.at, **told)


def _step_compensated(entry: Entry, _body: JsonObject) -> Iterator[Change]:
    yield own_step(sql.STEP_MOVED, entry, status="compensated")


PROJECTIONS: Projections = {
    EntryType.RUN_PAUSED: nothing_more,
    EntryType.RUN_RESUMED: nothing_more,
    EntryType.RUN_STOPPING: _run_stopping,
    EntryType.RUN_RETRIED: _run_retried,
    EntryType.COMPENSATION_STARTED: _compensation_started,
    EntryType.EVIDENCE_EXPORTED: _evidence_exported,
    EntryType.LANE_ASSIGNED: _lane_assigned,
    EntryType.LANE_HANDED_OVER: _lane_handed_over,
    EntryType.STEP_RECONCILED: _step_reconciled,
    EntryType.STEP_COMPENSATED: _step_compensated,
    EntryType.RUN_STARTED: _run_started,
    EntryType.RUN_WAITING: _run_waiting,
    EntryType.RUN_ENDED: _run_ended,
    EntryType.STEP_DISPATCHED: _step_dispatched,
    EntryType.STEP_COMPLETED: _step_completed,
    EntryType.STEP_FAILED: _step_failed,
    EntryType.STEP_RETRYING: _step_retrying,
    EntryType.STEP_UNRESOLVED: _step_unresolved,
    EntryType.STEP_BLOCKED: _step_blocked,
    EntryType.STEP_SKIPPED: _step_skipped,
}
