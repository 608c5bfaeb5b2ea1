"""The statements that write entries and projections; ``projections`` says who runs which."""

from typing import Any

from sqlalchemy import bindparam, case, func, literal, select, update
from sqlalchemy.sql.expression import ColumnElement

from gateway.journal import tables
from gateway.journal.statement import Statement, inserting, setting, storing

# --- entries and chains

INSERT_ENTRY = inserting(tables.entry)
ENTRY_HASH = Statement(
    select(tables.entry.c.hash).where(tables.entry.c.position == bindparam("of_position"))
)
CHAIN_HEAD = Statement(
    select(tables.chain_head.c.seq, tables.chain_head.c.hash).where(
        tables.chain_head.c.chain == bindparam("of_chain")
    )
)
STORE_HEAD = storing(tables.chain_head, "chain")
INSERT_CHECKPOINT = inserting(tables.checkpoint)

# --- executions and plans

_one_execution = update(tables.execution).where(tables.execution.c.id == bindparam("of_id"))

NEW_EXECUTION: dict[str, str | int | None] = {
    "status": "received",
    "plan_id": None,
    "run_id": None,
    "mode": None,
    "starter": None,
    "started_at": None,
    "ended_at": None,
    "risk": None,
    "verdict": None,
    "problem": None,
    "stopping": 0,
    "retries": 0,
    "retried_at": None,
    "lane": None,
    "lane_transitions": 0,
    "gate": None,
    "bundles": 0,
    "compensation_id": None,
}
INSERT_EXECUTION = inserting(tables.execution, **NEW_EXECUTION)
EXECUTION_TOUCHED = setting(_one_execution, "updated_at")
EXECUTION_MOVED = setting(_one_execution, "updated_at", "status")
EXECUTION_COMPILED = setting(_one_execution, "plan_id", status="compiled", verdict=None, risk=None)
EXECUTION_VERIFIED = setting(_one_execution, "verdict", "risk", "problem", "ended_at")
EXECUTION_STARTED = setting(_one_execution, "run_id", "mode", "starter", "started_at")
EXECUTION_GATED = setting(_one_execution, "gate")
EXECUTION_STOPPING = setting(_one_execution, stopping=1)
EXECUTION_ENDED = setting(_one_execution, "ended_at", "problem", gate=None, stopping=0)
EXECUTION_RETRIED = setting(
    *(_one_execution, "retried_at"),
    retries=tables.execution.c.retries + 1,
    ended_at=None,
    problem=None,
)
EXECUTION_IN_LANE = setting(_one_execution, "lane")
EXECUTION_HANDED_OVER = setting(
    *(_one_execution, "lane"),
    lane_transitions=tables.execution.c.lane_transitions + 1,
    gate=None,
)
EXECUTION_EXPORTED = setting(_one_execution, bundles=tables.execution.c.bundles + 1)
EXECUTION_COMPENSATED = setting(_one_execution, "compensation_id")

NEW_PLAN: dict[str, str | int | None] = {
    "verdict": None,
    "decisions": None,
    "revision": None,
    "verified_at": None,
}
INSERT_PLAN = inserting(tables.plan, **NEW_PLAN)
PLAN_VERIFIED = setting(
    update(tables.plan).where(tables.plan.c.id == bindparam("of_id")),
    *("verdict", "decisions", "revision", "verified_at"),
)

# --- steps: of the plan that the entry names, or else of the execution's present plan

_present_plan = (
    select(tables.execution.c.plan_id)
    .where(tables.execution.c.id == bindparam("of_execution"))
    .scalar_subquery()
)
_one_step = update(tables.step).where(
    tables.step.c.plan_id == func.coalesce(bindparam("of_plan"), _present_plan),
    tables.step.c.id == bindparam("of_step"),
)
_started: ColumnElement[Any] = func.coalesce(tables.step.c.started_at, bindparam("updated_at"))

NEW_STEP: dict[str, str | int | None] = {
    "status": "planned",
    "attempt": 0,
    "base": 0,
    "key_base": 0,
    "input": None,
    "output": None,
    "problem": None,
    "decision": None,
    "retry_at": None,
    "started_at": None,
    "ended_at": None,
}
INSERT_STEP = inserting(tables.step, **NEW_STEP)
STEP_MOVED = setting(_one_step, "updated_at", "status")
STEP_AGAIN = setting(
    *(_one_step, "updated_at", "status"),
    base=tables.step.c.attempt,
    retry_at=None,
    ended_at=None,
)
STEP_FRESH = setting(*(_one_step, "updated_at"), key_base=tables.step.c.attempt, problem=None)
STEP_SETTLED = setting(
    *(_one_step, "updated_at", "status", "output", "problem", "ended_at"), retry_at=None
)
STEP_OVER = setting(_one_step, "updated_at", "status", "ended_at")
STEP_DECIDED = setting(_one_step, "updated_at", "decision")
STEP_ASKED = setting(_one_step, "updated_at", "decision", status="waiting_approval")
STEP_DISPATCHED = setting(
    *(_one_step, "updated_at", "attempt", "input", "decision"),
    status="dispatched",
    started_at=_started,
    retry_at=None,
)
STEP_COMPLETED = setting(
    *(_one_step, "updated_at", "output", "ended_at"), status="completed", problem=None
)
STEP_FAILED = setting(_one_step, "updated_at", "problem", "ended_at", status="failed")
STEP_RETRYING = setting(_one_step, "updated_at", "problem", "retry_at", status="ready")
STEP_UNRESOLVED = setting(_one_step, "updated_at", "problem", status="unresolved")
STEP_BLOCKED = setting(
    *(_one_step, "updated_at", "problem", "decision", "ended_at"), status="failed"
)
STEP_SKIPPED = setting(
    *(_one_step, "updated_at", "input", "decision", "ended_at"), status="skipped"
)

# --- approvals

_one_approval = update(tables.approval).where(tables.approval.c.id == bindparam("of_id"))
_votes = tables.approval.c.votes
_all_but_bracket = func.substr(_votes, 1, func.length(_votes) - 1)
_one_more: ColumnElement[Any] = case(
    (_votes == "[]", literal("[") + bindparam("vote") + literal("]")),
    else_=_all_but_bracket + literal(",") + bindparam("vote") + literal("]"),
)

INSERT_APPROVAL = inserting(
    tables.approval,
    status="pending",
    votes="[]",
    decided_at=None,
    note=None,
    escalated_at=None,
    overridden=None,
)
APPROVAL_VOTED = setting(_one_approval, votes=_one_more)
APPROVAL_CLOSED = setting(_one_approval, "status", "decided_at", "note")
APPROVAL_ESCALATED = setting(_one_approval, "escalated_at")
APPROVAL_OVERRIDDEN = setting(_one_approval, "overridden")
APPROVAL_USED = setting(_one_approval, status="used")

# --- calls and policy

INSERT_CALL = inserting(tables.call)
