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


def text_column(name: str, *, optional: bool = False, key: bool = False) -> Column[str]:
    """A column of text; without ``optional`` it must be there."""
    return Column(name, TEXT, nullable=optional, primary_key=key)


def json_column(name: str, *, optional: bool = False) -> Column[str]:
    """A column of JSON as text; without ``optional`` it must be there."""
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
    text_column("chain"),
    Column("seq", WHOLE, nullable=False),
    Column("format", WHOLE, nullable=False),
    text_column("at"),
    text_column("type"),
    text_column("workspace"),
    text_column("execution_id", optional=True),
    text_column("actor"),
    json_column("body"),
    text_column("previous"),
    text_column("hash"),
    UniqueConstraint("chain", "seq", name="entry_chain_seq"),
    sqlite_autoincrement=True,
)

chain_head = Table(
    "chain_head",
    metadata,
    text_column("chain", key=True),
    Column("seq", WHOLE, nullable=False),
    text_column("hash"),
    sqlite_with_rowid=False,
)

execution = Table(
    "execution",
    metadata,
    text_column("id", key=True),
    text_column("workspace"),
    text_column("status"),
    json_column("submitter"),
    text_column("subject"),
    text_column("intent_id"),
    text_column("created_at"),
    text_column("updated_at"),
    json_column("text"),
    Column("direct", WHOLE, nullable=False),
    text_column("channel", optional=True),
    text_column("trace_id", optional=True),
    json_column("metadata", optional=True),
    text_column("plan_id", optional=True),
    text_column("run_id", optional=True),
    text_column("mode", optional=True),
    text_column("starter", optional=True),
    text_column("started_at", optional=True),
    text_column("ended_at", optional=True),
    text_column("risk", optional=True),
    text_column("verdict", optional=True),
    json_column("problem", optional=True),
    Column("stopping", WHOLE, nullable=False),
    Column("retries", WHOLE, nullable=False),
    text_column("retried_at", optional=True),
    text_column("lane", optional=True),
    Column("lane_transitions", WHOLE, nullable=False),
    text_column("gate", optional=True),
    Column("bundles", WHOLE, nullable=False),
    text_column("compensates", optional=True),
    text_column("compensation_id", optional=True),
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
    text_column("id", key=True),
    text_column("execution_id"),
    text_column("hash"),
    json_column("steps"),
    json_column("edges"),
    text_column("compiler"),
    text_column("planner_model", optional=True),
    Column("compensate", WHOLE, nullable=False),
    text_column("compiled_at"),
    text_column("verdict", optional=True),
    json_column("decisions", optional=True),
    text_column("revision", optional=True),
    text_column("verified_at", optional=True),
)

step = Table(
    "step",
    metadata,
    text_column("plan_id", key=True),
    text_column("id", key=True),
    text_column("execution_id"),
    Column("place", WHOLE, nullable=False),
    text_column("key"),
    text_column("contract"),
    text_column("status"),
    text_column("updated_at"),
    Column("attempt", WHOLE, nullable=False),
    Column("base", WHOLE, nullable=False),
    Column("key_base", WHOLE, nullable=False),
    json_column("input", optional=True),
    json_column("output", optional=True),
    json_column("problem", optional=True),
    json_column("decision", optional=True),
    text_column("retry_at", optional=True),
    text_column("started_at", optional=True),
    text_column("ended_at", optional=True),
)

approval = Table(
    "approval",
    metadata,
    text_column("id", key=True),
    text_column("execution_id"),
    text_column("workspace"),
    text_column("step_id"),
    text_column("contract"),
    text_column("status"),
    text_column("digest"),
    json_column("arguments"),
    json_column("decision"),
    text_column("approver_role"),
    Column("quorum", WHOLE, nullable=False),
    text_column("risk"),
    text_column("reason"),
    text_column("requested_by"),
    text_column("requested_at"),
    text_column("expires_at"),
    json_column("votes"),
    text_column("decided_at", optional=True),
    text_column("note", optional=True),
    text_column("escalate_at", optional=True),
    text_column("escalate_to", optional=True),
    text_column("escalated_at", optional=True),
    json_column("overridden", optional=True),
    json_column("excluded"),
    json_column("requester_roles"),
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
    text_column("workspace", key=True),
    text_column("subject", key=True),
    text_column("contract", key=True),
    text_column("idempotency_key", key=True),
    text_column("input_digest"),
    json_column("output", optional=True),
    text_column("execution_id", optional=True),
    text_column("at"),
)

policy_head = Table(
    "policy_head",
    metadata,
    Column("id", WHOLE, primary_key=True, autoincrement=False),
    text_column("revision"),
)

claim = Table(
    "claim",
    metadata,
    text_column("run_id", key=True),
    text_column("execution_id"),
    text_column("owner", optional=True),
    Column("epoch", WHOLE, nullable=False),
    text_column("lease_until", optional=True),
    Column("wake_seq", WHOLE, nullable=False),
    text_column("wake_at", optional=True),
    text_column("workspace"),
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
    text_column("line"),
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
