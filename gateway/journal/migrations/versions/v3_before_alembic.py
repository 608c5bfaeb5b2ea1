"""The policy store: SQLite files that were written before there were migrations.

Revision 4 brings whatever such a file lacks, so there is nothing to do for this one.
"""

revision = "3"
down_revision = "2"


def upgrade() -> None:
    """Change nothing."""
