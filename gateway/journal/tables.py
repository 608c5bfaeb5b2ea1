"""The tables of the record: entries and their chains, projections, claims, checkpoints and tiles.

JSON is kept as text, times as RFC 3339 text in UTC with six decimals, so that text order is time
order. ``PROJECTIONS`` names the tables that are folded from the entries and hold nothing else.
"""

from sqlalchemy import (
    Column,
    Index,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    desc,
)

from gateway.journal.dialects import JSON, TEXT, WHOLE

SCHEMA_VERSION = 6
"""The version of these tables, kept in ``meta``."""

metadata = MetaData()


def _text(name: str, *, optional: bool = False, key: bool = False) -> Column[str]:
    return Column(name, TEXT, nullable=optional, primary_key=key)


def _json(name: str, *, optional: bool = False) -> Column[str]:
    return Column(name, JSON, nullable=optional)


meta = Table(
    "meta",
    metadata,
    Column("schema_version", WHOLE, primary_key=True, autoincrement=False),
)

entry = Table(
    "entry",
    metadata,
    Column("position", WHOLE, primary_key=True, autoincrement=False),
    _text("chain"),
    Column("seq", WHOLE, nullable=False),
    Column("format", WHOLE, nullable=False),
    _text("at"),
    _text("type"),
    _text("workspace"),
    _text("execution_id", optional=True),
    _text("actor"),
    _json("body"),
    _text("previous"),
    _text("hash"),
    UniqueConstraint("chain", "seq", name="entry_chain_seq"),
    sqlite_autoincrement=True,
)

chain_head = Table(
    "chain_head",
    metadata,
    _text("chain", key=True),
    Column("seq", WHOLE, nullable=False),
    _text("hash"),
    sqlite_with_rowid=False,
)

execution = Table(
    "execution",
    metadata,
    _text("id", key=True),
    _text("workspace"),
    _text("status"),
    _json("submitter"),
    _text("subject"),
    _text("intent_id"),
    _text("created_at"),
    _text("updated_at"),
    _json("text"),
    Column("direct", WHOLE, nullable=False),
    _text("channel", optional=True),
    _text("trace_id", optional=True),
    _json("metadata", optional=True),
    _text("plan_id", optional=True),
    _text("run_id", optional=True),
    _text("mode", optional=True),
    _text("starter", optional=True),
    _text("started_at", optional=True),
    _text("ended_at", optional=True),
    _text("risk", optional=True),
    _text("verdict", optional=True),
    _json("problem", optional=True),
    Column("stopping", WHOLE, nullable=False),
    Column("retries", WHOLE, nullable=False),
    _text("retried_at", optional=True),
    _text("lane", optional=True),
    Column("lane_transitions", WHOLE, nullable=False),
    _text("gate", optional=True),
    Column("bundles", WHOLE, nullable=False),
    _text("compensates", optional=True),
    _text("compensation_id", optional=True),
)
Index("execution_run", execution.c.run_id, unique=True)
_newest = (desc(execution.c.created_at), desc(execution.c.id))
Index("execution_newest", execution.c.workspace, *_newest)
Index("execution_by_status", execution.c.workspace, execution.c.status, *_newest)
Index("execution_by_subject", execution.c.workspace, execution.c.subject, *_newest)
_in_lane = execution.c.lane.is_not(None) & execution.c.run_id.is_not(None)
Index(
    *("execution_in_lane", execution.c.workspace, *_newest),
    sqlite_where=_in_lane,
    postgresql_where=_in_lane,
)

plan = Table(
    "plan",
    metadata,
    _text("id", key=True),
    _text("execution_id"),
    _text("hash"),
    _json("steps"),
    _json("edges"),
    _text("compiler"),
    _text("planner_model", optional=True),
    Column("compensate", WHOLE, nullable=False),
    _text("compiled_at"),
    _text("verdict", optional=True),
    _json("decisions", optional=True),
    _text("revision", optional=True),
    _text("verified_at", optional=True),
)

