"""Projections: what each kind of entry changes in the tables that are folded from the record.

Pure: an entry gives statements with parameters. Each of them changes exactly one row; the unit
and the rebuild both run them and hold them to it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from gateway.journal import statements as sql
from gateway.journal.statement import Parameters, Statement
from gateway.model.entry import Entry, EntryType
from gateway.model.json import JsonObject, JsonValue, encode

Change: TypeAlias = tuple[Statement, Parameters]
"""A statement with its parameters."""


def project(entry: Entry) -> Iterator[Change]:
    """The changes that an entry makes to the projections, in order."""
    projection = PROJECTIONS.get(entry.type)
    if projection is None:
        return
    yield from projection(entry, entry.body)
    if entry.execution_id is None or entry.type is EntryType.INTENT_RECEIVED:
        return
    moved = {"of_id": entry.execution_id, "updated_at": entry.at}
    if status := entry.body.get("executionStatus"):
        yield sql.EXECUTION_MOVED, sql.EXECUTION_MOVED.bind(**moved, status=status)
    else:
        yield sql.EXECUTION_TOUCHED, sql.EXECUTION_TOUCHED.bind(**moved)


def _change(statement: Statement, **values: Any) -> Change:
    return statement, statement.bind(**values)


def _step(statement: Statement, entry: Entry, step_id: str, **values: Any) -> Change:
    return statement, statement.bind(
        of_plan=entry.body.get("planId"),
        of_execution=entry.execution_id,
        of_step=step_id,
        updated_at=entry.at,
        **values,
    )


def _own_step(statement: Statement, entry: Entry, **values: Any) -> Change:
    return _step(statement, entry, entry.body["stepId"], **values)


def _json(value: JsonValue) -> str | None:
    return None if value is None else encode(value)


# --- intent and plan


def _intent_received(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield _change(
        sql.INSERT_EXECUTION,
        id=entry.execution_id,
        workspace=entry.workspace,
        submitter=encode(body["submitter"]),
        subject=body["submitter"]["subject"],
        intent_id=body["intentId"],
        created_at=entry.at,
        updated_at=entry.at,
        text=encode(body["text"]),
        direct=int(body.get("direct", False)),
        channel=body.get("channel"),
        trace_id=body.get("traceId"),
        metadata=_json(body.get("metadata")),
    )


def _plan_compiled(entry: Entry, body: JsonObject) -> Iterator[Change]:
    plan_id = body["planId"]
    yield _change(
        sql.INSERT_PLAN,
        id=plan_id,
        execution_id=entry.execution_id,
        hash=body["hash"],
        steps=encode(body["steps"]),
        edges=encode(body["edges"]),
        compiler=body["compiler"],
        planner_model=body.get("plannerModel"),
        compiled_at=entry.at,
    )
    for place, step in enumerate(body["steps"]):
        yield _change(
            sql.INSERT_STEP,
            plan_id=plan_id,
            id=step["id"],
            execution_id=entry.execution_id,
            place=place,
            key=step["key"],
            contract=step["contract"],
            updated_at=entry.at,
        )
    yield _change(sql.EXECUTION_COMPILED, of_id=entry.execution_id, plan_id=plan_id)


def _nothing_more(entry: Entry, body: JsonObject) -> Iterator[Change]:
    return iter(())


def _plan_verified(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield _change(
        sql.PLAN_VERIFIED,
        of_id=body["planId"],
        verdict=body["verdict"],
        decisions=encode(body["decisions"]),
        revision=body["revision"],
        verified_at=entry.at,
    )
    yield from _decided(entry, body["decisions"])
    yield _change(
        sql.EXECUTION_VERIFIED,
        of_id=entry.execution_id,
        verdict=body["verdict"],
        risk=body["risk"],
        problem=_json(body.get("problem")),
        ended_at=entry.at if body.get("executionStatus") == "blocked" else None,
    )


def _decided(entry: Entry, decisions: JsonObject) -> Iterator[Change]:
    for step_id, decision in decisions.items():
        yield _step(sql.STEP_DECIDED, entry, step_id, decision=encode(decision))


# --- run


def _run_started(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield _change(
        sql.EXECUTION_STARTED,
        of_id=entry.execution_id,
        run_id=body["runId"],
        mode=body["mode"],
        starter=body["starter"],
        started_at=entry.at,
    )
    yield from _decided(entry, body.get("decisions") or {})


def _run_waiting(entry: Entry, body: JsonObject) -> Iterator[Change]:
    for step_id, status in (body.get("steps") or {}).items():
        yield _step(sql.STEP_MOVED, entry, step_id, status=status)


def _run_ended(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield _change(
        sql.EXECUTION_ENDED,
        of_id=entry.execution_id,
        ended_at=entry.at,
        problem=_json(body.get("problem")),
    )
    for step_id, status in (body.get("steps") or {}).items():
        yield _step(sql.STEP_OVER, entry, step_id, status=status, ended_at=entry.at)


# --- steps


def _step_dispatched(entry: Entry, body: JsonObject) -> Iterator[Change]:
    given = {"input": _json(body["input"]), "decision": _json(body["decision"])}
    yield _own_step(sql.STEP_DISPATCHED, entry, attempt=body["attempt"], **given)
    if approval_id := body.get("approvalId"):
        yield _change(sql.APPROVAL_USED, of_id=approval_id)


def _step_completed(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield _own_step(sql.STEP_COMPLETED, entry, output=_json(body["output"]), ended_at=entry.at)


def _step_failed(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield _own_step(sql.STEP_FAILED, entry, problem=_json(body["problem"]), ended_at=entry.at)


def _step_retrying(entry: Entry, body: JsonObject) -> Iterator[Change]:
    retry = {"problem": _json(body["problem"]), "retry_at": body["retryAt"]}
    yield _own_step(sql.STEP_RETRYING, entry, **retry)


def _step_unresolved(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield _own_step(sql.STEP_UNRESOLVED, entry, problem=_json(body["problem"]))


def _step_blocked(entry: Entry, body: JsonObject) -> Iterator[Change]:
    told = {"problem": _json(body["problem"]), "decision": _json(body["decision"])}
    yield _own_step(sql.STEP_BLOCKED, entry, ended_at=entry.at, **told)


def _step_skipped(entry: Entry, body: JsonObject) -> Iterator[Change]:
    given = {"input": _json(body["input"]), "decision": _json(body["decision"])}
    yield _own_step(sql.STEP_SKIPPED, entry, ended_at=entry.at, **given)


# --- approvals


def _approval_requested(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield _change(
        sql.INSERT_APPROVAL,
        id=body["approvalId"],
        execution_id=entry.execution_id,
        workspace=entry.workspace,
        step_id=body["stepId"],
        contract=body["contract"],
        digest=body["digest"],
        arguments=encode(body["arguments"]),
        decision=encode(body["decision"]),
        approver_role=body["approverRole"],
        quorum=body["quorum"],
        risk=body["risk"],
        reason=body["reason"],
        requested_by=body["requestedBy"],
        requested_at=entry.at,
        expires_at=body["expiresAt"],
    )
    yield _own_step(sql.STEP_ASKED, entry, decision=encode(body["decision"]))


def _approval_voted(entry: Entry, body: JsonObject) -> Iterator[Change]:
    vote = encode({"by": body["by"], "at": entry.at, "note": body.get("note")})
    yield _change(sql.APPROVAL_VOTED, of_id=body["approvalId"], vote=vote)
    if body["approved"]:
        yield _closed(entry, "approved", None)


def _approval_rejected(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield _closed(entry, "rejected", body["reason"])
    yield _own_step(sql.STEP_OVER, entry, status="rejected", ended_at=entry.at)


def _approval_expired(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield _closed(entry, "expired", None)
    yield _own_step(sql.STEP_OVER, entry, status="expired", ended_at=entry.at)


def _approval_voided(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield _closed(entry, "void", body["reason"])
    yield _own_step(sql.STEP_MOVED, entry, status=body["stepStatus"])


def _closed(entry: Entry, status: str, note: str | None) -> Change:
    values = {"status": status, "decided_at": entry.at, "note": note}
    return _change(sql.APPROVAL_CLOSED, of_id=entry.body["approvalId"], **values)


# --- calls and policy


def _call_completed(entry: Entry, body: JsonObject) -> Iterator[Change]:
    if body["idempotencyKey"] is not None:
        yield _change(
            sql.INSERT_CALL,
            workspace=entry.workspace,
            subject=body["subject"],
            contract=body["key"],
            idempotency_key=body["idempotencyKey"],
            input_digest=body["inputDigest"],
            output=_json(body["output"]),
            execution_id=body["executionId"],
            at=entry.at,
        )


def _policy_activated(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield _change(sql.STORE_POLICY_HEAD, id=1, revision=body["revision"])


PROJECTIONS: Mapping[EntryType, Callable[[Entry, JsonObject], Iterator[Change]]] = {
    EntryType.INTENT_RECEIVED: _intent_received,
    EntryType.PLAN_COMPILED: _plan_compiled,
    EntryType.PLAN_REJECTED: _nothing_more,
    EntryType.PLAN_VERIFIED: _plan_verified,
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
    EntryType.APPROVAL_REQUESTED: _approval_requested,
    EntryType.APPROVAL_VOTED: _approval_voted,
    EntryType.APPROVAL_REJECTED: _approval_rejected,
    EntryType.APPROVAL_EXPIRED: _approval_expired,
    EntryType.APPROVAL_VOIDED: _approval_voided,
    EntryType.CALL_COMPLETED: _call_completed,
    EntryType.POLICY_ACTIVATED: _policy_activated,
}
"""What each kind of entry changes besides its execution's ``updated_at`` and ``status``. Kinds
that are not listed are trace only."""
