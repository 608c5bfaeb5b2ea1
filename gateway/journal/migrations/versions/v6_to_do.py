"""Indexes of what is to be done, among all that is over."""

from gateway.journal.migrations.building import index

revision = "6"
down_revision = "5"


def upgrade() -> None:
    """Create them: what is over stays in these tables, and is far more."""
    index("policy_changeset_shadowing", "policy_changeset", "id", where="shadowing = 1")
    waits = "status IN ('approved', 'held')"
    index("privacy_erasure_to_do", "privacy_erasure", "requested_at", "id", where=waits)
