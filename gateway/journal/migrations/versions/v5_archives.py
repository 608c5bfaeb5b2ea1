"""What of the record lies in archives, and where a restored record goes on."""

from gateway.journal.migrations.building import (
    create,
    index,
    text,
    text_key,
    text_or_null,
    whole,
    whole_key,
)

revision = "5"
down_revision = "4"


def upgrade() -> None:
    """Create the tables; nothing was archived or restored before."""
    create(
        "archive",
        *whole_key("first"),
        *whole("last"),
        *text("file", "digest", "absent", "chain"),
        *whole("seq"),
        *text("at"),
    )
    create(
        "archived_entry",
        *whole_key("position"),
        *text("at", "type"),
        *text_or_null("execution_id"),
        *text("body", "workspace", "chain"),
        *whole("seq"),
    )
    index("archived_entry_chain", "archived_entry", "chain", "seq")
    create(
        "restoration",
        *text_key("chain"),
        *whole_key("seq"),
        *text("before"),
        sqlite_with_rowid=False,
    )
