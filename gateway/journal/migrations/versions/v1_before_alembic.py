"""The first tables: SQLite files that were written before there were migrations.

Revision 4 brings whatever such a file lacks, so there is nothing to do for this one.
"""

revision = "1"
down_revision: str | None = None


def upgrade() -> None:
    """Change nothing."""