step = Table(
    "step",
    metadata,
    _text("plan_id", key=True),
    _text("id", key=True),
    _text("execution_id"),
    Column("place", WHOLE, nullable=False),
    _text("key"),
    _text("contract"),
    _text("status"),
    _text("updated_at"),
    Column("attempt", WHOLE, nullable=False),
    Column("base", WHOLE, nullable=False),
    Column("key_base", WHOLE, nullable=False),
    _json("input", optional=True),
    _json("output", optional=True),
    _json("problem", optional=True),
    _json("decision", optional=True),
    _text("retry_at", optional=True),
    _text("started_at", optional=True),
    _text("ended_at", optional=True),
)

approval = Table(
    "approval",
    metadata,
    _text("id", key=True),
    _text("execution_id"),
    _text("workspace"),
    _text("step_id"),
    _text("contract"),
    _text("status"),
    _text("digest"),
    _json("arguments"),
    _json("decision"),
    _text("approver_role"),
    Column("quorum", WHOLE, nullable=False),
    _text("risk"),
    _text("reason"),
    _text("requested_by"),
    _text("requested_at"),
    _text("expires_at"),
    _json("votes"),
    _text("decided_at", optional=True),
    _text("note", optional=True),
    _text("escalate_at", optional=True),
    _text("escalate_to", optional=True),
    _text("escalated_at", optional=True),
    _json("overridden", optional=True),
    _json("excluded"),
    _json("requester_roles"),
)
Index("approval_of_step", approval.c.execution_id, approval.c.step_id, approval.c.requested_at)
_oldest = (approval.c.requested_at, approval.c.id)
Index("approval_oldest", approval.c.workspace, *_oldest)
Index("approval_by_status", approval.c.workspace, approval.c.status, *_oldest)
# Where two indexes would serve, SQLite takes the one created last; they are created by name.
Index("approval_of_execution", approval.c.workspace, approval.c.execution_id, *_oldest)

call = Table(
    "call",
    metadata,
    _text("workspace", key=True),
    _text("subject", key=True),
    _text("contract", key=True),
    _text("idempotency_key", key=True),
    _text("input_digest"),
    _json("output", optional=True),
    _text("execution_id", optional=True),
    _text("at"),
)

policy_head = Table(
    "policy_head",
    metadata,
    Column("id", WHOLE, primary_key=True, autoincrement=False),
    _text("revision"),
)

claim = Table(
    "claim",
    metadata,
    _text("run_id", key=True),
    _text("execution_id"),
    _text("owner", optional=True),
    Column("epoch", WHOLE, nullable=False),
    _text("lease_until", optional=True),
    Column("wake_seq", WHOLE, nullable=False),
    _text("wake_at", optional=True),
    _text("workspace"),
    Column("urgent", WHOLE, nullable=False),
    sqlite_with_rowid=False,
)
_free, _taken = claim.c.owner.is_(None), claim.c.owner.is_not(None)
Index("claim_wake", claim.c.wake_at, sqlite_where=_free, postgresql_where=_free)
# Not on the lease: every write of a step prolongs it, while few runs are held at any moment.
Index("claim_held", claim.c.workspace, sqlite_where=_taken, postgresql_where=_taken)
_waiting = _free & claim.c.wake_at.is_not(None)
_by_workspace = (claim.c.workspace, claim.c.urgent, claim.c.wake_at)
Index("claim_due", *_by_workspace, sqlite_where=_waiting, postgresql_where=_waiting)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("number", WHOLE, primary_key=True, autoincrement=False),
    Column("ends_at", WHOLE, nullable=False),
    _text("line"),
)

tile = Table(
    "tile",
    metadata,
    Column("level", WHOLE, primary_key=True, autoincrement=False),
    Column("place", WHOLE, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)

PROJECTIONS: list[Table] = [execution, plan, step, approval, call, policy_head]
"""The tables that hold nothing but what the entries say. A module that brings further ones adds
them."""
