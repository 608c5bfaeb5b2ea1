"""The tables of version 4: all of them in an empty database, else those that an earlier release
did not have."""

from alembic import op
from sqlalchemy import inspect

from gateway.journal.migrations.baseline import create_approvals, create_record, create_runs
from gateway.journal.migrations.building import (
    create,
    fold_anew,
    index,
    text,
    text_key,
    text_or_null,
    whole,
    whole_key,
    whole_or_null,
)

revision = "4"
down_revision = "3"

_FOLDED = (
    *("approval", "call", "evidence", "execution", "grant_use", "lane_approval", "plan"),
    *("policy_activation", "policy_changeset", "policy_head", "policy_revision", "skill"),
    *("standing_grant", "step"),
)
"""What versions 1 to 3 folded from the entries: replaced, since their columns were others."""


def upgrade() -> None:
    """Create what is missing; what is folded from entries is folded anew."""
    if inspect(op.get_bind()).has_table("entry"):
        for table in _FOLDED:
            op.drop_table(table, if_exists=True)
        fold_anew()
    create_record()
    create_runs()
    create_approvals()
    _policy()
    _skills()
    _consents()
    _erasures()
    _holds()
    _deliveries()


def _policy() -> None:
    """Policy: what was in force, what is drafted, and the content of each revision."""
    create(
        "policy_activation",
        *whole_key("number"),
        *text("revision"),
        *text_or_null("previous"),
        *text("source"),
        *text_or_null("changeset_id"),
        *text("by", "at"),
    )
    create(
        "policy_changeset",
        *text_key("id"),
        *text("workspace", "status", "title", "reason", "base", "revision", "edits"),
        *text_or_null("restores"),
        *text("authors", "findings", "cases"),
        *text_or_null("impact"),
        *whole("shadowing"),
        *text("created_at", "updated_at"),
        *text_or_null("decided_by", "decided_at", "note", "approver"),
    )
    index(
        "policy_changeset_by_status",
        "policy_changeset",
        "workspace",
        "status",
        "created_at DESC",
        "id DESC",
    )
    index("policy_changeset_newest", "policy_changeset", "workspace", "created_at DESC", "id DESC")
    create("policy_head", *whole_key("id"), *text("revision"))
    create(
        "policy_revision",
        *text_key("revision"),
        *text_or_null("parent"),
        *text("edits", "recorded_at"),
    )


def _skills() -> None:
    create(
        "skill",
        *text_key("workspace", "key", "version"),
        *text(
            "id",
            "status",
            "publisher",
            "provenance",
            "manifest_digest",
            "artifact_digest",
            "manifest",
            "contracts",
            "trust_digest",
            "installed_at",
            "installed_by",
        ),
        *text_or_null("disabled_at", "disabled_by", "reason"),
        sqlite_with_rowid=False,
    )
    index("skill_by_status", "skill", "workspace", "status", "key", "version")


def _consents() -> None:
    """What people consented to."""
    create(
        "privacy_consent",
        *text_key("id"),
        *text("workspace", "kind", "target", "purpose", "asked", "recorded_by", "recorded_at"),
        *text_or_null("expires_at", "withdrawn_by", "withdrawn_at", "told"),
    )
    index("privacy_consent_newest", "privacy_consent", "workspace", "recorded_at DESC", "id DESC")
    index(
        "privacy_consent_standing",
        "privacy_consent",
        "workspace",
        "target",
        "purpose",
        where="withdrawn_at IS NULL",
    )


def _erasures() -> None:
    """What people had erased, and the keys that are to be destroyed for it."""
    create(
        "privacy_condemned",
        *text_key("key_id"),
        *text("workspace", "cause"),
        sqlite_with_rowid=False,
    )
    index("privacy_condemned_cause", "privacy_condemned", "cause")
    create(
        "privacy_erasure",
        *text_key("id"),
        *text(
            "workspace",
            "kind",
            "target",
            "status",
            "ground",
            "asked",
            "requested_by",
            "requested_at",
        ),
        *text_or_null("decided_by", "decided_at", "told"),
        *text("held_by"),
        *text_or_null("condemned_at", "erased_at", "receipt"),
    )
    index("privacy_erasure_newest", "privacy_erasure", "workspace", "requested_at DESC", "id DESC")
    index("privacy_erasure_target", "privacy_erasure", "workspace", "target")


def _holds() -> None:
    create(
        "privacy_hold",
        *text_key("id"),
        *text("workspace", "kind", "target", "matter", "asked", "placed_by", "placed_at"),
        *text_or_null("expires_at", "lifted_by", "lifted_at", "told"),
    )
    index("privacy_hold_newest", "privacy_hold", "workspace", "placed_at DESC", "id DESC")
    index("privacy_hold_standing", "privacy_hold", "workspace", where="lifted_at IS NULL")


def _deliveries() -> None:
    """What endpoints are told."""
    create(
        "webhook_cursor",
        *text_key("workspace", "endpoint"),
        *whole("position"),
        sqlite_with_rowid=False,
    )
    create(
        "webhook_delivery",
        *text_key("id"),
        *text("workspace", "endpoint", "event_id"),
        *whole("position", "idx"),
        *text("type"),
        *text_or_null("execution_id"),
        *text("created_at", "updated_at", "status"),
        *whole("attempts"),
        *text_or_null("next_at"),
        *whole_or_null("last_status"),
        *text_or_null("last_error"),
    )
    index(
        "webhook_delivery_by_status",
        "webhook_delivery",
        "workspace",
        "status",
        "position DESC",
        "idx DESC",
        "id",
    )
    index("webhook_delivery_due", "webhook_delivery", "workspace", "endpoint", "status", "next_at")
    index(
        "webhook_delivery_newest",
        "webhook_delivery",
        "workspace",
        "position DESC",
        "idx DESC",
        "id",
    )
    index("webhook_delivery_old", "webhook_delivery", "status", "updated_at")
