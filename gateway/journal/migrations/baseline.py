"""The tables of version 4 that hold the record itself, runs and approvals."""

from sqlalchemy import UniqueConstraint

from gateway.journal.migrations.building import (
    create,
    index,
    octets,
    text,
    text_key,
    text_or_null,
    whole,
    whole_key,
)


def create_record() -> None:
    """The entries with their chains, checkpoints and tree, the claims, and what anchors got."""
    _entries()
    _claims()
    _anchors()


def create_runs() -> None:
    """What is folded of executions."""
    _executions()
    _execution_indexes()
    _plans()
    _attachments()


def create_approvals() -> None:
    """Who was asked, and what they consented to."""
    _approvals()
    _grants()


def _entries() -> None:
    create(
        "entry",
        *whole_key("position"),
        *text("chain"),
        *whole("seq", "format"),
        *text("at", "type", "workspace"),
        *text_or_null("execution_id"),
        *text("actor", "body", "previous", "hash"),
        UniqueConstraint("chain", "seq", name="entry_chain_seq"),
        sqlite_autoincrement=True,
    )
    create("chain_head", *text_key("chain"), *whole("seq"), *text("hash"), sqlite_with_rowid=False)
    create("checkpoint", *whole_key("number"), *whole("ends_at"), *text("line"))
    create("tile", *whole_key("level", "place"), *octets("hashes"))


def _claims() -> None:
    create(
        "claim",
        *text_key("run_id"),
        *text("execution_id"),
        *text_or_null("owner"),
        *whole("epoch"),
        *text_or_null("lease_until"),
        *whole("wake_seq"),
        *text_or_null("wake_at"),
        sqlite_with_rowid=False,
    )
    index("claim_held", "claim", "owner", where="owner IS NOT NULL")
    index("claim_wake", "claim", "wake_at", where="owner IS NULL")


def _anchors() -> None:
    create(
        "anchor_receipt",
        *whole_key("number"),
        *text_key("kind", "target"),
        *text("at", "body"),
        *text_or_null("cosignature"),
        sqlite_with_rowid=False,
    )
    create(
        "anchor_target",
        *text_key("kind", "target"),
        *whole("number"),
        *text("updated_at"),
        *whole("attempts"),
        *text_or_null("next_at", "last_error"),
        sqlite_with_rowid=False,
    )


def _executions() -> None:
    create(
        "execution",
        *text_key("id"),
        *text(
            "workspace",
            "status",
            "submitter",
            "subject",
            "intent_id",
            "created_at",
            "updated_at",
            "text",
        ),
        *whole("direct"),
        *text_or_null(
            "channel",
            "trace_id",
            "metadata",
            "plan_id",
            "run_id",
            "mode",
            "starter",
            "started_at",
            "ended_at",
            "risk",
            "verdict",
            "problem",
        ),
        *whole("stopping", "retries"),
        *text_or_null("retried_at", "lane"),
        *whole("lane_transitions"),
        *text_or_null("gate"),
        *whole("bundles"),
        *text_or_null("compensates", "compensation_id"),
    )


def _execution_indexes() -> None:
    index("execution_by_status", "execution", "workspace", "status", "created_at DESC", "id DESC")
    index("execution_by_subject", "execution", "workspace", "subject", "created_at DESC", "id DESC")
    index(
        "execution_in_lane",
        "execution",
        "workspace",
        "created_at DESC",
        "id DESC",
        where="lane IS NOT NULL AND run_id IS NOT NULL",
    )
    index("execution_newest", "execution", "workspace", "created_at DESC", "id DESC")
    index("execution_run", "execution", "run_id", unique=True)


def _plans() -> None:
    create(
        "plan",
        *text_key("id"),
        *text("execution_id", "hash", "steps", "edges", "compiler"),
        *text_or_null("planner_model"),
        *whole("compensate"),
        *text("compiled_at"),
        *text_or_null("verdict", "decisions", "revision", "verified_at"),
    )
    create(
        "step",
        *text_key("plan_id", "id"),
        *text("execution_id"),
        *whole("place"),
        *text("key", "contract", "status", "updated_at"),
        *whole("attempt", "base", "key_base"),
        *text_or_null(
            "input", "output", "problem", "decision", "retry_at", "started_at", "ended_at"
        ),
    )
    create(
        "call",
        *text_key("workspace", "subject", "contract", "idempotency_key"),
        *text("input_digest"),
        *text_or_null("output", "execution_id"),
        *text("at"),
    )


def _attachments() -> None:
    create(
        "evidence",
        *text_key("id"),
        *text("execution_id"),
        *whole("seq"),
        *text("kind", "key", "attached_by", "attached_at"),
        *text_or_null("digest", "uri", "state", "valid_until"),
        *whole("blocking"),
        *text_or_null("resolves", "settled_by"),
    )
    index("evidence_of_execution", "evidence", "execution_id", "seq")
    create(
        "lane_approval",
        *text_key("execution_id"),
        *whole_key("seq"),
        *text("lane", "role", "person", "at"),
        *text_or_null("note"),
        sqlite_with_rowid=False,
    )


def _approvals() -> None:
    create(
        "approval",
        *text_key("id"),
        *text(
            "execution_id",
            "workspace",
            "step_id",
            "contract",
            "status",
            "digest",
            "arguments",
            "decision",
            "approver_role",
        ),
        *whole("quorum"),
        *text("risk", "reason", "requested_by", "requested_at", "expires_at", "votes"),
        *text_or_null(
            "decided_at", "note", "escalate_at", "escalate_to", "escalated_at", "overridden"
        ),
        *text("excluded", "requester_roles"),
    )
    index("approval_by_status", "approval", "workspace", "status", "requested_at", "id")
    index("approval_of_execution", "approval", "workspace", "execution_id", "requested_at", "id")
    index("approval_of_step", "approval", "execution_id", "step_id", "requested_at")
    index("approval_oldest", "approval", "workspace", "requested_at", "id")


def _grants() -> None:
    create(
        "standing_grant",
        *text_key("id"),
        *text("workspace", "contract", "contract_digest"),
        *text_or_null("requester", "requester_type"),
        *text("arguments"),
        *whole("max_uses"),
        *text("issuer", "reason", "issued_at", "expires_at"),
        *whole("uses"),
        *text_or_null("revoked_at", "revoked_by", "revoke_reason"),
    )
    index("grant_newest", "standing_grant", "workspace", "issued_at DESC", "id DESC")
    index("grant_of_contract", "standing_grant", "workspace", "contract", "expires_at", "id")
    create(
        "grant_use",
        *text_key("execution_id", "step_id"),
        *whole_key("attempt"),
        *text("grant_id", "at"),
        sqlite_with_rowid=False,
    )
