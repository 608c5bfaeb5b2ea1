"""Lanes, grants, skills and webhooks: SQLite files that were written before there were migrations.

Revision 4 brings whatever such a file lacks, so there is nothing to do for this one.
"""

revision = "2"
down_revision = "1"


def upgrade() -> None:
    """Change nothing."""
