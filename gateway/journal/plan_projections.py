"""What entries about intents and plans change in the tables that are folded from the record."""

from collections.abc import Iterator

from gateway.journal import statements as sql
from gateway.journal.folding import Change, Projections, as_json, change, nothing_more, of_step
from gateway.model.entry import Entry, EntryType
from gateway.model.json import JsonObject, encode


def _intent_received(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield change(
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
        metadata=as_json(body.get("metadata")),
        compensates=body.get("compensates"),
    )


def _plan_compiled(entry: Entry, body: JsonObject) -> Iterator[Change]:
    plan_id = body["planId"]
    yield change(
        sql.INSERT_PLAN,
        id=plan_id,
        execution_id=entry.execution_id,
        hash=body["hash"],
        steps=encode(body["steps"]),
        edges=encode(body["edges"]),
        compiler=body["compiler"],
        planner_model=body.get("plannerModel"),
        compensate=int(body.get("compensate", False)),
        compiled_at=entry.at,
    )
    for place, step in enumerate(body["steps"]):
        yield change(
            sql.INSERT_STEP,
            plan_id=plan_id,
            id=step["id"],
            execution_id=entry.execution_id,
            place=place,
            key=step["key"],
            contract=step["contract"],
            updated_at=entry.at,
        )
    yield change(sql.EXECUTION_COMPILED, of_id=entry.execution_id, plan_id=plan_id)


def _plan_verified(entry: Entry, body: JsonObject) -> Iterator[Change]:
    yield change(
        sql.PLAN_VERIFIED,
        of_id=body["planId"],
        verdict=body["verdict"],
        decisions=encode(body["decisions"]),
        revision=body["revision"],
        verified_at=entry.at,
    )
    yield from decided(entry, body["decisions"])
    yield change(
        sql.EXECUTION_VERIFIED,
        of_id=entry.execution_id,
        verdict=body["verdict"],
        risk=body["risk"],
        problem=as_json(body.get("problem")),
        ended_at=entry.at if body.get("executionStatus") == "blocked" else None,
    )


def decided(entry: Entry, decisions: JsonObject) -> Iterator[Change]:
    """The decisions of a plan's steps, by step id."""
    for step_id, decision in decisions.items():
        yield of_step(sql.STEP_DECIDED, entry, step_id, decision=encode(decision))


PROJECTIONS: Projections = {
    EntryType.INTENT_RECEIVED: _intent_received,
    EntryType.PLAN_COMPILED: _plan_compiled,
    EntryType.PLAN_REJECTED: nothing_more,
    EntryType.PLAN_VERIFIED: _plan_verified,
}
